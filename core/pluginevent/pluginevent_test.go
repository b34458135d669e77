package pluginevent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tradewind.example/core/pluginevent"
	"tradewind.example/core/store"
	"tradewind.example/core/store/outbox"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service over things that note what was asked of them.
type world struct {
	*pluginevent.Service
	t      *testing.T
	store  store.Store
	clock  *clock.Fake
	cloud  chan stream // subscriptions that were opened
	counts chan string

	mu        sync.Mutex
	waiting   map[string]int // operations that somebody waits for
	busy      int            // so many times somebody is at work
	hastened  []string
	refreshed []string
	hold      map[string]chan struct{} // refreshes that take until it is closed
	fails     map[string]int           // refreshes that fail, -1: always
	accounts  []pluginevent.Subscription
	appended  []pluginevent.Event
}

// stream is one open subscription.
type stream struct {
	sub    pluginevent.Subscription
	cursor string
	yield  func(contract.Event) error
	end    chan error
	done   <-chan struct{} // closed when the service has left
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, store: storetest.Open(t), clock: clock.NewFake(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		cloud: make(chan stream, 8), counts: make(chan string, 1000),
		waiting: map[string]int{}, hold: map[string]chan struct{}{}, fails: map[string]int{},
	}
	var err error
	w.Service, err = pluginevent.New(pluginevent.Config{
		Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Resources: w, Waiters: []pluginevent.Waiter{w},
		ProvidersTx: func(_ store.Reader, plugin, root string) ([]string, error) {
			return []string{"cloud of " + plugin + " in " + root}, nil
		},
		Append: func(_ store.Tx, e pluginevent.Event) error {
			w.with(func() { w.appended = append(w.appended, e) })
			return nil
		},
		Count: func(plugin, eventType string, r pluginevent.Result) {
			w.counts <- plugin + " " + eventType + " " + string(r)
		},
		Subscriptions: func(context.Context) (out []pluginevent.Subscription, err error) {
			w.with(func() { out = append(out, w.accounts...) })
			return out, nil
		},
		Subscribe: func(ctx context.Context, sub pluginevent.Subscription, cursor string, yield func(contract.Event) error) error {
			s := stream{sub: sub, cursor: cursor, yield: yield, end: make(chan error), done: ctx.Done()}
			select {
			case w.cloud <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case err := <-s.end:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) with(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn()
}

func (w *world) HastenTx(_ store.Tx, plugin, root, operation string) (int, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := plugin + "/" + root + "/" + operation
	if w.waiting[key] > 0 && w.busy > 0 {
		w.busy--
		return 1, true, nil
	}
	if w.waiting[key] > 0 {
		w.hastened = append(w.hastened, operation)
	}
	return w.waiting[key], false, nil
}

func (w *world) HoldersTx(_ store.Reader, providerID, kind, vendorID string) ([]string, error) {
	switch {
	case providerID != "cloud of p in root" || kind != "instance" || vendorID == "alien":
		return nil, nil
	case vendorID == "common":
		return []string{"common here", "common there"}, nil
	}
	return []string{"our " + vendorID}, nil
}

func (w *world) Refresh(ctx context.Context, id string) error {
	var hold chan struct{}
	var fails int
	w.with(func() {
		w.refreshed = append(w.refreshed, id)
		hold, fails = w.hold[id], w.fails[id]
		if fails > 0 {
			w.fails[id]--
		}
	})
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fails < 0 {
		return fault.Throttled(8760*time.Hour, "the cloud asks for a year of peace")
	}
	if fails > 0 {
		return fault.Unavailable("the plugin is down")
	}
	return nil
}

// run starts the service's own work; it has ended when the test is over.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (w *world) handle(list ...pluginevent.Event) {
	w.t.Helper()
	var out []outbox.Event
	for i, e := range list {
		raw, err := pluginevent.Encode(e)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, outbox.Event{Seq: uint64(i + 1), Payload: raw})
	}
	if err := w.Handle(w.t.Context(), out); err != nil {
		w.t.Fatal(err)
	}
}

func told(e contract.Event) pluginevent.Event {
	return pluginevent.Event{Plugin: "p", RootOrg: "root", Event: e}
}

func changed(vendorID string) pluginevent.Event {
	return told(contract.ResourceEvent("c", "instance", vendorID))
}

// counted waits for the next result.
func (w *world) counted(want string) {
	w.t.Helper()
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case got := <-w.counts:
		if got != want {
			w.t.Errorf("counted %q, want %q", got, want)
		}
	case <-timer.C:
		w.t.Fatalf("%q was not counted", want)
	}
}

// eventually polls until ok.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline, tick := time.NewTimer(20*time.Second), time.NewTicker(time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for done := false; ; {
		if w.with(func() { done = ok() }); done {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			w.t.Fatalf("did not happen: %s", what)
		}
	}
}

