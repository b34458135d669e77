package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"tradewind.example/core/ledger"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// first returns a copy of the first row of a bucket.
func first(r store.Reader, b store.Bucket) (key, value []byte, err error) {
	err = r.Scan(b, store.Prefix().First(1), func(k, v []byte) error {
		key, value = bytes.Clone(k), bytes.Clone(v)
		return nil
	})
	return key, value, err
}

// TestVerifyFindsDamage writes around the ledger and expects to be found out.
func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	remove := func(b store.Bucket) func(store.Tx) error {
		return func(tx store.Tx) error {
			k, _, err := first(tx, b)
			return errors.Join(err, tx.Delete(b, k))
		}
	}

	// Byte 0 is the version, byte 1 the first amount.
	alter := func(b store.Bucket, at int) func(store.Tx) error {
		return func(tx store.Tx) error {
			k, v, err := first(tx, b)
			v[at] ^= 2
			return errors.Join(err, tx.Put(b, k, v))
		}
	}
	cases := map[string]struct {
		reason string
		damage func(store.Tx) error
	}{
		"EntryRemoved":       {reason: "a gap in an account's history", damage: remove("ledger.entry")},
		"EntryAltered":       {reason: "a running balance that does not follow", damage: alter("ledger.entry", 1)},
		"TransactionRemoved": {reason: "entries of no transaction", damage: remove("ledger.transaction")},
		"KeyRemoved":         {reason: "a transaction that could be written twice", damage: remove("ledger.key")},
		"WalletRemoved":      {reason: "held money that nobody knows of", damage: remove("ledger.wallet")},
		"WalletAltered":      {reason: "more held than holds say", damage: alter("ledger.wallet", 1)},
		"HoldRemoved":        {reason: "held money of no hold", damage: remove("ledger.hold")},
		"ValueCut": {reason: "a value that cannot be read", damage: func(tx store.Tx) error {
			k, v, err := first(tx, "ledger.transaction")
			return errors.Join(err, tx.Put("ledger.transaction", k, v[:len(v)/2]))
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := storetest.Open(t)
			l, err := ledger.New(ledger.Config{Clock: clock.NewFake(begin())})
			if err != nil {
				t.Fatal(err)
			}
			b := books{t: t, st: st, Ledger: l}
			k := walletOf("buyer", "seller")
			b.recharge(k, 100, "r1")
			b.recharge(k, 100, "r2")
			if err := hold(b, "h", k, 50); err != nil {
				t.Fatal(err)
			}
			if err := st.View(t.Context(), ledger.Verify); err != nil {
				t.Fatalf("before the damage: %v", err)
			}
			b.must(tc.damage)
			if err := st.View(t.Context(), ledger.Verify); !fault.Is(err, fault.ClassInternal) {
				t.Errorf("%s: got %v, want an internal fault", tc.reason, err)
			}
		})
	}
}
