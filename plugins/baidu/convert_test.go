package main

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"

	"github.com/baidubce/bce-sdk-go/services/bcc/api"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]provider.Decimal{
		"": "0.00", "0": "0.00", "-0.00": "0.00", "12": "12.00", "12.5": "12.50", "-3.456": "-3.456", "0.1": "0.10", "1E+2": "100.00", "12e-1": "1.20",
		"100000000000000.01": "100000000000000.01",
	} {
		a, err := amountOf(json.Number(text))
		if err != nil || decimal(a) != want {
			t.Errorf("%q: %v, %v; want %s", text, a, err, want)
		}
	}
	for _, text := range []string{"x", "1e99", "1e999999999", "1_0", "0x10", "1/3", "Inf", ".5", "1.", "--1"} {
		if a, err := amountOf(json.Number(text)); err == nil {
			t.Errorf("%q is read as %v", text, a)
		}
	}
}

// TestAmountsProperty: what is read is written as it was.
func TestAmountsProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-1<<50, 1<<50).Draw(t, "fen")
		places := rapid.IntRange(0, 10).Draw(t, "places")
		a := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
		back, err := amountOf(json.Number(decimal(a)))
		if err != nil || back.Cmp(a) != 0 {
			t.Fatalf("%v became %s", a, decimal(a))
		}
	})
}

func TestLeases(t *testing.T) {
	t.Parallel()
	term := func(b provider.BillingMethod, p provider.Period, n int) provider.Term {
		return provider.Term{Billing: b, Period: p, Periods: n, Quantity: 1}
	}
	for reason, c := range map[string]struct {
		term provider.Term
		want lease
		path string
	}{
		"a month":       {term(provider.BillingPrepaid, provider.PeriodMonth, 1), lease{prepaid, 1}, ""},
		"nine months":   {term(provider.BillingPrepaid, provider.PeriodMonth, 9), lease{prepaid, 9}, ""},
		"ten months":    {term(provider.BillingPrepaid, provider.PeriodMonth, 10), lease{}, "term.periods"},
		"twelve months": {term(provider.BillingPrepaid, provider.PeriodMonth, 12), lease{prepaid, 12}, ""},
		"three years":   {term(provider.BillingPrepaid, provider.PeriodYear, 3), lease{prepaid, 36}, ""},
		"four years":    {term(provider.BillingPrepaid, provider.PeriodYear, 4), lease{}, "term.periods"},
		"an hour":       {term(provider.BillingPrepaid, provider.PeriodHour, 1), lease{}, "term.period"},
		"by the hour":   {term(provider.BillingPostpay, provider.PeriodHour, 1), lease{postpaid, 0}, ""},
		"by use":        {term(provider.BillingPostpay, provider.PeriodNone, 1), lease{postpaid, 0}, ""},
		"by the month":  {term(provider.BillingPostpay, provider.PeriodMonth, 1), lease{}, "term.period"},
		"once":          {term(provider.BillingOnce, provider.PeriodNone, 1), lease{}, "term.billing"},
	} {
		got, err := leaseOf(c.term)
		path := ""
		if e := fault.As(err); e != nil {
			path = e.Fields[0].Path
		}
		if got != c.want || path != c.path {
			t.Errorf("%s: %+v, %v", reason, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"web": "web", "": "tok", "9 lives": "n-9-lives", "a b/c.d_e": "a-b/c.d_e", "云服务器 1": "云服务器-1", "!!!": "tok", "-x-": "x",
		strings.Repeat("a", 80): strings.Repeat("a", nameMost),
	} {
		if got := nameOf(in, "tok"); got != want {
			t.Errorf("%q is called %q; want %q", in, got, want)
		}
	}
}

// TestTokensProperty: different tokens never share a tag or a client token, and
// both fit the cloud.
func TestTokensProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(1, 100, 200).Draw(t, "a"), rapid.StringN(1, 100, 200).Draw(t, "b")
		x, err := tagOf(a)
		y, err2 := tagOf(b)
		if err != nil || err2 != nil || !tagValue.MatchString(x) || (x == y) != (a == b) {
			t.Fatalf("%q and %q have the tags %q and %q", a, b, x, y)
		}
		c, d := clientToken(a, "kind"), clientToken(b, "kind")
		if len(c) > 64 || (c == d) != (a == b) || c == clientToken(a, "other") {
			t.Fatalf("%q and %q have the client tokens %q and %q", a, b, c, d)
		}
	})
	if _, err := tagOf(""); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("no token: %v", err)
	}
}

