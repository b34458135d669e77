package main

import (
	"encoding/base64"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// TestErrorTable holds every code of the vendor's facts to its class and, for a
// change, to what may have happened.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	groups := map[string]struct {
		class   fault.Class
		unknown bool
		codes   []int
	}{
		"Doubtful":        {fault.ClassUnavailable, true, []int{110, 130, 150, 8854, 8855, 8897, 8898}},
		"Unavailable":     {fault.ClassUnavailable, false, []int{4200, 4202, 4203, 4205, 4206, 4209, 4351, 4352, 4353, 4354, 4356, 8887, 8888}},
		"Throttled":       {fault.ClassThrottled, false, []int{153}},
		"Invalid":         {fault.ClassInvalid, false, []int{160, 220, 230, 214001, 4002, 4011, 4227, 4228, 4359, 8044, 8045, 8046, 8064, 8065, 8066, 8126, 8315}},
		"Unsupported":     {fault.ClassUnsupported, false, []int{161}},
		"Unauthenticated": {fault.ClassUnauthenticated, false, []int{170, 171, 172, 174, 294, 295}},
		"Forbidden":       {fault.ClassForbidden, false, []int{292, 293, 299, 4008, 8116, 8226, 8300}},
		"Balance":         {fault.ClassInsufficientBalance, false, []int{4018, 4057, 4060, 4067, 8104, 8117}},
		"Precondition":    {fault.ClassPrecondition, false, []int{4019, 4219, 4154, 4211, 4212, 4358, 4361, 4411, 8010, 8034, 8035, 8856, 8905}},
		"Conflict":        {fault.ClassConflict, false, []int{4364}},
		"Quota":           {fault.ClassQuota, false, []int{4207, 4360, 8095}},
		"NotFound":        {fault.ClassNotFound, false, []int{4210, 4600, 8039, 54002, 58103}},
		"OutOfStock":      {fault.ClassOutOfStock, false, []int{8320, 8833, 8847}},
		"Unlisted":        {fault.ClassInternal, true, []int{9999, -1, 1}},
		"UnlistedGateway": {fault.ClassInvalid, false, []int{201, 280}},
	}
	covered := map[int]bool{}
	for name, g := range groups {
		for _, code := range g.codes {
			covered[code] = true
			for _, writes := range []bool{true, false} {
				err := failure{writes: writes, requestID: "req-1"}.refused(code, "some words")
				f := fault.As(err)
				unknown := writes && g.unknown
				if f.Class != g.class || (f.Outcome == fault.OutcomeUnknown) != unknown {
					t.Errorf("%s: code %d, write %v: %v", name, code, writes, err)
				}
				if f.CloudCode != strconv.Itoa(code) || f.RequestID != "req-1" || f.Source != fault.SourceCloud {
					t.Errorf("%s: code %d lost its code or request: %+v", name, code, f)
				}
			}
		}
	}
	for code := range classes() {
		if !covered[code] {
			t.Errorf("code %d is in the table and not in this test", code)
		}
	}
}

