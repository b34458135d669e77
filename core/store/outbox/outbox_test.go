package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/core/store"
	"tradewind.example/core/store/outbox"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	errBoom = errors.New("boom")
)

// sink records what a consumer was given.
type sink struct {
	mu   sync.Mutex
	got  []string
	fail func(list []outbox.Event) error
	full chan struct{} // closed when want events were seen
	want int
}

func (s *sink) handle(_ context.Context, list []outbox.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(list); err != nil {
			return err
		}
	}
	for _, e := range list {
		s.got = append(s.got, fmt.Sprintf("%d:%s", e.Seq, e.Payload))
		if len(s.got) == s.want {
			close(s.full)
		}
	}
	return nil
}

func (s *sink) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.got, " ")
}

func open(t *testing.T, st store.Store, clk clock.Clock, consumers ...outbox.Consumer) *outbox.Outbox {
	t.Helper()
	o, err := outbox.New(outbox.Config{Store: st, Clock: clk, Logger: slog.New(slog.DiscardHandler), Consumers: consumers})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func publish(t *testing.T, st store.Store, o *outbox.Outbox, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		err := st.Update(t.Context(), func(tx store.Tx) error { return o.Append(tx, "orders", "key", []byte(p)) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func deliver(t *testing.T, o *outbox.Outbox, name string) int {
	t.Helper()
	n, err := o.Deliver(t.Context(), "orders", name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func kept(t *testing.T, st store.Store) int {
	t.Helper()
	n := 0
	err := st.View(t.Context(), func(r store.Reader) error {
		return r.Scan("outbox", store.Prefix().All(), func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeliverInOrderAndOnce(t *testing.T) {
	t.Parallel()
	st, s := storetest.Open(t), &sink{}
	o := open(t, st, clock.NewFake(epoch), outbox.Consumer{Topic: "orders", Name: "mail", Batch: 2, Handle: s.handle})
	publish(t, st, o, "a", "b", "c")
	for _, want := range []int{2, 1, 0} {
		if n := deliver(t, o, "mail"); n != want {
			t.Errorf("delivered %d, want %d", n, want)
		}
	}
	if s.seen() != "1:a 2:b 3:c" {
		t.Errorf("saw %q", s.seen())
	}
	if n := kept(t, st); n != 0 {
		t.Errorf("%d events are kept after all have passed them", n)
	}
	publish(t, st, o, "d")
	deliver(t, o, "mail")
	if s.seen() != "1:a 2:b 3:c 4:d" {
		t.Errorf("after the trim: saw %q", s.seen())
	}
}

func TestPlaceSurvivesRestart(t *testing.T) {
	t.Parallel()
	st, s := storetest.Open(t), &sink{}
	consumer := outbox.Consumer{Topic: "orders", Name: "mail", Batch: 1, Handle: s.handle}
	first := open(t, st, clock.NewFake(epoch), consumer)
	publish(t, st, first, "a", "b")
	deliver(t, first, "mail")
	second := open(t, st, clock.NewFake(epoch), consumer)
	deliver(t, second, "mail")
	if s.seen() != "1:a 2:b" {
		t.Errorf("saw %q", s.seen())
	}
}

func TestFailedEventsComeAgain(t *testing.T) {
	t.Parallel()
	failures := map[string]struct {
		reason string
		fail   func([]outbox.Event) error
		class  fault.Class
	}{
		"Error": {"an error keeps the place", func([]outbox.Event) error { return errBoom }, fault.ClassInternal},
		"Panic": {"a panic keeps the place", func([]outbox.Event) error { panic("boom") }, fault.ClassInternal},
	}
	for name, tc := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, s := storetest.Open(t), &sink{}
			o := open(t, st, clock.NewFake(epoch), outbox.Consumer{Topic: "orders", Name: "mail", Handle: s.handle})
			publish(t, st, o, "a")
			func() {
				s.fail = tc.fail
				defer func() { s.fail = nil; _ = recover() }()
				if _, err := o.Deliver(t.Context(), "orders", "mail"); !fault.Is(err, tc.class) {
					t.Errorf("%s: got %v", tc.reason, err)
				}
			}()
			deliver(t, o, "mail")
			if s.seen() != "1:a" {
				t.Errorf("%s: saw %q", tc.reason, s.seen())
			}
		})
	}
}

func TestSlowConsumerKeepsEvents(t *testing.T) {
	t.Parallel()
	keepsEvents(t, false)
	keepsEvents(t, true)
}

func keepsEvents(t *testing.T, slowFirst bool) {
	t.Helper()
	st, fast, slow := storetest.Open(t), &sink{}, &sink{}
	consumers := []outbox.Consumer{
		{Topic: "orders", Name: "fast", Handle: fast.handle},
		{Topic: "orders", Name: "slow", Batch: 1, Handle: slow.handle},
	}
	if slowFirst {
		slices.Reverse(consumers)
	}
	o := open(t, st, clock.NewFake(epoch), consumers...)
	publish(t, st, o, "a", "b")
	deliver(t, o, "fast")
	if n := kept(t, st); n != 2 {
		t.Errorf("%d events are kept for the slow consumer, want 2", n)
	}
	deliver(t, o, "slow")
	if n := kept(t, st); n != 1 {
		t.Errorf("%d events are kept after the first, want 1", n)
	}
	deliver(t, o, "slow")
	if slow.seen() != "1:a 2:b" || kept(t, st) != 0 {
		t.Errorf("saw %q, kept %d", slow.seen(), kept(t, st))
	}
}

func TestAppendIsPartOfTheTransaction(t *testing.T) {
	t.Parallel()
	st, s := storetest.Open(t), &sink{}
	o := open(t, st, clock.NewFake(epoch), outbox.Consumer{Topic: "orders", Name: "mail", Handle: s.handle})
	err := st.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(o.Append(tx, "orders", "k", nil), errBoom)
	})
	if !errors.Is(err, errBoom) {
		t.Error(err)
	}
	if n := deliver(t, o, "mail"); n != 0 {
		t.Errorf("delivered %d events of a failed update", n)
	}
	err = st.Update(t.Context(), func(tx store.Tx) error { return o.Append(tx, "nobody", "k", nil) })
	if !fault.Is(err, fault.ClassInternal) {
		t.Errorf("a topic that nobody reads: got %v", err)
	}
}

func TestRunDeliversAsEventsCome(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	s := &sink{want: 40, full: make(chan struct{})}
	failed := false
	s.fail = func([]outbox.Event) error {
		if !failed {
			failed = true
			return errBoom
		}
		return nil
	}
	o := open(t, st, clock.Real{}, outbox.Consumer{Topic: "orders", Name: "mail", Pause: time.Millisecond, Linger: time.Millisecond, Handle: s.handle})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); o.Run(ctx) }()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				err := st.Update(t.Context(), func(tx store.Tx) error { return o.Append(tx, "orders", "k", []byte("x")) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	<-s.full
	cancel()
	<-ended
	for i, e := range strings.Fields(s.seen()) {
		if e != fmt.Sprintf("%d:x", i+1) {
			t.Fatalf("place %d holds %q", i, e)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	st, s := storetest.Open(t), &sink{}
	good := outbox.Consumer{Topic: "orders", Name: "mail", Handle: s.handle}
	cases := map[string]struct {
		reason string
		cfg    outbox.Config
	}{
		"Empty":     {"a store, a clock and a logger are needed", outbox.Config{}},
		"NoHandler": {"a consumer without a handler can do nothing", outbox.Config{Consumers: []outbox.Consumer{{Topic: "t", Name: "n"}}}},
		"NoName":    {"a place is stored under the name", outbox.Config{Consumers: []outbox.Consumer{{Topic: "t", Handle: s.handle}}}},
		"Twice":     {"two consumers of one name would share a place", outbox.Config{Consumers: []outbox.Consumer{good, good}}},
	}
	for name, tc := range cases {
		if name != "Empty" {
			tc.cfg.Store, tc.cfg.Clock, tc.cfg.Logger = st, clock.Real{}, slog.New(slog.DiscardHandler)
		}
		if _, err := outbox.New(tc.cfg); err == nil {
			t.Errorf("%s: accepted: %s", name, tc.reason)
		}
	}
}