func TestWhatEventsAreWorth(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		event  pluginevent.Event
		want   string
	}{
		"Operation":        {"somebody waits for it", told(contract.OperationEvent("c", "op")), "p operation.changed hastened"},
		"UnknownOperation": {"nobody waits for it", told(contract.OperationEvent("c", "other")), "p operation.changed unknown"},
		"ForeignRoot": {
			"a plugin that serves several roots tells each its own",
			pluginevent.Event{Plugin: "p", RootOrg: "elsewhere", Event: contract.OperationEvent("c", "op")}, "p operation.changed unknown",
		},
		"ForeignPlugin": {
			"a plugin cannot wake another's jobs",
			pluginevent.Event{Plugin: "q", RootOrg: "root", Event: contract.OperationEvent("c", "op")}, "q operation.changed unknown",
		},
		"NoOperation":     {"the data says nothing", told(contract.Event{Type: contract.EventOperationChanged}), "p operation.changed refused"},
		"OddData":         {"the data is something else", told(contract.Event{Type: contract.EventOperationChanged, Data: json.RawMessage(`[1]`)}), "p operation.changed refused"},
		"Resource":        {"the broker has it", changed("vm"), "p resource.changed kept"},
		"UnknownResource": {"the broker has it not", changed("alien"), "p resource.changed unknown"},
		"NoResource":      {"it names nothing", told(contract.Event{Type: contract.EventResourceChanged, Kind: "instance"}), "p resource.changed refused"},
		"Information":     {"a type that the core does not act on makes no label", told(contract.Event{Type: "weather"}), "p other information"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.waiting["p/root/op"] = 1
			w.handle(tc.event)
			t.Log(tc.reason)
			w.counted(tc.want)
		})
	}
}

func TestABusyJobIsHastenedWhenItIsFree(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.waiting["p/root/op"], w.busy = 1, 3
	w.handle(told(contract.OperationEvent("c", "op")))
	w.counted("p operation.changed kept")
	w.run()
	w.eventually("waits to try again", func() bool {
		w.clock.Advance(250 * time.Millisecond)
		return len(w.hastened) == 1
	})
	w.counted("p operation.changed done")
}

func TestAResourceIsReadOnceForManyEvents(t *testing.T) {
	t.Parallel()
	w := open(t)
	for range 50 {
		w.handle(changed("vm"), changed("vm"))
	}
	w.run()
	w.eventually("refreshed", func() bool { return len(w.refreshed) > 0 })
	for range 100 {
		w.counted("p resource.changed kept")
	}
	w.counted("p resource.changed done")
	w.with(func() {
		if diff := cmp.Diff([]string{"our vm"}, w.refreshed); diff != "" {
			t.Errorf("refreshed (-want +got):\n%s", diff)
		}
	})
}

// TestAnEventOfAnIDThatTwoAccountsHave: the event does not say which is meant.
func TestAnEventOfAnIDThatTwoAccountsHave(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.handle(changed("common"))
	w.counted("p resource.changed kept")
	w.run()
	w.eventually("both are refreshed", func() bool {
		return slices.Contains(w.refreshed, "common here") && slices.Contains(w.refreshed, "common there")
	})
	w.counted("p resource.changed done")
	w.counted("p resource.changed done")
}

// TestAnEventDuringARefresh: what the refresh read may be older than the event.
func TestAnEventDuringARefresh(t *testing.T) {
	t.Parallel()
	w := open(t)
	hold := make(chan struct{})
	w.hold["our vm"] = hold
	w.run()
	w.handle(changed("vm"))
	w.eventually("refreshing", func() bool { return len(w.refreshed) == 1 })
	w.handle(changed("vm"))
	close(hold)
	w.eventually("refreshed again, a moment later", func() bool {
		w.clock.Advance(100 * time.Millisecond)
		return len(w.refreshed) == 2
	})
}