func TestChargeOf(t *testing.T) {
	t.Parallel()
	term := func(b provider.BillingMethod, p provider.Period, n int) provider.Term {
		return provider.Term{Billing: b, Period: p, Periods: n}
	}
	cases := map[string]struct {
		reason   string
		term     provider.Term
		charge   string
		quantity int
	}{
		"Month":    {"months", term(provider.BillingPrepaid, provider.PeriodMonth, 3), "Month", 3},
		"Year":     {"years", term(provider.BillingPrepaid, provider.PeriodYear, 2), "Year", 2},
		"Hour":     {"one hour in advance", term(provider.BillingPrepaid, provider.PeriodHour, 1), "Dynamic", 1},
		"Hours":    {"hours go on by themselves", term(provider.BillingPrepaid, provider.PeriodHour, 2), "", 0},
		"Day":      {"days are not sold", term(provider.BillingPrepaid, provider.PeriodDay, 1), "", 0},
		"Use":      {"by use", term(provider.BillingPostpay, provider.PeriodHour, 1), "Postpay", 1},
		"UseMonth": {"use is not counted by months", term(provider.BillingPostpay, provider.PeriodMonth, 1), "", 0},
		"Once":     {"nothing is sold for ever", term(provider.BillingOnce, provider.PeriodNone, 1), "", 0},
	}
	for name, tc := range cases {
		charge, quantity, err := chargeOf(tc.term)
		if charge != tc.charge || quantity != tc.quantity || (err != nil) != (tc.charge == "") {
			t.Errorf("%s, %s: %q, %d, %v", name, tc.reason, charge, quantity, err)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	hosts := map[string]provider.Status{
		"Initializing": provider.StatusPending, "Starting": provider.StatusStarting, "Running": provider.StatusRunning,
		"Stopping": provider.StatusStopping, "Stopped": provider.StatusStopped, "Rebooting": provider.StatusRebooting,
		"Install Fail": provider.StatusError, "ResizeFail": provider.StatusError, "": provider.StatusUnknown,
		"InstallFail": provider.StatusUnknown,
	}
	for raw, status := range hosts {
		if got := hostStatus(raw); got != status {
			t.Errorf("server %q is %v, want %v", raw, got, status)
		}
	}
	for raw, status := range map[string]provider.Status{
		"used": provider.StatusBound, "free": provider.StatusFree, "freeze": provider.StatusFrozen, "": provider.StatusUnknown,
	} {
		if got := eipStatus(raw); got != status {
			t.Errorf("address %q is %v, want %v", raw, got, status)
		}
	}
}

func TestTagsProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		x, errX := tagOf(a)
		y, errY := tagOf(b)
		if (errX != nil) != (a == "") || (errY != nil) != (b == "") {
			t.Fatalf("%q: %v, %q: %v", a, errX, b, errY)
		}
		if errX == nil && (!label.MatchString(x) || x == defaultTag) {
			t.Fatalf("%q became the tag %q, which the cloud refuses", a, x)
		}
		if errX == nil && errY == nil && (a == b) != (x == y) {
			t.Fatalf("%q and %q became %q and %q", a, b, x, y)
		}
		if name := nameOf(a, "other"); !label.MatchString(name) {
			t.Fatalf("%q became the name %q", a, name)
		}
	})
	if tag, err := tagOf(strings.Repeat("a", 63)); err != nil || tag != strings.Repeat("a", 63) {
		t.Errorf("a token that fits is its own tag, got %q, %v", tag, err)
	}
}

func TestTimesProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen, n := rapid.Int64Range(-1e12, 1e12).Draw(t, "fen"), rapid.IntRange(-1000, 1000).Draw(t, "n")
		got, err := times(string(yuan(fen)), n)
		if err != nil || got != yuan(fen*int64(n)) {
			t.Fatalf("%s times %d is %s, %v", yuan(fen), n, got, err)
		}
		if !regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]{2}$`).MatchString(string(got)) {
			t.Fatalf("%s is no decimal with two places", got)
		}
	})
	for _, bad := range []string{"NaN", "+Inf", "", "99999999999999999999.00"} {
		if _, err := times(bad, 1); err == nil {
			t.Errorf("%q is taken for an amount", bad)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	var seen []string
	for range 100 {
		v, err := newPassword()
		if err != nil {
			t.Fatal(err)
		}
		p := v.Reveal()
		if len(p) < 8 || len(p) > 30 || slices.Contains(seen, p) {
			t.Errorf("password of %d characters, or seen before", len(p))
		}
		for _, class := range []string{"[a-z]", "[A-Z]", "[0-9]"} {
			if !regexp.MustCompile(class).MatchString(p) {
				t.Errorf("no %s in a password", class)
			}
		}
		if _, err := base64.StdEncoding.DecodeString(p); err == nil {
			t.Error("a password could be taken for base64")
		}
		seen = append(seen, p)
	}
}

func FuzzOperation(f *testing.F) {
	for _, s := range []string{"create:uhost-1@cn-bj2/1700000000", "delete:x@y/-1", "", "create:@/", "renew:a@b/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOperation(text)
		if err != nil {
			if !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := parseOperation(o.String())
		if err != nil || again != o {
			t.Errorf("%q became %q", text, o)
		}
	})
}

func TestOperationNames(t *testing.T) {
	t.Parallel()
	o := operation{verb: opCreate, id: "uhost-1", region: "cn-bj2", began: time.Unix(1_700_000_000, 0)}
	if o.String() != "create:uhost-1@cn-bj2/1700000000" {
		t.Errorf("got %q", o)
	}
}

// TestNoFloatingMoney: the SDK's prices are floats; they become decimals at once.
func TestNoFloatingMoney(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "float64") {
			t.Errorf("%s computes with floats", f.Name())
		}
	}
}
