package plugintest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/plugintest/storagetest"
	"tradewind.example/sdk/provider"
)

var scope = provider.Scope{RootOrg: "root"}

// linked starts a plugin and returns the host's services as it sees them.
func linked(t *testing.T, h provider.HostServices) provider.HostServices {
	t.Helper()
	p := newFull()
	plugintest.Start(t, p, plugintest.WithHost(h))
	return p.host
}

func put(key, value string) provider.Transaction {
	return provider.Transaction{Writes: []provider.Write{{Key: key, Value: []byte(value)}}}
}

func TestStorageThroughTheLink(t *testing.T) {
	t.Parallel()
	h, ctx := linked(t, plugintest.NewHost()), t.Context()
	if err := h.Apply(ctx, scope, put("a", "1")); err != nil {
		t.Fatal(err)
	}
	value, revision, err := h.Get(ctx, scope, "a")
	if err != nil || string(value) != "1" || revision == 0 {
		t.Errorf("get: %q at %d, %v; want what was put", value, revision, err)
	}
	if _, _, err := h.Get(ctx, provider.Scope{RootOrg: "other"}, "a"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("another root org reads it: %v; want not_found", err)
	}
	stale := provider.Transaction{Expect: []provider.Expectation{{Key: "a", Revision: 0}}, Writes: put("b", "2").Writes}
	if err := h.Apply(ctx, scope, stale); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a wrong expectation: %v; want conflict", err)
	}
	if _, _, err := h.Get(ctx, scope, "b"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a refused transaction wrote: %v", err)
	}
	once := put("n", "first")
	once.Token = "once"
	if err := h.Apply(ctx, scope, once); err != nil {
		t.Fatal(err)
	}
	once.Writes[0].Value = []byte("second")
	if err := h.Apply(ctx, scope, once); err != nil {
		t.Fatal(err)
	}
	if value, _, _ := h.Get(ctx, scope, "n"); string(value) != "first" {
		t.Errorf("a repeated token wrote %q; want no change", value)
	}
}