// TestAStuckPluginHoldsUpItself: another plugin's events do not wait for it.
func TestAStuckPluginHoldsUpItself(t *testing.T) {
	t.Parallel()
	w := open(t)
	hold := make(chan struct{})
	defer close(hold)
	var events []pluginevent.Event
	for i := range 10 {
		id := fmt.Sprint("vm", i)
		w.hold["our "+id] = hold
		events = append(events, changed(id))
	}
	w.run()
	w.handle(events...)
	w.eventually("four at a time", func() bool { return len(w.refreshed) == 4 })
	w.waiting["q/root/op"], w.busy = 1, 1
	w.handle(pluginevent.Event{Plugin: "q", RootOrg: "root", Event: contract.OperationEvent("c", "op")})
	w.eventually("the other plugin's is done", func() bool {
		w.clock.Advance(100 * time.Millisecond)
		return len(w.hastened) == 1
	})
	w.with(func() {
		if len(w.refreshed) != 4 {
			t.Errorf("%d refreshes at once", len(w.refreshed))
		}
	})
}

func TestFailedRefreshesAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.fails["our vm"], w.fails["our lost"] = 3, -1
	w.handle(changed("vm"), changed("lost"))
	w.counted("p resource.changed kept")
	w.counted("p resource.changed kept")
	w.run()
	tries := func(id string) (n int) {
		for _, r := range w.refreshed {
			if r == id {
				n++
			}
		}
		return n
	}
	w.eventually("the plugin is back", func() bool {
		w.clock.Advance(time.Second)
		return tries("our vm") == 4
	})
	w.counted("p resource.changed done")
	w.eventually("given up", func() bool {
		w.clock.Advance(time.Minute)
		return len(w.counts) > 0
	})
	w.counted("p resource.changed given_up")
	w.with(func() {
		if n := tries("our lost"); n > 30 {
			t.Errorf("tried %d times in an hour", n)
		}
	})
}

// TestTasksSurviveARestart: what was kept is done by the next process.
func TestTasksSurviveARestart(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.handle(changed("a"), changed("b"))
	n := 0
	err := w.store.View(t.Context(), func(r store.Reader) error {
		return r.Scan("plugin_event/task", store.Prefix().All(), func(_, _ []byte) error { n++; return nil })
	})
	if err != nil || n != 2 {
		t.Fatalf("%d tasks are stored, %v", n, err)
	}
	w.run()
	w.eventually("both done", func() bool { return len(w.refreshed) == 2 })
}

var errBroken = errors.New("the stream broke")

func TestSubscriptionsGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	w := open(t)
	account := pluginevent.Subscription{ID: "e1", Plugin: "p", RootOrg: "root", Org: "o"}
	w.accounts = []pluginevent.Subscription{account}
	w.run()
	s := <-w.cloud
	if s.sub != account || s.cursor != "" {
		t.Errorf("first opened as %+v at %q", s.sub, s.cursor)
	}
	for _, e := range []contract.Event{
		contract.ResourceEvent("1", "instance", "vm"), {Cursor: "2"}, contract.OperationEvent("3", "op"),
	} {
		if err := s.yield(e); err != nil {
			t.Fatal(err)
		}
	}
	w.counted("p other refused")
	w.with(func() {
		if len(w.appended) != 2 || w.appended[1].RootOrg != "root" || w.appended[1].Plugin != "p" || w.appended[1].Time.IsZero() {
			t.Errorf("appended %+v", w.appended)
		}
	})
	s.end <- errBroken
	var again stream
	w.eventually("opened again after a pause", func() bool {
		w.clock.Advance(time.Second)
		select {
		case again = <-w.cloud:
			return true
		default:
			return false
		}
	})
	if again.cursor != "3" {
		t.Errorf("goes on at %q, want 3", again.cursor)
	}
	w.with(func() { w.accounts = nil })
	w.eventually("ended with the account", func() bool {
		w.clock.Advance(30 * time.Second)
		select {
		case <-again.done:
			return true
		default:
			return false
		}
	})
}
