package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func (w *world) renew(t *testing.T, kind, id, token string, term provider.Term) (provider.Change, error) {
	t.Helper()
	return w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: token, Kind: kind, ID: id, Term: term})
}

func TestRenewOncePerToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"instance", "eip"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.bought(t, kind)
			start := w.get(t, kind, id).Expires
			if found := w.find(t, kind, provider.ChangeRenew, "ren-1", id, w.clock.Now()); found.Done || found.Settled {
				t.Errorf("before: %+v", found)
			}
			for range 2 {
				change, err := w.renew(t, kind, id, "ren-1", month(2))
				if err != nil || !change.Resource.Expires.Equal(start.AddDate(0, 2, 0)) {
					t.Fatalf("the same token renews once: %+v, %v", change.Resource, err)
				}
			}
			change, err := w.renew(t, kind, id, "ren-2", month(1))
			if err != nil || change.VendorOrder == "" || !change.Resource.Expires.Equal(start.AddDate(0, 3, 0)) {
				t.Errorf("another token renews again: %+v, %v", change, err)
			}
			for _, token := range []string{"ren-1", "ren-2"} {
				if found := w.find(t, kind, provider.ChangeRenew, token, id, w.clock.Now()); !found.Done || !found.Settled {
					t.Errorf("%s: %+v", token, found)
				}
			}
			if r := w.get(t, kind, id); strings.Contains(string(r.State), "twr") {
				t.Errorf("the marks show in the state: %s", r.State)
			}
			if found := w.find(t, kind, provider.ChangeCreate, "tok-1", "", w.clock.Now()); len(found.Resources) != 1 {
				t.Errorf("the purchase token is lost: %+v", found)
			}
		})
	}
}

// bought buys a resource of a kind with the token tok-1.
func (w *world) bought(t *testing.T, kind string) string {
	t.Helper()
	if kind == "eip" {
		return w.address(t, "tok-1")
	}
	return w.server(t, "tok-1")
}

func TestRenewThroughFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		fault   sim.Fault
		outcome fault.Outcome
		done    bool
	}{
		"LostAnswer":   {"renewed, the answer is lost", sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"CreateRenew"}}, fault.OutcomeUnknown, true},
		"Gateway":      {"not renewed, but who knows", sim.Fault{Kind: sim.KindHTTP, Actions: []string{"CreateRenew"}}, fault.OutcomeUnknown, false},
		"Throttled":    {"not renewed", sim.Fault{Kind: sim.KindThrottle, Actions: []string{"CreateRenew"}}, fault.OutcomeNotDone, false},
		"MarkLost":     {"only the mark is in doubt", sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"ModifyUHostInstanceRemark"}}, fault.OutcomeNotDone, false},
		"MarkNotMade":  {"without a mark nothing is bought", sim.Fault{Kind: sim.KindHTTP, Actions: []string{"ModifyUHostInstanceRemark"}}, fault.OutcomeNotDone, false},
		"AnswerBroken": {"renewed, the answer is a page", sim.Fault{Kind: sim.KindNonJSON, After: true, Actions: []string{"CreateRenew"}}, fault.OutcomeUnknown, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.server(t, "tok-1")
			start, began := w.get(t, "instance", id).Expires, w.clock.Now()
			tc.fault.Count = 1
			w.faults(t, tc.fault)
			_, err := w.renew(t, "instance", id, "ren-1", month(1))
			if err == nil || fault.OutcomeOf(err) != tc.outcome {
				t.Errorf("%s: %v", tc.reason, err)
			}
			found := w.find(t, "instance", provider.ChangeRenew, "ren-1", id, began)
			if found.Done != tc.done || found.Settled != tc.done {
				t.Errorf("%s: at once %+v", tc.reason, found)
			}
			w.clock.Advance(2 * time.Minute)
			if found = w.find(t, "instance", provider.ChangeRenew, "ren-1", id, began); found.Done != tc.done || !found.Settled {
				t.Errorf("%s: later %+v", tc.reason, found)
			}
			if _, err := w.renew(t, "instance", id, "ren-1", month(1)); err != nil {
				t.Errorf("%s: again: %v", tc.reason, err)
			}
			if end := w.get(t, "instance", id).Expires; !end.Equal(start.AddDate(0, 1, 0)) {
				t.Errorf("%s: ends %v, want one month after %v", tc.reason, end, start)
			}
		})
	}
}

func TestRenewalsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	hourly := w.order("tok-2")
	hourly.Term = provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1}
	change, err := w.Create(t.Context(), hourly)
	if err != nil {
		t.Fatal(err)
	}
	year := provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 1, Quantity: 1}
	cases := map[string]struct {
		reason, kind, id, token string
		term                    provider.Term
		class                   fault.Class
	}{
		"Gone":    {"what is not there", "instance", "uhost-none", "r", month(1), fault.ClassNotFound},
		"Long":    {"more than the cloud renews at once", "instance", id, "r", month(11), fault.ClassInvalid},
		"Unit":    {"in another unit than it was bought", "instance", id, "r", year, fault.ClassInvalid},
		"Hourly":  {"what is paid by use goes on by itself", "instance", change.Resource.ID, "r", month(1), fault.ClassPrecondition},
		"NoToken": {"without a token it could happen twice", "instance", id, "", month(1), fault.ClassInvalid},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.renew(t, tc.kind, tc.id, tc.token, tc.term)
			want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
		})
	}
}

func TestMarksProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[\p{Han}a-z -]{0,20}`).Draw(t, "text")
		remark, end := text, int64(1_700_000_000)
		type renewal struct {
			token string
			done  bool
		}
		var all []renewal
		for i := range rapid.IntRange(1, 6).Draw(t, "renewals") {
			r := renewal{token: "ren-" + string(rune('a'+i)), done: rapid.Bool().Draw(t, "done")}
			m, rest := marksOf(remark)
			remark = m.add(newMark(r.token, time.Unix(end, 0))).with(rest)
			if r.done {
				end += 2_592_000
			}
			all = append(all, r)
		}
		m, rest := marksOf(remark)
		if rest != text || len(m) > maxMarks || len(remark)-len(text) > 120 {
			t.Fatalf("remark %q of text %q", remark, text)
		}
		for i, r := range all {
			known, done := m.happened(r.token, time.Unix(end, 0))
			if recent := i >= len(all)-maxMarks; known != recent || (recent && done != r.done) {
				t.Fatalf("%s of %q: known %v, done %v, want %v", r.token, remark, known, done, r.done)
			}
		}
	})
}

func FuzzMarks(f *testing.F) {
	for _, s := range []string{"", "text", "twr0123456789abcdef0123-1700000000.text", "twr-.", "twr0123456789abcdef0123-999999999999."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, remark string) {
		m, text := marksOf(remark)
		if again := m.with(text); again != remark && len(m) > 0 {
			if m2, text2 := marksOf(again); text2 != text || len(m2) != len(m) {
				t.Errorf("%q became %q", remark, again)
			}
		}
	})
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, eip := w.server(t, "tok-1"), w.address(t, "tok-2")
	term := func(p provider.Period, n, quantity int) provider.Term {
		return provider.Term{Billing: provider.BillingPrepaid, Period: p, Periods: n, Quantity: quantity}
	}
	line := `{"line":"Bgp","bandwidth_mbps":2,"pay_mode":"Bandwidth"}`
	cases := map[string]struct {
		reason, kind, spec, id string
		change                 provider.ChangeKind
		term                   provider.Term
		list, net              provider.Decimal
	}{
		"Month":    {"2 cores 4 GB and a disk of 20 GB", "instance", serverSpec, "", provider.ChangeCreate, month(1), "180.00", "144.00"},
		"Quarter":  {"three months", "instance", serverSpec, "", provider.ChangeCreate, month(3), "540.00", "432.00"},
		"Many":     {"more than the cloud prices at once", "instance", serverSpec, "", provider.ChangeCreate, term(provider.PeriodMonth, 1, 50), "9000.00", "7200.00"},
		"Year":     {"a year costs ten months", "instance", serverSpec, "", provider.ChangeCreate, term(provider.PeriodYear, 1, 1), "1800.00", "1440.00"},
		"Hour":     {"an hour", "instance", serverSpec, "", provider.ChangeCreate, term(provider.PeriodHour, 1, 1), "0.39", "0.31"},
		"Renewal":  {"two more months", "instance", "", host, provider.ChangeRenew, month(2), "360.00", "288.00"},
		"EIP":      {"an address", "eip", line, "", provider.ChangeCreate, month(1), "46.00", "36.80"},
		"EIPs":     {"addresses", "eip", line, "", provider.ChangeCreate, term(provider.PeriodMonth, 2, 3), "276.00", "220.80"},
		"EIPAgain": {"an address for longer", "eip", "", eip, provider.ChangeRenew, month(1), "46.00", "36.80"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			req := provider.QuoteRequest{Call: w.call(), Change: tc.change, Kind: tc.kind, ResourceID: tc.id, Term: tc.term}
			if tc.spec != "" {
				req.Spec = json.RawMessage(tc.spec)
			}
			q, err := w.Quote(t.Context(), req)
			if err != nil || q.List != tc.list || q.Net != tc.net || q.Currency != "CNY" {
				t.Errorf("%s: %+v, %v; want %s and %s", tc.reason, q, err, tc.list, tc.net)
			}
		})
	}
}

func TestRefundQuoteIsWhatTheReleaseGives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.power(t, id, "stop")
	w.clock.Advance(10 * 24 * time.Hour)
	ask := provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRelease, Kind: "instance", ResourceID: id, Term: month(1)}
	q, err := w.Quote(t.Context(), ask)
	if err != nil || !strings.HasPrefix(string(q.Net), "-") || q.List != "" {
		t.Fatalf("quote %+v, %v", q, err)
	}
	w.delete(t, id)
	if got := yuan(-int64(w.sim.Report(1).Accounts["one"].Refunded)); got != q.Net {
		t.Errorf("refunded %s, quoted %s", got, q.Net)
	}
	_, err = w.Quote(t.Context(), ask)
	want(t, "a server that is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
	ask.Kind = "eip"
	_, err = w.Quote(t.Context(), ask)
	want(t, "the cloud does not price the release of addresses", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}

// TestRenewalsAtOnce: callers with one token renew once, those with two renew
// twice, however they meet.
func TestRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"instance", "eip"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.bought(t, kind)
			start := w.get(t, kind, id).Expires
			w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 20, Actions: []string{"ModifyUHostInstanceRemark", "UpdateEIPAttribute"}})
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if _, err := w.renew(t, kind, id, []string{"ren-1", "ren-2"}[i%2], month(1)); err != nil {
						t.Errorf("%d: %v", i, err)
					}
				})
			}
			all.Wait()
			if r := w.get(t, kind, id); !r.Expires.Equal(start.AddDate(0, 2, 0)) {
				t.Errorf("two tokens moved the end from %v to %v", start, r.Expires)
			}
		})
	}
}

// TestTheCloudRenewsByItself: as long as it shall, and after a lost answer too.
func TestTheCloudRenewsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("allow_auto_renew", "true")
	act := func(call provider.Call, kind, id, action, input string) (provider.Change, error) {
		return w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
	}
	for _, kind := range []string{"instance", "eip"} {
		id := w.bought(t, kind)
		end := w.get(t, kind, id).Expires
		_, err := act(w.call(), kind, id, "auto_renew", `{"periods":1}`)
		want(t, kind+" without leave", err, fault.ClassPrecondition, fault.OutcomeNotDone)
		_, err = act(call, kind, id, "auto_renew", `{"period":"year","periods":1}`)
		want(t, kind+" by another unit", err, fault.ClassInvalid, fault.OutcomeNotDone)
		_, err = act(call, kind, id, "auto_renew", `{"periods":2}`)
		want(t, kind+" by two periods", err, fault.ClassInvalid, fault.OutcomeNotDone)
		for _, action := range []string{"auto_renew", "stop_auto_renew", "auto_renew"} {
			w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"ModifyAutoRenewFlag"}})
			input := map[bool]string{true: `{"periods":1}`, false: `{}`}[action == "auto_renew"]
			_, err := act(call, kind, id, action, input)
			want(t, kind+": a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			if _, err := act(call, kind, id, action, input); err != nil {
				t.Errorf("%s of %s: %v", action, kind, err)
			}
			if out, err := act(call, "instance", id, "renewal_rule", `{}`); kind == "instance" && (err != nil || string(out.Output) != `{"set":`+strconv.FormatBool(action == "auto_renew")+`}`) {
				t.Errorf("after %s: %s, %v", action, out.Output, err)
			}
		}
		w.clock.Set(end.Add(time.Minute))
		if got := w.get(t, kind, id).Expires; !got.Equal(end.AddDate(0, 1, 0)) {
			t.Errorf("%s ended %v and ends %v", kind, end, got)
		}
	}
	_, err := act(call, "eip", "eip-none", "auto_renew", `{"periods":1}`)
	want(t, "no address", err, fault.ClassNotFound, fault.OutcomeNotDone)
}
