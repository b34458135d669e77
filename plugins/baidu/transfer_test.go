package main

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// give is the request for a transfer to the first customer.
func (w *world) give(token, amount string) provider.CreateRequest {
	return w.moving(token, toCustomer, amount)
}

func (w *world) moving(token, direction, amount string) provider.CreateRequest {
	return provider.CreateRequest{
		Call: w.call("allow_transfers", "true"), Token: token, Kind: kindTransfer, Name: "money", Term: forOnce(),
		Spec: json.RawMessage(`{"customer_id":"user-one","direction":"` + direction + `","amount":"` + amount + `"}`),
	}
}

// moved is what the first customer got in all, in fen.
func (w *world) moved() int {
	b := w.sim.Report(10).Accounts["user-one"]
	return int(b.In - b.Out)
}

// lostBefore and lostAfter lose the answer of a transfer that did not happen,
// and of one that did.
func lostBefore() sim.Fault {
	return sim.Fault{Kind: sim.KindDrop, Count: 1, Actions: []string{"SupervisorTransfer", "SupervisorGather"}}
}

func lostAfter() sim.Fault {
	f := lostBefore()
	f.After = true
	return f
}

func TestMoneyMovesOncePerToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		made := w.bought(t, w.give("tok-1", "10.5"))
		s := stateOf[TransferState](t, made)
		if !s.Done || s.Amount != "10.50" || s.CustomerID != "user-one" || s.Direction != toCustomer || made.Status != provider.StatusFree {
			t.Errorf("made %+v, %+v", made, s)
		}
	}
	w.bought(t, w.give("tok-2", "10.50"))
	w.bought(t, w.moving("tok-3", fromCustomer, "0.01"))
	if n := w.moved(); n != 2*1050-1 {
		t.Errorf("%d fen moved", n)
	}
	if all := w.list(t, kindTransfer); len(all) != 3 {
		t.Errorf("listed %+v", all)
	}
	if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-3", "", w.clock.Now()); !f.Done || !f.Settled || len(f.Resources) != 1 {
		t.Errorf("found %+v", f)
	}
	if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-none", "", w.clock.Now().Add(-time.Hour)); f.Done || !f.Settled {
		t.Errorf("an unused token finds %+v", f)
	}
	_, err := w.Create(t.Context(), w.give("tok-1", "11"))
	want(t, "a token for other money", err, fault.ClassConflict, fault.OutcomeNotDone)
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindTransfer, ID: "tr-none"})
	want(t, "no transfer", err, fault.ClassNotFound, fault.OutcomeNotDone)
	out, err := w.act(t, kindCustomer, "user-one", "movements", `{"from":"2026-06-10T03:00:00Z"}`)
	var all Movements
	if err != nil || json.Unmarshal(out.Output, &all) != nil || all.Total != 3 || len(all.Movements) != 3 {
		t.Errorf("movements: %s, %v", out.Output, err)
	}
	out, err = w.act(t, kindCustomer, "user-one", "balance", `{}`)
	var has CustomerMoney
	if err != nil || json.Unmarshal(out.Output, &has) != nil || has.Cash != "144.44" {
		t.Errorf("the customer has %s, %v", out.Output, err)
	}
	_, err = w.act(t, kindCustomer, "user-one", "movements", `{"from":"2026-06-10T03:00:00Z","to":"2026-06-10T02:00:00Z"}`)
	want(t, "a window that ends before it begins", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestLostTransfersAreFound: a lost answer is looked up by what moved, and money
// is sent again only when it certainly did not move.
func TestLostTransfersAreFound(t *testing.T) {
	t.Parallel()
	for _, direction := range []string{toCustomer, fromCustomer} {
		t.Run(direction, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bought(t, w.moving("tok-0", direction, "1")) // looks like those that follow
			w.faults(t, lostAfter())
			_, err := w.Create(t.Context(), w.moving("tok-1", direction, "1"))
			want(t, "it moved", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-1", "", w.clock.Now()); !f.Done || len(f.Resources) != 1 {
				t.Errorf("found %+v", f)
			}
			w.bought(t, w.moving("tok-2", direction, "1")) // ends the doubt about the one before
			w.bought(t, w.moving("tok-1", direction, "1"))
			if n := w.moved(); n != 300 && n != -300 {
				t.Errorf("three transfers moved %d fen", n)
			}
			w.faults(t, lostBefore())
			_, err = w.Create(t.Context(), w.moving("tok-3", direction, "1"))
			want(t, "it did not move", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-3", "", w.clock.Now()); f.Done || f.Settled {
				t.Errorf("in doubt it finds %+v", f)
			}
			_, err = w.Create(t.Context(), w.moving("tok-3", direction, "1"))
			want(t, "it may still show", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			_, err = w.Create(t.Context(), w.moving("tok-4", direction, "1"))
			want(t, "its like is in doubt", err, fault.ClassUnavailable, fault.OutcomeNotDone)
			w.bought(t, w.moving("tok-5", direction, "2"))
			w.clock.Advance(3 * time.Minute)
			if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-3", "", w.clock.Now()); f.Done || !f.Settled {
				t.Errorf("in the end it finds %+v", f)
			}
			w.bought(t, w.moving("tok-4", direction, "1")) // goes first, and is not taken for tok-3
			if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-3", "", w.clock.Now()); f.Done {
				t.Error("another's money is taken for it")
			}
			w.bought(t, w.moving("tok-3", direction, "1"))
			if n := w.moved(); n != 700 && n != -700 {
				t.Errorf("all transfers moved %d fen", n)
			}
		})
	}
}

