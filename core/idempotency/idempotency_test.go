package idempotency_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/core/idempotency"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

var (
	start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	scope = idempotency.Scope{Org: "org", Operation: "order.buy"}
)

func newKeys(t *testing.T) (*idempotency.Keys, store.Store, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(start)
	k, err := idempotency.New(idempotency.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return k, storetest.Open(t), c
}

func hash(t *testing.T, v any) idempotency.Hash {
	t.Helper()
	h, err := idempotency.HashOf(v)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// once claims the key and makes ref, or returns what was made before.
func once(t *testing.T, k *idempotency.Keys, st store.Store, s idempotency.Scope, key, body, ref string) (got string, replay bool, err error) {
	t.Helper()
	h := hash(t, body)
	err = st.Update(t.Context(), func(tx store.Tx) (err error) {
		if got, replay, err = k.Claim(tx, s, key, h); err != nil || replay {
			return err
		}
		got = ref
		return k.Bind(tx, s, key, ref)
	})
	return got, replay, err
}

func TestClaim(t *testing.T) {
	t.Parallel()
	k, st, _ := newKeys(t)
	if got, replay, err := once(t, k, st, scope, "key", "body", "first"); got != "first" || replay || err != nil {
		t.Fatalf("the first claim: %q %v %v", got, replay, err)
	}
	if got, replay, err := once(t, k, st, scope, "key", "body", "second"); got != "first" || !replay || err != nil {
		t.Errorf("the same request again: %q %v %v", got, replay, err)
	}
	if _, _, err := once(t, k, st, scope, "key", "other", "third"); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("another body: %v, want a conflict", err)
	}
	for _, other := range []idempotency.Scope{{Org: "org2", Operation: "order.buy"}, {Org: "org", Operation: "order.renew"}} {
		if got, replay, err := once(t, k, st, other, "key", "other", "own"); got != "own" || replay || err != nil {
			t.Errorf("the key in scope %+v: %q %v %v", other, got, replay, err)
		}
	}
}

func TestClaimFailsWithItsTransaction(t *testing.T) {
	t.Parallel()
	k, st, _ := newKeys(t)
	boom := fault.Precondition("boom")
	h := hash(t, "body")
	_ = st.Update(t.Context(), func(tx store.Tx) error {
		_, _, _ = k.Claim(tx, scope, "key", h)
		return boom
	})
	if got, replay, err := once(t, k, st, scope, "key", "other", "ref"); got != "ref" || replay || err != nil {
		t.Errorf("a key whose transaction failed is taken: %q %v %v", got, replay, err)
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for key, good := range map[string]bool{
		"": false, "a": true, strings.Repeat("x", 200): true, strings.Repeat("x", 201): false,
		"with space": false, "tab\t": false, "ключ": false, "~!@": true, "\x7f": false,
	} {
		if err := idempotency.CheckKey(key); (err == nil) != good {
			t.Errorf("CheckKey(%q) = %v, want good %v", key, err, good)
		}
	}
}

func TestRace(t *testing.T) {
	t.Parallel()
	k, st, _ := newKeys(t)
	refs := make([]string, 32)
	var wg sync.WaitGroup
	for i := range refs {
		wg.Go(func() { refs[i], _, _ = once(t, k, st, scope, "key", "body", fmt.Sprint("ref-", i)) })
	}
	wg.Wait()
	for _, ref := range refs {
		if ref == "" || ref != refs[0] {
			t.Fatalf("one key made several things: %v", refs)
		}
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	k, st, c := newKeys(t)
	for i := range 1500 {
		if _, _, err := once(t, k, st, scope, fmt.Sprint("old-", i), "b", "r"); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(idempotency.MinKeep - time.Second)
	if n, err := k.Trim(t.Context(), st); n != 0 || err != nil {
		t.Errorf("trimmed %d keys before their time: %v", n, err)
	}
	if _, _, err := once(t, k, st, scope, "young", "b", "r"); err != nil {
		t.Fatal(err)
	}
	c.Advance(2 * time.Second)
	if n, err := k.Trim(t.Context(), st); n != 1500 || err != nil {
		t.Errorf("trimmed %d keys, want 1500: %v", n, err)
	}
	if _, replay, _ := once(t, k, st, scope, "young", "b", "r2"); !replay {
		t.Error("a young key was forgotten")
	}
	if _, replay, _ := once(t, k, st, scope, "old-1", "b", "r2"); replay {
		t.Error("an old key is still known")
	}
}

func TestNewRefusesShortMemory(t *testing.T) {
	t.Parallel()
	if _, err := idempotency.New(idempotency.Config{Clock: clock.NewFake(start), Keep: time.Hour}); err == nil {
		t.Error("keys kept for an hour are accepted")
	}
}
