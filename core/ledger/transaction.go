package ledger

import (
	"errors"
	"slices"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

// Causes of the internal faults that a defective transaction is refused with.
var (
	// ErrUnbalanced: a book does not sum to zero in a currency.
	ErrUnbalanced = errors.New("the postings of a book do not sum to zero")
	// ErrMirror: a wallet and the seller's deposit would differ.
	ErrMirror = errors.New("a wallet and its deposit would differ")
	// ErrMalformed: a field is missing or out of bounds.
	ErrMalformed = errors.New("the transaction is malformed")
)

// Limits of one transaction.
const (
	MaxPostings = 4096
	maxText     = 255 // bytes of an organisation id, kind, reference or key
	maxMemo     = 2000
)

// Transaction is one immutable, balanced change of several accounts.
type Transaction struct {
	ID       string    // made by the ledger when empty
	Kind     string    // what happened: "capture", "refund", "recharge", "settle" …
	Ref      string    // the thing it happened to: an order's or a statement's id
	Reverses string    // the transaction it corrects, or empty
	Key      string    // idempotency key, required, unique in the whole ledger
	Memo     string    // for people
	Actor    string    // who caused it
	Time     time.Time // zero: now; raised to the latest time of the accounts touched
	Postings []Posting // zero amounts are dropped
}

// sameContent compares what the caller meant; id, time and actor may differ
// when the same write is repeated.
func (t Transaction) sameContent(o Transaction) bool {
	return t.Kind == o.Kind && t.Ref == o.Ref && t.Reverses == o.Reverses && t.Memo == o.Memo &&
		slices.Equal(t.Postings, o.Postings)
}

// check refuses everything that must never be stored.
func (t Transaction) check() error {
	if t.Key == "" || t.Kind == "" {
		return malformed("a transaction needs a key and a kind")
	}
	for _, s := range [...]string{t.ID, t.Kind, t.Ref, t.Reverses, t.Key, t.Actor} {
		if len(s) > maxText {
			return malformed("a text of a transaction is longer than %d bytes", maxText)
		}
	}
	if len(t.Memo) > maxMemo || len(t.Postings) > MaxPostings {
		return malformed("a transaction has a memo of %d bytes and %d postings; at most %d and %d are allowed",
			len(t.Memo), len(t.Postings), maxMemo, MaxPostings)
	}
	for _, p := range t.Postings {
		if err := p.Account.check(); err != nil {
			return err
		}
	}
	if err := sumsToZero(t.Postings, bookOf, ErrUnbalanced); err != nil {
		return err
	}
	return sumsToZero(t.Postings, walletOf, ErrMirror)
}

func (a Account) check() error {
	needsParty := a.Kind != KindCash
	if a.Book == "" || len(a.Book) > maxText || len(a.Party) > maxText || (needsParty && a.Party == "") ||
		a.Book == a.Party || !a.Kind.Valid() || !a.Currency.Valid() {
		return malformed("account %+v is not complete", a)
	}
	return nil
}

// sum names one total that must come out as zero.
type sum struct {
	first, second string
	currency      money.Currency
}

// bookOf groups postings by book.
func bookOf(a Account) (sum, bool) { return sum{first: a.Book, currency: a.Currency}, true }

// walletOf groups a wallet with its mirror; other accounts have none.
func walletOf(a Account) (sum, bool) {
	switch a.Kind {
	case KindWallet:
		return sum{first: a.Book, second: a.Party, currency: a.Currency}, true
	case KindDeposit:
		return sum{first: a.Party, second: a.Book, currency: a.Currency}, true
	}
	return sum{}, false
}

func sumsToZero(postings []Posting, group func(Account) (sum, bool), broken error) error {
	totals := make(map[sum]money.Amount, 8)
	for _, p := range postings {
		g, counted := group(p.Account)
		if !counted {
			continue
		}
		total, err := totals[g].Add(p.Amount)
		if err != nil {
			return err
		}
		totals[g] = total
	}
	for g, total := range totals {
		if total != 0 {
			return fault.Internal(broken, "the transaction does not balance: %s %s is off by %d", g.first, g.currency, total)
		}
	}
	return nil
}

func malformed(format string, args ...any) error {
	return fault.Internal(ErrMalformed, format, args...)
}