// dying is a storage that fails right after it has kept something.
type dying struct {
	*plugintest.Host
	dies bool
}

// Apply keeps what it is given.
func (d *dying) Apply(ctx context.Context, s provider.Scope, t provider.Transaction) error {
	err := d.Host.Apply(ctx, s, t)
	if d.dies && err == nil {
		return fault.Unavailable("the broker is gone")
	}
	return err
}

// TestTransfersSurviveTheirProcess: what one process sent, the next one knows.
func TestTransfersSurviveTheirProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := &dying{Host: plugintest.NewHost()}
	process := func() *client.Client { return plugintest.Start(t, w.plugin(), plugintest.WithHost(host)) }
	w.faults(t, lostAfter())
	_, err := process().Create(t.Context(), w.give("tok-1", "5"))
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if _, err := process().Create(t.Context(), w.give("tok-1", "5")); err != nil {
		t.Errorf("the next process: %v", err)
	}
	host.dies = true
	if _, err = process().Create(t.Context(), w.give("tok-2", "6")); err == nil {
		t.Error("a transfer that nobody keeps was made")
	}
	host.dies = false
	if n := w.moved(); n != 500 {
		t.Errorf("%d fen moved", n)
	}
	_, err = process().Create(t.Context(), w.give("tok-2", "6"))
	want(t, "nobody knows whether it was sent", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.clock.Advance(3 * time.Minute)
	if _, err := process().Create(t.Context(), w.give("tok-2", "6")); err != nil || w.moved() != 1100 {
		t.Errorf("in the end: %v, %d fen moved", err, w.moved())
	}
}

func TestTransfersAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			if _, err := w.Create(t.Context(), w.give("tok-"+strconv.Itoa(i%4), "3")); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	if n := w.moved(); n != 4*300 {
		t.Errorf("four tokens moved %d fen", n)
	}
}

func TestTransfersThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Create(t.Context(), w.moving("tok-1", fromCustomer, "200"))
	want(t, "the customer has less", err, fault.ClassInsufficientBalance, fault.OutcomeNotDone)
	if f := w.find(t, kindTransfer, provider.ChangeCreate, "tok-1", "", w.clock.Now()); f.Done || !f.Settled {
		t.Errorf("after a refusal it finds %+v", f)
	}
	w.bought(t, w.give("tok-2", "100"))
	w.bought(t, w.moving("tok-1", fromCustomer, "200"))
	plain := w.give("tok-3", "1")
	plain.Call = w.call()
	nobody := w.give("tok-3", "1")
	nobody.Spec = json.RawMessage(`{"customer_id":"nobody","direction":"to_customer","amount":"1"}`)
	for reason, tc := range map[string]struct {
		req   provider.CreateRequest
		class fault.Class
	}{
		"without leave": {plain, fault.ClassPrecondition},
		"nobody":        {nobody, fault.ClassInvalid},
		"nothing":       {w.give("tok-3", "0.00"), fault.ClassInvalid},
		"thirds":        {w.give("tok-3", "0.333"), fault.ClassInvalid},
		"less":          {w.give("tok-3", "-1"), fault.ClassInvalid},
	} {
		_, err := w.Create(t.Context(), tc.req)
		want(t, reason, err, tc.class, fault.OutcomeNotDone)
	}
	w.faults(t, sim.Fault{Kind: sim.KindSuccessFalse, Count: 1, Actions: []string{"SupervisorTransfer"}})
	_, err = w.Create(t.Context(), w.give("tok-4", "1"))
	want(t, "a good status that denies it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Actions: []string{"SupervisorTransactions"}})
	_, err = w.Create(t.Context(), w.give("tok-5", "1"))
	want(t, "nobody can tell what moved", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if n := w.moved(); n != -10000 {
		t.Errorf("%d fen moved", n)
	}
}

// TestWhatShowsLateIsCounted: a transfer that is known to have happened counts
// before the cloud shows it, so that it is not taken for the next one.
func TestWhatShowsLateIsCounted(t *testing.T) {
	t.Parallel()
	now := epoch()
	known := alike{Done: []time.Time{now.Add(-time.Minute), now.Add(-5 * time.Second), now}}
	if n := known.since(now.Add(-clockGap)); n != 2 {
		t.Errorf("%d are counted", n)
	}
	p := leaf{entry: entry{State: entrySent, Sent: now}, alike: alike{Doubt: "a"}}
	if after := p.ended(entryVoid); after.alike.Doubt != "" || len(after.alike.Done) != 0 {
		t.Errorf("void: %+v", after)
	}
	if after := p.ended(entryDone); after.alike.Doubt != "" || len(after.alike.Done) != 1 {
		t.Errorf("done: %+v", after)
	}
}
