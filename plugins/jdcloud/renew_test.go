package main

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

// TestRenewalsCostWhatWasQuoted renews twice with two tokens and looks at the
// text that the marks share a place with.
func TestRenewalsCostWhatWasQuoted(t *testing.T) {
	t.Parallel()
	for kind, spec := range map[string]string{kinds.Instance: `"description":"for the shop"`, kinds.Disk: `"size_gb":20,"description":"for the shop"`, kinds.EIP: `"bandwidth_mbps":2`} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := provider.CreateRequest{Call: w.call(), Token: "tok-1", Kind: kind, Name: "web", Spec: json.RawMessage("{" + spec + "}"), Term: month(1)}
			if kind == kinds.Instance {
				req.Spec = with(serverSpec, "description", "for the shop")
			}
			change, err := w.Create(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			id := change.Resource.ID
			if change.Operation != "" {
				id = w.finish(t, change.Operation).Resource.ID
			}
			end := w.get(t, kind, id).Expires
			year := provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 1, Quantity: 1}
			for i, term := range []provider.Term{month(2), year} {
				q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRenew, Kind: kind, ResourceID: id, Term: term})
				if err != nil {
					t.Fatal(err)
				}
				before := w.sim.Report(1).Accounts["one"].Spent
				token := []string{"ren-1", "ren-2"}[i]
				done, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: token, Kind: kind, ID: id, Term: term})
				if err != nil || done.VendorOrder == "" || done.Resource == nil {
					t.Fatalf("%+v, %v", done, err)
				}
				if paid := (w.sim.Report(1).Accounts["one"].Spent - before).String(); paid != string(q.Net) {
					t.Errorf("paid %s, quoted %+v", paid, q)
				}
			}
			got := w.get(t, kind, id)
			if wanted := end.AddDate(1, 2, 0); !got.Expires.Equal(wanted) {
				t.Errorf("it ends %v, want %v", got.Expires, wanted)
			}
			if text := state[struct{ Description string }](t, got).Description; text != "for the shop" && kind != kinds.EIP {
				t.Errorf("its text is %q", text)
			}
			for _, token := range []string{"ren-1", "ren-2"} {
				if f := w.find(t, kind, provider.ChangeRenew, token, id, w.clock.Now()); !f.Done {
					t.Errorf("%s: %+v", token, f)
				}
			}
			if f := w.find(t, kind, provider.ChangeRenew, "ren-3", id, w.clock.Now().Add(-time.Hour)); f.Done || !f.Settled {
				t.Errorf("never asked for: %+v", f)
			}
		})
	}
}

func TestRenewalsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byUse := w.make(t, kinds.Disk, hourly())
	req := w.creates(t)["CreateDisks"]
	req.Token = "tok-2"
	change, err := w.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	monthly := change.Resource.ID
	for name, tc := range map[string]struct {
		req   provider.RenewRequest
		class fault.Class
	}{
		"ByUse":  {provider.RenewRequest{Token: "r", Kind: kinds.Disk, ID: byUse, Term: month(1)}, fault.ClassPrecondition},
		"Token":  {provider.RenewRequest{Kind: kinds.Disk, ID: monthly, Term: month(1)}, fault.ClassInvalid},
		"Long":   {provider.RenewRequest{Token: "r", Kind: kinds.Disk, ID: monthly, Term: month(37)}, fault.ClassInvalid},
		"Hours":  {provider.RenewRequest{Token: "r", Kind: kinds.Disk, ID: monthly, Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodHour, Periods: 1, Quantity: 1}}, fault.ClassInvalid},
		"Absent": {provider.RenewRequest{Token: "r", Kind: kinds.Instance, ID: "i-none", Term: month(1)}, fault.ClassNotFound},
		"Kind":   {provider.RenewRequest{Token: "r", Kind: kinds.VPC, ID: "vpc-1", Term: month(1)}, fault.ClassUnsupported},
	} {
		tc.req.Call = w.call()
		_, err := w.Renew(t.Context(), tc.req)
		want(t, name, err, tc.class, fault.OutcomeNotDone)
	}
	if f := w.find(t, kinds.Disk, provider.ChangeRenew, "r", "vol-none", w.clock.Now()); f.Done || !f.Settled {
		t.Errorf("of what is gone: %+v", f)
	}
}

func TestAnotherSizeCostsWhatWasQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.make(t, kinds.Instance, month(1))
	if _, err := w.doing(t, kinds.Instance, id, kinds.ActionStop, `{}`); err != nil {
		t.Fatal(err)
	}
	const larger = `{"cpu":4,"memory_mb":16384}`
	_, err := w.act(t, kinds.Instance, id, kinds.ActionResize, larger)
	want(t, "it costs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeResize, Kind: kinds.Instance, ResourceID: id, Spec: with(string(with(serverSpec, "cpu", 4)), "memory_mb", 16384), Term: month(1)})
	if err != nil || q.Net == "0.00" {
		t.Fatalf("%+v, %v", q, err)
	}
	before := w.sim.Report(1).Accounts["one"].Spent
	if _, err := w.doing(t, kinds.Instance, id, kinds.ActionResize, larger); err != nil {
		t.Fatal(err)
	}
	if paid := (w.sim.Report(1).Accounts["one"].Spent - before).String(); paid != string(q.Net) {
		t.Errorf("paid %s, quoted %+v", paid, q)
	}
	if got := state[InstanceState](t, w.get(t, kinds.Instance, id)); got.InstanceType != "g.n2.xlarge" || got.CPU != 4 {
		t.Errorf("%+v", got)
	}
	if _, err := w.doing(t, kinds.Instance, id, kinds.ActionStart, `{}`); err != nil {
		t.Fatal(err)
	}
	_, err = w.doing(t, kinds.Instance, id, kinds.ActionResize, `{"cpu":8,"memory_mb":32768}`)
	want(t, "it runs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.doing(t, kinds.Instance, id, kinds.ActionResize, `{"cpu":3,"memory_mb":16384}`)
	want(t, "there is no such type", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// FuzzMarks reads marks out of any text and writes them back.
func FuzzMarks(f *testing.F) {
	f.Add("twr0123456789abcdef0123-1700000000.for the shop", "tok-1")
	f.Add("twr.twr-1.", "")
	f.Fuzz(func(t *testing.T, text, token string) {
		all, rest := marksOf(text)
		if len(all) > 0 {
			if again, same := marksOf(all.with(rest)); len(again) != len(all) || same != rest {
				t.Errorf("%q: %v %q", text, again, same)
			}
		}
		next := all.add(newMark(token, time.Unix(1_700_000_000, 0)))
		if known, done := next.happened(token, time.Unix(1_700_000_001, 0)); !known || !done {
			t.Errorf("%q: the mark of %q is lost", text, token)
		}
	})
}

// FuzzOperations reads any text as an operation.
func FuzzOperations(f *testing.F) {
	f.Add("create:disk:vol-abc@cn-north-1/1700000000")
	f.Add("delete:instance:../x@cn-north-1/1")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOperation(text)
		if err != nil {
			if !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if again, err := parseOperation(o.String()); err != nil || again.String() != o.String() {
			t.Errorf("%q: %v, %v", text, again, err)
		}
	})
}

// FuzzNotes reads any description.
func FuzzNotes(f *testing.F) {
	f.Add("tok-1", "office")
	f.Add("a", "[tw:b] c")
	f.Fuzz(func(t *testing.T, token, text string) {
		tag, err := tagOf(token)
		if err != nil {
			return
		}
		full, err := noted(tag, text)
		if err != nil {
			return
		}
		if got, _ := noteOf(full); got != tag {
			t.Errorf("%q %q: the tag is %q", token, text, got)
		}
	})
}

// TestTheCloudRenewsByItself: as long as it shall, and after a lost answer too.
func TestTheCloudRenewsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("allow_auto_renew", "true")
	act := func(kind, id, action, input string) (provider.Change, error) {
		return w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "a", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
	}
	rule := func(kind, id string) bool {
		out, err := act(kind, id, "renewal_rule", `{}`)
		var r kinds.RenewalRule
		if err != nil || json.Unmarshal(out.Output, &r) != nil {
			t.Fatalf("%s: %s, %v", kind, out.Output, err)
		}
		return r.Set
	}
	for _, kind := range []string{kinds.Instance, kinds.Disk, kinds.EIP} {
		id := w.make(t, kind, month(1))
		end := w.get(t, kind, id).Expires
		if rule(kind, id) {
			t.Errorf("%s is renewed from the start", kind)
		}
		_, err := w.act(t, kind, id, "auto_renew", `{"periods":2}`)
		want(t, kind+" without leave", err, fault.ClassPrecondition, fault.OutcomeNotDone)
		_, err = act(kind, id, "auto_renew", `{"period":"year","periods":4}`)
		want(t, kind+" for four years", err, fault.ClassInvalid, fault.OutcomeNotDone)
		for _, action := range []string{"auto_renew", "stop_auto_renew", "auto_renew"} {
			w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"SetRenewal"}})
			_, err = act(kind, id, action, map[bool]string{true: `{"periods":2}`, false: `{}`}[action == "auto_renew"])
			want(t, kind+": a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			if _, err = act(kind, id, action, map[bool]string{true: `{"periods":2}`, false: `{}`}[action == "auto_renew"]); err != nil || rule(kind, id) != (action == "auto_renew") {
				t.Errorf("%s of %s: %v, then %t", action, kind, err, rule(kind, id))
			}
		}
		w.clock.Set(end)
		if got := w.get(t, kind, id).Expires; !got.Equal(end.AddDate(0, 2, 0)) {
			t.Errorf("%s ended %v and ends %v", kind, end, got)
		}
	}
	w = newWorld(t)
	call = w.call("allow_auto_renew", "true")
	_, err := act(kinds.Disk, w.make(t, kinds.Disk, hourly()), "auto_renew", `{"periods":1}`)
	want(t, "paid by use", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

// TestAnAddressWithTooManyTags: without its mark no renewal is bought.
func TestAnAddressWithTooManyTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.make(t, kinds.EIP, month(1))
	end := w.get(t, kinds.EIP, id).Expires
	p := newPlugin(w.clock, retry.Policy{Attempts: 1})
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	c, err := p.openIn(w.call())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		if err := c.tagAddress(t.Context(), id, key, "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "r", Kind: kinds.EIP, ID: id, Term: month(1)})
	want(t, "there is no room for the mark", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	if got := w.get(t, kinds.EIP, id); !got.Expires.Equal(end) || got.Token == "" {
		t.Errorf("the address is %+v", got)
	}
}

// TestRenewalsAtOnce: callers with one token renew once, those with two renew
// twice, however they meet.
func TestRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{kinds.Instance, kinds.Disk, kinds.EIP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.make(t, kind, month(1))
			start := w.get(t, kind, id).Expires
			w.faults(t, sim.Fault{Kind: sim.KindLatency, DelayMS: 20, Actions: []string{"ModifyInstanceAttribute", "ModifyDiskAttribute", "TagResources"}})
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					req := provider.RenewRequest{Call: w.call(), Token: []string{"ren-1", "ren-2"}[i%2], Kind: kind, ID: id, Term: month(1)}
					if _, err := w.Renew(t.Context(), req); err != nil {
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
