package ledger

import (
	"encoding/binary"
	"math"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// The buckets of the ledger.
const (
	bucketTransaction store.Bucket = "ledger.transaction"     // id → transaction
	bucketKey         store.Bucket = "ledger.key"             // idempotency key → id
	bucketEntry       store.Bucket = "ledger.entry"           // account, time, sequence → entry
	bucketBook        store.Bucket = "ledger.book"            // book, time, id → nothing
	bucketWallet      store.Bucket = "ledger.wallet"          // buyer, seller, currency → held, credit
	bucketSold        store.Bucket = "ledger.wallet.sold"     // seller, buyer, currency → nothing
	bucketCurrency    store.Bucket = "ledger.wallet.currency" // side, owner, currency, other → the wallet's key
	bucketHold        store.Bucket = "ledger.hold"            // id → hold
)

// Entry is one posting in the history of its account.
type Entry struct {
	Account     Account
	Time        time.Time
	Seq         uint64       // counts the account's entries from 1
	Transaction string       // id of the transaction
	Amount      money.Amount // debit positive
	Balance     money.Amount // of the account after this entry
}

// accountKey is the common beginning of the keys of an account's entries. It
// can be taken apart again, so the accounts need no list of their own.
func accountKey(a Account) []byte {
	b := make([]byte, 0, len(a.Book)+len(a.Party)+len(a.Currency)+4+place)
	b = appendShort(b, a.Book)
	b = append(b, a.Kind.code())
	b = appendShort(b, a.Party)
	return appendShort(b, string(a.Currency))
}

func appendShort(b []byte, s string) []byte {
	b = append(b, byte(len(s))) // texts are at most maxText bytes, see Account.check
	return append(b, s...)
}

// appendInstant keeps the order of times, also before 1970.
func appendInstant(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixNano())^(1<<63)) //nolint:gosec // the bits are what is meant
}

func entryKey(account []byte, t time.Time, seq uint64) []byte {
	b := make([]byte, len(account), len(account)+place)
	copy(b, account)
	return binary.BigEndian.AppendUint64(appendInstant(b, t), seq)
}

func parseEntryKey(k []byte) (e Entry, err error) {
	r := &reader{b: k}
	e.Account.Book = r.short()
	kind, known := kindOf(r.byte())
	e.Account.Kind = kind
	e.Account.Party = r.short()
	e.Account.Currency = money.Currency(r.short())
	if r.failed || !known || len(r.b) != place {
		return Entry{}, damagedKey()
	}
	e.Time, e.Seq = parsePlace(r.b)
	return e, nil
}

func damagedKey() error {
	return fault.Internal(nil, "the ledger has an entry whose key cannot be read; restore the store from a backup")
}

// place is the length of the end of an entry's key: its time and sequence.
const place = 16

func parsePlace(b []byte) (time.Time, uint64) {
	nanos := int64(binary.BigEndian.Uint64(b) ^ (1 << 63)) //nolint:gosec // inverse of appendInstant
	return time.Unix(0, nanos).UTC(), binary.BigEndian.Uint64(b[8:])
}

func (r *reader) short() string {
	n := int(r.byte())
	if n > len(r.b) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func encodeEntry(e Entry) []byte {
	w := newWriter(len(e.Transaction) + 24)
	w.amount(e.Amount)
	w.amount(e.Balance)
	w.text(e.Transaction)
	return w.b
}

func decodeEntry(k, v []byte) (Entry, error) {
	e, err := parseEntryKey(k)
	if err != nil {
		return Entry{}, err
	}
	return e.read(v)
}

func (e Entry) read(v []byte) (Entry, error) {
	r := newReader(v)
	e.Amount, e.Balance, e.Transaction = r.amount(), r.amount(), r.text()
	return e, r.end("ledger entry", string(e.Account.Kind))
}

// lastEntry returns the account's latest entry before or at the instant; the
// zero Entry when there is none. A zero instant means now. It leaves the Account
// empty: the caller has it, and every posting pays for this look-up.
func lastEntry(r store.Reader, account []byte, at time.Time) (Entry, error) {
	rng := store.PrefixOf(account)
	if !at.IsZero() {
		rng.To = entryKey(account, at, math.MaxUint64)
	}
	var last Entry
	err := r.Scan(bucketEntry, rng.Last(1), func(k, v []byte) (err error) {
		if len(k) != len(account)+place {
			return damagedKey()
		}
		last.Time, last.Seq = parsePlace(k[len(account):])
		last, err = last.read(v)
		return err
	})
	return last, err
}

// Balance returns an account's balance at an instant, or now for the zero time.
// An account without entries has 0.
func (l *Ledger) Balance(r store.Reader, a Account, at time.Time) (money.Amount, error) {
	if err := a.check(); err != nil {
		return 0, err
	}
	e, err := lastEntry(r, accountKey(a), at)
	return e.Balance, err
}
