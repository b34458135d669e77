package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// suiteCase is one promise of the contract.
type suiteCase struct {
	reason string // why it matters, shown when it is broken
	run    func(t *testing.T, st store.Store)
}

// Run holds an implementation to the contract of package store. open returns an
// empty store that is the test's own and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	all := map[string]suiteCase{}
	for _, group := range []map[string]suiteCase{
		basicCases(), scanCases(), moveCases(), limitCases(), undoCases(), hookCases(), contextCases(),
		raceCases(), documentCases(), indexCases(), listCases(), cursorCases(), migrateCases(), lifeCases(), modelCases(),
	} {
		maps.Copy(all, group)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
			if t.Failed() {
				t.Logf("%s: %s", name, c.reason)
			}
		})
	}
}

const box store.Bucket = "box"

// errBoom is an error of no class that a transaction function returns.
var errBoom = errors.New("boom")

func update(t *testing.T, st store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func view(t *testing.T, st store.Store, fn func(store.Reader) error) {
	t.Helper()
	if err := st.View(t.Context(), fn); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// put stores each "key=value", or a key with itself as value.
func put(t *testing.T, st store.Store, keys ...string) {
	t.Helper()
	update(t, st, func(tx store.Tx) error { return putAll(tx, keys...) })
}

func putAll(tx store.Tx, keys ...string) error {
	for _, k := range keys {
		if err := tx.Put(box, []byte(k), []byte(k)); err != nil {
			return err
		}
	}
	return nil
}

// want fails unless the box holds exactly these keys.
func want(t *testing.T, st store.Store, keys ...string) {
	t.Helper()
	view(t, st, func(r store.Reader) error {
		got, err := keysOf(r, store.Range{Limit: store.NoLimit})
		if err == nil && fmt.Sprint(got) != fmt.Sprint(keys) {
			t.Errorf("the store holds %q, want %q", got, keys)
		}
		return err
	})
}

func keysOf(r store.Reader, span store.Range) ([]string, error) {
	var out []string
	err := r.Scan(box, span, func(k, _ []byte) error {
		out = append(out, string(k))
		return nil
	})
	return out, err
}

func valueOf(t *testing.T, r store.Reader, key string) string {
	t.Helper()
	v, err := r.Get(box, []byte(key))
	if err != nil {
		t.Errorf("get %q: %v", key, err)
	}
	return string(v)
}

func wantClass(t *testing.T, err error, c fault.Class) {
	t.Helper()
	if !fault.Is(err, c) {
		t.Errorf("got %v, want a fault of class %v", err, c)
	}
}

// ctxOf is a context that outlives the test's own, for checks at its end.
func ctxOf(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }
