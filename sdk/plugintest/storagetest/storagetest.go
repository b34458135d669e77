// Package storagetest is the suite that every implementation of
// [provider.HostServices] passes: the broker's and the one of package
// plugintest, so that what an author tests against is what the plugin meets.
//
// It holds no implementation. Its tests are independent of each other and run
// in parallel.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Fixture is one fresh implementation.
type Fixture struct {
	Services provider.HostServices
	Roots    [2]string // ids of two root orgs that exist
}

// Run runs the suite. open makes a fixture that shares nothing with others.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Fixture){
		"reads what was written":             readsBack,
		"revisions":                          revisions,
		"all or nothing":                     allOrNothing,
		"tokens":                             tokens,
		"roots are apart":                    rootsApart,
		"scans":                              scans,
		"sealed values are not listed":       sealedValues,
		"bounds":                             bounds,
		"the last one is taken by one buyer": lastOne,
		"events":                             events,
		"a yield's error ends the scan":      yieldError,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func (f Fixture) scope() provider.Scope { return provider.Scope{RootOrg: f.Roots[0]} }

func (f Fixture) put(t *testing.T, key, value string) {
	t.Helper()
	f.apply(t, provider.Transaction{Writes: []provider.Write{{Key: key, Value: []byte(value)}}})
}

func (f Fixture) apply(t *testing.T, tx provider.Transaction) {
	t.Helper()
	if err := f.Services.Apply(t.Context(), f.scope(), tx); err != nil {
		t.Fatalf("%+v: %v", tx, err)
	}
}

func (f Fixture) get(t *testing.T, key string) (string, uint64) {
	t.Helper()
	v, rev, err := f.Services.Get(t.Context(), f.scope(), key)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	return string(v), rev
}

// keys scans a range and returns its keys.
func (f Fixture) keys(t *testing.T, r provider.KeyRange) string {
	t.Helper()
	var out []string
	err := f.Services.Scan(t.Context(), f.scope(), r, func(kv provider.KeyValue) error {
		out = append(out, kv.Key)
		return nil
	})
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return strings.Join(out, " ")
}

func want(t *testing.T, what string, err error, class fault.Class) {
	t.Helper()
	if !fault.Is(err, class) {
		t.Errorf("%s: %v; want %s", what, err, class)
	}
}

func readsBack(t *testing.T, f Fixture) {
	for _, key := range []string{"a", "a/b", "键", "with\x00zero", strings.Repeat("k", provider.MaxStorageKey)} {
		f.put(t, key, "value of "+key)
		if got, _ := f.get(t, key); got != "value of "+key {
			t.Errorf("%q holds %q", key, got)
		}
	}
	f.put(t, "empty", "")
	if got, rev := f.get(t, "empty"); got != "" || rev == 0 {
		t.Errorf("the empty value is %q of revision %d", got, rev)
	}
	f.apply(t, provider.Transaction{Writes: []provider.Write{{Key: "a", Delete: true}, {Key: "never", Delete: true}}})
	_, _, err := f.Services.Get(t.Context(), f.scope(), "a")
	want(t, "a deleted key", err, fault.ClassNotFound)
}

func revisions(t *testing.T, f Fixture) {
	f.put(t, "k", "1")
	_, first := f.get(t, "k")
	f.put(t, "k", "2")
	_, second := f.get(t, "k")
	if first == 0 || second <= first {
		t.Errorf("revisions %d, then %d: they must grow from 1", first, second)
	}
	set := func(revision uint64) error {
		return f.Services.Apply(t.Context(), f.scope(), provider.Transaction{
			Expect: []provider.Expectation{{Key: "k", Revision: revision}},
			Writes: []provider.Write{{Key: "k", Value: []byte("3")}},
		})
	}
	want(t, "an old revision", set(first), fault.ClassConflict)
	want(t, "absence of a present key", set(0), fault.ClassConflict)
	if err := set(second); err != nil {
		t.Errorf("the present revision: %v", err)
	}
	f.apply(t, provider.Transaction{Writes: []provider.Write{{Key: "k", Delete: true}}})
	if err := set(0); err != nil {
		t.Errorf("absence of a deleted key: %v", err)
	}
	if _, again := f.get(t, "k"); again <= second {
		t.Errorf("revision %d after %d: a key made again must not repeat one", again, second)
	}
}

