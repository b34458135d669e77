package ledger

import (
	"errors"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// ErrBroken is the cause of the internal fault that [Verify] answers.
var ErrBroken = errors.New("the ledger is broken")

func broken(format string, args ...any) error { return fault.Internal(ErrBroken, format, args...) }

// Verify reads the whole ledger and returns the first thing that is wrong:
// every transaction balances and is found by its key; every account's entries
// are numbered without a gap, never go back in time, carry the right running
// balance and are exactly the postings of the transactions; every book sums to
// zero in each currency; every wallet equals its deposit; and what each wallet
// holds is the sum of its open holds. It streams, keeping one number per
// account.
func Verify(r store.Reader) error {
	v := auditor{accounts: map[Account]tally{}, held: map[WalletKey]money.Amount{}}
	for _, step := range []func(store.Reader) error{v.entries, v.transactions, v.totals, v.holds, v.wallets} {
		if err := step(r); err != nil {
			return err
		}
	}
	return nil
}

// tally is what the entries of one account say.
type tally struct {
	balance money.Amount
	seq     uint64
	time    time.Time
	open    money.Amount // balance not yet explained by transactions
	entries uint64       // entries not yet explained by transactions
}

type auditor struct {
	accounts map[Account]tally
	held     map[WalletKey]money.Amount // of open holds
}

func (v *auditor) entries(r store.Reader) error {
	return r.Scan(bucketEntry, store.Prefix().All(), func(key, value []byte) error {
		e, err := decodeEntry(key, value)
		if err != nil {
			return err
		}
		t := v.accounts[e.Account]
		balance, err := t.balance.Add(e.Amount)
		if err != nil || balance != e.Balance || e.Seq != t.seq+1 || e.Time.Before(t.time) {
			return broken("entry %d of %+v does not follow the one before", e.Seq, e.Account)
		}
		v.accounts[e.Account] = tally{balance: balance, seq: e.Seq, time: e.Time, open: balance, entries: e.Seq}
		return nil
	})
}

func (v *auditor) transactions(r store.Reader) error {
	return r.Scan(bucketTransaction, store.Prefix().All(), func(key, value []byte) error {
		t, err := decodeTransaction(string(key), value)
		if err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return broken("transaction %q: %v", t.ID, err)
		}
		if id, err := r.Get(bucketKey, []byte(t.Key)); err != nil || string(id) != t.ID {
			return firstOf(err, broken("key %q does not lead to transaction %q", t.Key, t.ID))
		}
		for _, p := range t.Postings {
			if err := v.explain(t.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// explain takes one posting off what the entries of its account add up to.
func (v *auditor) explain(id string, p Posting) error {
	t := v.accounts[p.Account]
	open, err := t.open.Sub(p.Amount)
	if err != nil || t.entries == 0 {
		return broken("transaction %q has a posting to %+v without an entry", id, p.Account)
	}
	t.open, t.entries = open, t.entries-1
	v.accounts[p.Account] = t
	return nil
}

// totals checks what the accounts add up to once both sides were read.
func (v *auditor) totals(store.Reader) error {
	balanced := make([]Posting, 0, len(v.accounts))
	for account, t := range v.accounts {
		if t.open != 0 || t.entries != 0 {
			return broken("account %+v has %d entries over %d of no transaction", account, t.entries, t.open)
		}
		balanced = append(balanced, Posting{Account: account, Amount: t.balance})
	}
	if err := sumsToZero(balanced, bookOf, ErrUnbalanced); err != nil {
		return broken("a book: %v", err)
	}
	if err := sumsToZero(balanced, walletOf, ErrMirror); err != nil {
		return broken("a wallet: %v", err)
	}
	return nil
}

func (v *auditor) holds(r store.Reader) error {
	return r.Scan(bucketHold, store.Prefix().All(), func(key, value []byte) error {
		h, err := decodeHold(string(key), value)
		if err != nil {
			return err
		}
		if h.State == HoldCaptured {
			raw, err := r.Get(bucketTransaction, []byte(h.Transaction))
			if err != nil || raw == nil {
				return firstOf(err, broken("hold %q was captured by transaction %q, which does not exist", h.ID, h.Transaction))
			}
		}
		if h.State != HoldOpen {
			return nil
		}
		for _, g := range h.Legs {
			total, err := v.held[g.wallet()].Add(g.Amount)
			if err != nil {
				return err
			}
			v.held[g.wallet()] = total
		}
		return nil
	})
}

func (v *auditor) wallets(r store.Reader) error {
	err := r.Scan(bucketWallet, store.Prefix().All(), func(key, value []byte) error {
		k, err := decodeWalletKey(value)
		if err != nil {
			return err
		}
		l, err := decodeLien(value)
		if err != nil {
			return err
		}
		if string(key) != string(k.key()) || l.held != v.held[k] || l.credit < 0 {
			return broken("wallet of %q with %q holds %d, its open holds are %d", k.Buyer, k.Seller, l.held, v.held[k])
		}
		delete(v.held, k)
		return nil
	})
	if err != nil {
		return err
	}
	for k, amount := range v.held {
		if amount != 0 {
			return broken("wallet of %q with %q is not known, its open holds are %d", k.Buyer, k.Seller, amount)
		}
	}
	return nil
}
