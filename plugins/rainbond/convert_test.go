package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		own string
		b   purchase
	}{
		"Plain":  {"", purchase{at: at, model: blog, version: "1.0"}},
		"Deploy": {"for the\nfair", purchase{at: at, deploy: true, model: "a b", version: "1.0 ] beta&x=1"}},
		"Store":  {"[tradewind x=1]", purchase{at: at, model: "m", version: "v", store: store{"https://s.example/?", "d", "t"}}},
	} {
		own, got, ok := purchaseOf(tc.b.note(tc.own))
		if d := cmp.Diff(tc.b, got, cmp.AllowUnexported(purchase{})); !ok || own != tc.own || d != "" {
			t.Errorf("%s: %q, %t (-want +got):\n%s", name, own, ok, d)
		}
	}
	longest := purchase{at: at, deploy: true, model: strings.Repeat("m", 64), version: strings.Repeat("v", 64), store: store{strings.Repeat("/", 255), strings.Repeat("d", 64), "rainstore"}}
	if n := len([]rune(longest.note(strings.Repeat("n", 500)))); n > 2048 {
		t.Errorf("the longest note has %d characters; the console takes 2048", n)
	}
	for _, note := range []string{"", "a note", "[tradewind ]", "[tradewind at=x&model=m&version=v]", "[tradewind at=1&version=v]", "[tradewind at=1&model=m&version=v] more"} {
		if own, _, ok := purchaseOf(note); ok || own != note {
			t.Errorf("%q is taken for one of the plugin's", note)
		}
	}
}

func FuzzNotes(f *testing.F) {
	f.Add("own", "model", "1.0", true)
	f.Add("[tradewind at=1]", "]", "\n", false)
	f.Fuzz(func(t *testing.T, own, model, version string, deploy bool) {
		b := purchase{at: time.Unix(1_700_000_000, 0).UTC(), deploy: deploy, model: model, version: version}
		gotOwn, got, ok := purchaseOf(b.note(own))
		if model == "" || version == "" {
			return
		}
		if !ok || got != b || gotOwn != own {
			t.Errorf("%q, %+v became %q, %+v, %t", own, b, gotOwn, got, ok)
		}
		_, _, _ = purchaseOf(own)
	})
}

func FuzzOperations(f *testing.F) {
	f.Add(operation{verbCreate, 17, home, "", time.Unix(1, 0)}.String())
	f.Add("app:upgrade:1:a%3Ab:m+1.0:9")
	f.Fuzz(func(t *testing.T, id string) {
		o, err := parseOperation(id)
		if err != nil {
			if !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%q: %v", id, err)
			}
			return
		}
		again, err := parseOperation(o.String())
		if err != nil || again != o {
			t.Errorf("%q became %+v, then %+v, %v", id, o, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shop": "shop", "": "app", "a b/c": "a-b-c", "商店 1": "商店-1", "..": "app", strings.Repeat("x", 200): strings.Repeat("x", nameMost), "-a-": "a",
	} {
		if got := nameOf(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
	mark, err := markOf("token")
	if err != nil || len(mark) != 19 {
		t.Errorf("mark %q, %v", mark, err)
	}
	if own, got := split(nameOf("shop") + "." + mark); own != "shop" || got != mark {
		t.Errorf("%q, %q", own, got)
	}
	if _, err := markOf(""); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("without a token: %v", err)
	}
}

func TestStatesOfApps(t *testing.T) {
	t.Parallel()
	parts := func(words ...string) []Component {
		var out []Component
		for _, w := range words {
			word := w
			row := partRow{Status: &word}
			if w == "null" {
				row.Status = nil
			}
			out = append(out, row.component())
		}
		return out
	}
	for _, tc := range []struct {
		words  []string
		status provider.Status
		raw    string
	}{
		{nil, provider.StatusPending, rawEmpty},
		{[]string{"running", "succeeded"}, provider.StatusRunning, "running"},
		{[]string{"running", "closed"}, provider.StatusRunning, rawPart},
		{[]string{"undeploy", "closed", "paused"}, provider.StatusStopped, "closed"},
		{[]string{"running", "starting"}, provider.StatusStarting, "starting"},
		{[]string{"stoping", "starting"}, provider.StatusStopping, "stoping"},
		{[]string{"some_abnormal", "running"}, provider.StatusError, "some_abnormal"},
		{[]string{"owed", "running"}, provider.StatusFrozen, "owed"},
		{[]string{"uncreate"}, provider.StatusPending, "uncreate"},
		{[]string{"null", "abnormal"}, provider.StatusUnknown, rawSilent},
		{[]string{"unKnow", "running"}, provider.StatusUnknown, "unKnow"},
		{[]string{"never heard of"}, provider.StatusUnknown, "never heard of"},
	} {
		if s, raw := together(parts(tc.words...)); s != tc.status || raw != tc.raw {
			t.Errorf("%v is %s, %q; want %s, %q", tc.words, s, raw, tc.status, tc.raw)
		}
	}
}

func TestPathsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"a": "/x/a", "..": "/x/-", ".": "/x/-", "": "/x/-", "a/../b?c#d": "/x/a%2F..%2Fb%3Fc%23d", "%2e%2e": "/x/%252e%252e"} {
		if got := path("x", id); got != want {
			t.Errorf("%q leads to %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"", "0", "-1", "01", "+1", "1 ", "x", "99999999999999999999"} {
		if _, ok := numberOf(id); ok {
			t.Errorf("%q is taken for the number of an app", id)
		}
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Amount{`12`: "12", `0.5`: "0.5", `"7"`: "7", `null`: "", `{}`: "", `-1`: "", `1e9`: ""} {
		var got Amount
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got != want {
			t.Errorf("%s became %q, %v", raw, got, err)
		}
	}
}