func TestScanWalksAllPages(t *testing.T) {
	t.Parallel()
	const rows = 700 // more than two pages of the link
	h, ctx := linked(t, plugintest.NewHost()), t.Context()
	var all provider.Transaction
	var keys []string
	for i := range rows {
		k := fmt.Sprintf("k%04d", i)
		keys = append(keys, k)
		all.Writes = append(all.Writes, provider.Write{Key: k, Value: []byte(k)})
	}
	if err := h.Apply(ctx, scope, all); err != nil {
		t.Fatal(err)
	}
	reversed := make([]string, rows)
	for i, k := range keys {
		reversed[rows-1-i] = k
	}
	for name, tc := range map[string]struct {
		r      provider.KeyRange
		want   []string
		reason string
	}{
		"all":      {provider.KeyRange{}, keys, "every row once, in order"},
		"reverse":  {provider.KeyRange{Reverse: true}, reversed, "every row once, last first"},
		"limit":    {provider.KeyRange{Limit: 300}, keys[:300], "a limit beyond one page holds over all pages"},
		"exact":    {provider.KeyRange{Limit: 256}, keys[:256], "a limit of one page"},
		"part":     {provider.KeyRange{From: "k0010", To: "k0300"}, keys[10:300], "half-open"},
		"backpart": {provider.KeyRange{From: "k0010", To: "k0300", Reverse: true}, reversed[rows-300 : rows-10], "half-open, last first"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := h.Scan(ctx, scope, tc.r, func(kv provider.KeyValue) error { got = append(got, kv.Key); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestClockAndEventsThroughTheLink(t *testing.T) {
	t.Parallel()
	fake := plugintest.NewHost()
	at := time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC)
	fake.Clock = clock.NewFake(at)
	h := linked(t, fake)
	now, err := h.Now(t.Context())
	if err != nil || !now.Equal(at) {
		t.Errorf("now: %v, %v; want the host's %v", now, err, at)
	}
	event := provider.Event{Cursor: "1", Type: "instance.stopped", ResourceID: "i-1", Data: []byte(`{"a":1}`)}
	if err := h.Emit(t.Context(), scope, event); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]plugintest.Emitted{{Scope: scope, Event: event}}, fake.Events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestManyQuestionsAtOnce(t *testing.T) {
	t.Parallel()
	h := linked(t, plugintest.NewHost())
	var all sync.WaitGroup
	for i := range 200 { // more than the host works on at once
		all.Go(func() {
			key := fmt.Sprint("k", i)
			if err := h.Apply(t.Context(), scope, put(key, key)); err != nil {
				t.Error(err)
			}
			if value, _, err := h.Get(t.Context(), scope, key); err != nil || string(value) != key {
				t.Errorf("%s: %q, %v", key, value, err)
			}
		})
	}
	all.Wait()
}

// stuck is a host whose storage does not answer.
type stuck struct {
	*plugintest.Host
	begun, ended chan struct{}
}

func (s stuck) Get(ctx context.Context, _ provider.Scope, _ string) ([]byte, uint64, error) {
	close(s.begun)
	<-ctx.Done()
	close(s.ended)
	return nil, 0, ctx.Err()
}

func (s stuck) Apply(ctx context.Context, _ provider.Scope, _ provider.Transaction) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestQuestionsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	s := stuck{Host: plugintest.NewHost(), begun: make(chan struct{}), ended: make(chan struct{})}
	h := linked(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.begun
		cancel()
	}()
	if _, _, err := h.Get(ctx, scope, "a"); !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("get: %v; want unavailable", err)
	}
	select {
	case <-s.ended: // the cancellation reached the host
	case <-time.After(10 * time.Second):
		t.Error("the host still works for a plugin that gave up")
	}
	short, done := context.WithTimeout(t.Context(), 200*time.Millisecond) // the link is open: it is sent
	defer done()
	if err := h.Apply(short, scope, put("a", "1")); fault.OutcomeOf(err) != fault.OutcomeUnknown || err == nil {
		t.Errorf("apply: %v; want the outcome unknown", err)
	}
}

func TestProblemTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		p      provider.Provider
		reason string
	}{
		"nil":       {nil, "there is nothing to serve"},
		"name":      {wrong{name: "No Good"}, "the name is part of a file's name"},
		"bad kind":  {wrong{name: "x", kinds: []*provider.Kind{provider.KindOf[spec, state]("thing", "", struct{}{})}}, "a handler without verbs"},
		"too new":   {wrong{name: "x", minor: 99}, "a contract that this SDK does not know"},
		"too old":   {wrong{name: "x", minor: -1}, "a contract that never was"},
		"nil kind":  {wrong{name: "x", kinds: []*provider.Kind{nil}}, "a kind that is nil"},
		"two kinds": {wrong{name: "x", kinds: []*provider.Kind{goodKind(), goodKind()}}, "one name for two kinds"},
	} {
		if err := plugintest.Problem(t.Context(), tc.p); err == nil {
			t.Errorf("%s: served, but %s", name, tc.reason)
		}
	}
	if err := plugintest.Problem(t.Context(), wrong{name: "x", minor: 1, kinds: []*provider.Kind{goodKind()}}); err != nil {
		t.Errorf("a good plugin: %v", err)
	}
}

func goodKind() *provider.Kind { return provider.KindOf[spec, state]("thing", "", &things{}) }

type wrong struct {
	bare
	name  string
	minor int
	kinds []*provider.Kind
}

func (w wrong) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: w.name, Version: "1.0.0", ContractMinor: w.minor}, nil
}

func (w wrong) Kinds() []*provider.Kind { return w.kinds }

func TestHostKeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(*testing.T) storagetest.Fixture {
		return storagetest.Fixture{Services: plugintest.NewHost(), Roots: [2]string{"one", "two"}}
	})
}