func allOrNothing(t *testing.T, f Fixture) {
	f.put(t, "b", "old")
	err := f.Services.Apply(t.Context(), f.scope(), provider.Transaction{
		Token:  "failed",
		Expect: []provider.Expectation{{Key: "b", Revision: 0}},
		Writes: []provider.Write{{Key: "a", Value: []byte("new")}, {Key: "b", Delete: true}},
	})
	want(t, "a wrong expectation", err, fault.ClassConflict)
	if got := f.keys(t, provider.KeyRange{}); got != "b" {
		t.Errorf("keys after a failed transaction: %q", got)
	}
	f.apply(t, provider.Transaction{Token: "failed", Writes: []provider.Write{{Key: "a", Value: []byte("new")}}})
	if got := f.keys(t, provider.KeyRange{}); got != "a b" {
		t.Errorf("a failed transaction used its token up: keys %q", got)
	}
}

func tokens(t *testing.T, f Fixture) {
	for i := range 3 {
		f.apply(t, provider.Transaction{Token: "t", Writes: []provider.Write{{Key: "k", Value: fmt.Append(nil, i)}}})
	}
	if got, _ := f.get(t, "k"); got != "0" {
		t.Errorf("a repeated transaction was made again: %q", got)
	}
	other := provider.Scope{RootOrg: f.Roots[1]}
	if err := f.Services.Apply(t.Context(), other, provider.Transaction{Token: "t", Writes: []provider.Write{{Key: "k"}}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Services.Get(t.Context(), other, "k"); err != nil {
		t.Errorf("a token of one root org holds back another's: %v", err)
	}
}

func rootsApart(t *testing.T, f Fixture) {
	f.put(t, "k", "mine")
	other := provider.Scope{RootOrg: f.Roots[1]}
	_, _, err := f.Services.Get(t.Context(), other, "k")
	want(t, "another root org's key", err, fault.ClassNotFound)
	n := 0
	err = f.Services.Scan(t.Context(), other, provider.KeyRange{}, func(provider.KeyValue) error { n++; return nil })
	if err != nil || n != 0 {
		t.Errorf("another root org's scan: %d rows, %v", n, err)
	}
	if err := f.Services.Apply(t.Context(), other, provider.Transaction{Writes: []provider.Write{{Key: "k", Delete: true}}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.get(t, "k"); got != "mine" {
		t.Errorf("another root org changed it to %q", got)
	}
}

func scans(t *testing.T, f Fixture) {
	for _, key := range []string{"b", "a", "c/1", "c", "d", "c/2"} {
		f.put(t, key, "v"+key)
	}
	for name, tc := range map[string]struct {
		r    provider.KeyRange
		want string
	}{
		"all":       {provider.KeyRange{}, "a b c c/1 c/2 d"},
		"from":      {provider.KeyRange{From: "c"}, "c c/1 c/2 d"},
		"half-open": {provider.KeyRange{From: "a", To: "c"}, "a b"},
		"prefix":    {provider.KeyRange{From: "c/", To: "c0"}, "c/1 c/2"},
		"reverse":   {provider.KeyRange{To: "c/2", Reverse: true}, "c/1 c b a"},
		"limit":     {provider.KeyRange{Limit: 2}, "a b"},
		"last two":  {provider.KeyRange{Limit: 2, Reverse: true}, "d c/2"},
		"nothing":   {provider.KeyRange{From: "x"}, ""},
		"backward":  {provider.KeyRange{From: "c", To: "a"}, ""},
	} {
		if got := f.keys(t, tc.r); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	err := f.Services.Scan(t.Context(), f.scope(), provider.KeyRange{}, func(kv provider.KeyValue) error {
		if string(kv.Value) != "v"+kv.Key || kv.Revision == 0 {
			t.Errorf("row %+v", kv)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func sealedValues(t *testing.T, f Fixture) {
	f.apply(t, provider.Transaction{Writes: []provider.Write{{Key: "s", Value: []byte("hidden"), Sealed: true}, {Key: "t", Value: []byte("open")}}})
	if got, _ := f.get(t, "s"); got != "hidden" {
		t.Errorf("a sealed value reads as %q", got)
	}
	err := f.Services.Scan(t.Context(), f.scope(), provider.KeyRange{}, func(kv provider.KeyValue) error {
		if kv.Sealed != (kv.Key == "s") || kv.Sealed == (len(kv.Value) > 0) {
			t.Errorf("a scan tells %+v", kv)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	f.put(t, "s", "plain now")
	if err := f.Services.Scan(t.Context(), f.scope(), provider.KeyRange{To: "t"}, func(kv provider.KeyValue) error {
		if kv.Sealed || !bytes.Equal(kv.Value, []byte("plain now")) {
			t.Errorf("a value that is not sealed any more: %+v", kv)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func bounds(t *testing.T, f Fixture) {
	long := strings.Repeat("k", provider.MaxStorageKey+1)
	many := make([]provider.Write, provider.MaxStorageWrites+1)
	for i := range many {
		many[i].Key = fmt.Sprint(i)
	}
	write := func(w ...provider.Write) provider.Transaction { return provider.Transaction{Writes: w} }
	for name, tx := range map[string]provider.Transaction{
		"empty key":     write(provider.Write{}),
		"long key":      write(provider.Write{Key: long}),
		"not text":      write(provider.Write{Key: "\xff"}),
		"long value":    write(provider.Write{Key: "k", Value: make([]byte, provider.MaxStorageValue+1)}),
		"written twice": write(provider.Write{Key: "k"}, provider.Write{Key: "k", Delete: true}),
		"many writes":   write(many...),
		"long token":    {Token: long},
		"expects a bad key": {
			Expect: []provider.Expectation{{Key: long}}, Writes: []provider.Write{{Key: "k"}},
		},
	} {
		want(t, name, f.Services.Apply(t.Context(), f.scope(), tx), fault.ClassInvalid)
	}
	_, _, err := f.Services.Get(t.Context(), f.scope(), "")
	want(t, "reading the empty key", err, fault.ClassInvalid)
	if got := f.keys(t, provider.KeyRange{}); got != "" {
		t.Errorf("refused transactions wrote %q", got)
	}
	f.apply(t, write(many[1:]...))
	f.apply(t, write(provider.Write{Key: "large", Value: make([]byte, provider.MaxStorageValue)}))
}

// buyers is how many try to take the last one at once.
const buyers = 64

func lastOne(t *testing.T, f Fixture) {
	f.put(t, "stock", "1")
	_, rev := f.get(t, "stock")
	var sold, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() {
			err := f.Services.Apply(t.Context(), f.scope(), provider.Transaction{
				Token:  fmt.Sprint("buyer ", i),
				Expect: []provider.Expectation{{Key: "stock", Revision: rev}},
				Writes: []provider.Write{{Key: "stock", Value: []byte("0")}, {Key: fmt.Sprint("sold/", i), Value: []byte("1")}},
			})
			switch {
			case err == nil:
				sold.Add(1)
			case fault.Is(err, fault.ClassConflict):
				refused.Add(1)
			default:
				t.Errorf("buyer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if sold.Load() != 1 || refused.Load() != buyers-1 {
		t.Errorf("%d sold, %d refused", sold.Load(), refused.Load())
	}
	if got := f.keys(t, provider.KeyRange{From: "sold/", To: "sold0"}); len(strings.Fields(got)) != 1 {
		t.Errorf("sold to %q", got)
	}
}

func events(t *testing.T, f Fixture) {
	emit := func(e provider.Event) error { return f.Services.Emit(t.Context(), f.scope(), e) }
	for range 2 {
		if err := emit(provider.Event{Cursor: "1", Type: "resource.changed", Data: []byte(`{"a":1}`)}); err != nil {
			t.Errorf("an event: %v", err)
		}
	}
	want(t, "an event without a cursor", emit(provider.Event{Type: "x"}), fault.ClassInvalid)
	want(t, "an event without a type", emit(provider.Event{Cursor: "2"}), fault.ClassInvalid)
	want(t, "data that is no JSON", emit(provider.Event{Cursor: "3", Type: "x", Data: []byte("{")}), fault.ClassInvalid)
	if now, err := f.Services.Now(t.Context()); err != nil || now.IsZero() {
		t.Errorf("now: %s, %v", now, err)
	}
}

var errEnough = errors.New("enough")

func yieldError(t *testing.T, f Fixture) {
	f.put(t, "a", "")
	f.put(t, "b", "")
	n := 0
	err := f.Services.Scan(t.Context(), f.scope(), provider.KeyRange{}, func(provider.KeyValue) error {
		n++
		return errEnough
	})
	if !errors.Is(err, errEnough) || n != 1 {
		t.Errorf("%d rows, then %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Services.Get(ctx, f.scope(), "a"); err != nil && fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a context that has ended: %v", err)
	}
}