func FuzzOperation(f *testing.F) {
	f.Add("create:i-1@bj/1700000000")
	f.Add("delete:@/")
	f.Add("free:../x@bj/1")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOperation(text)
		if err != nil {
			if !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := parseOperation(o.String())
		if err != nil || again.String() != o.String() || !goodID.MatchString(o.id) || !label.MatchString(o.region) {
			t.Errorf("%q: %+v, %v", text, o, err)
		}
	})
}

func FuzzAmount(f *testing.F) {
	for _, text := range []string{"1.20", "-3", "1e9", "1e-9", "9e99999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := amountOf(json.Number(text)); err == nil && len(decimal(a)) > 64 {
			t.Errorf("%q became %s", text, decimal(a))
		}
	})
}

func FuzzRule(f *testing.F) {
	f.Add("tcp", "22", "all", "ingress", "IPv4")
	f.Add("", "1-65535", "", "egress", "IPv6")
	f.Fuzz(func(t *testing.T, protocol, ports, source, direction, family string) {
		k := keptRule(ruleRow{Protocol: protocol, PortRange: ports, SourceIp: source, DestIp: source, Direction: direction, Ethertype: family})
		if k.ID == "" || k.CIDR == "" || k.Direction == "" {
			t.Errorf("the rule is %+v", k)
		}
	})
}

// TestRulesSurviveTheCloud: a rule that is sent is shown as it was asked for.
func TestRulesSurviveTheCloud(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, lastPort).Draw(t, "from")
		r := kinds.Rule{
			Direction: rapid.SampledFrom([]string{"", kinds.In, kinds.Out}).Draw(t, "direction"),
			Protocol:  rapid.SampledFrom([]string{kinds.TCP, kinds.UDP}).Draw(t, "protocol"),
			FromPort:  from, ToPort: rapid.IntRange(from, lastPort).Draw(t, "to"),
			CIDR: rapid.SampledFrom([]string{"0.0.0.0/0", "::/0", "10.1.2.3/8", "192.0.2.7", "2001:db8::/32"}).Draw(t, "cidr"),
		}
		row, err := wireRule(r, "rule")
		if err != nil {
			t.Fatal(err)
		}
		if got := keptRule(row).Rule; !got.Same(asKept(r)) {
			t.Fatalf("%+v is shown as %+v", r, got)
		}
	})
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]provider.Status{
		"Running": provider.StatusRunning, "Starting": provider.StatusStarting, "Stopping": provider.StatusStopping, "Stopped": provider.StatusStopped,
		"Expired": provider.StatusFrozen, "Recycled": provider.StatusFrozen, "Error": provider.StatusError, "Deleted": provider.StatusDeleted,
		"ChangeVpc": provider.StatusPending, "Odd": provider.StatusUnknown,
	} {
		if got := instanceStatus(state); got != want {
			t.Errorf("a server that is %s is %s", state, got)
		}
	}
	for state, want := range map[string]provider.Status{
		"available": provider.StatusFree, "binded": provider.StatusBound, "paused": provider.StatusFrozen, "binding": provider.StatusPending, "odd": provider.StatusUnknown,
	} {
		if got := addressStatus(state); got != want {
			t.Errorf("an address that is %s is %s", state, got)
		}
	}
	for state, want := range map[string]provider.Status{
		"Available": provider.StatusFree, "InUse": provider.StatusBound, "Attaching": provider.StatusPending, "Expired": provider.StatusFrozen,
		"Error": provider.StatusError, "Deleting": provider.StatusDeleted, "Odd": provider.StatusUnknown,
	} {
		if got := diskStatus(state); got != want {
			t.Errorf("a disk that is %s is %s", state, got)
		}
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	rows := []api.BccStock{{Spec: "s", ZoneName: "a", InventoryQuantity: 2}, {Spec: "s", ZoneName: "b"}, {Spec: "other", ZoneName: "b", InventoryQuantity: 9}}
	for reason, c := range map[string]struct {
		zone string
		n    int
		ok   bool
	}{
		"there is some":          {"a", 2, true},
		"not so much":            {"a", 3, false},
		"none there":             {"b", 1, false},
		"somewhere":              {"", 1, true},
		"nowhere":                {"", 3, false},
		"a zone that is unknown": {"c", 1, true},
	} {
		if got := placed(rows, "s", c.zone, c.n); got.OK != c.ok || (got.Reason == "") != c.ok {
			t.Errorf("%s: %+v", reason, got)
		}
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	if got := moment("2026-06-10T12:00:00+08:00"); !got.Equal(epoch()) || got.Location() != time.UTC {
		t.Errorf("a time is %v", got)
	}
	if got := moment("soon"); !got.IsZero() {
		t.Errorf("no time is %v", got)
	}
}
