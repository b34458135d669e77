package ledger

import (
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/id"
	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// PostTx stores a transaction and changes the balances, or returns the stored
// one when its key was used before for the same content (another content is a
// conflict). A transaction that does not balance is refused as internal; one
// that would take more from a wallet than is available as
// insufficient_balance, see [ShortError].
func (l *Ledger) PostTx(tx store.Tx, t Transaction) (Transaction, error) {
	return l.post(tx, t, true)
}

// post is PostTx; guarded is false when the money was held before.
func (l *Ledger) post(tx store.Tx, t Transaction, guarded bool) (Transaction, error) {
	t.Postings = withoutZeros(t.Postings)
	if err := t.check(); err != nil {
		return Transaction{}, err
	}
	if stored, found, err := l.ByKeyTx(tx, t.Key); err != nil || found {
		return replay(stored, t, err)
	}
	if err := l.complete(tx, &t); err != nil {
		return Transaction{}, err
	}
	touched, err := heads(tx, t.Postings)
	if err != nil {
		return Transaction{}, err
	}
	for _, h := range touched {
		if h.last.Time.After(t.Time) {
			t.Time = h.last.Time
		}
	}
	if err := l.moveWallets(tx, touched, t.Postings, guarded); err != nil {
		return Transaction{}, err
	}
	return t, write(tx, t, touched)
}

func withoutZeros(postings []Posting) []Posting {
	return slices.DeleteFunc(slices.Clone(postings), func(p Posting) bool { return p.Amount == 0 })
}

func replay(stored, t Transaction, err error) (Transaction, error) {
	if err != nil {
		return Transaction{}, err
	}
	if !stored.sameContent(t) {
		return Transaction{}, fault.Conflict("key %q was used before for another transaction", t.Key)
	}
	return stored, nil
}

// complete fills in what the caller left to the ledger.
func (l *Ledger) complete(tx store.Tx, t *Transaction) error {
	now := l.clock.Now().UTC()
	switch {
	case t.Time.IsZero():
		t.Time = now
	case t.Time.After(now):
		return malformed("a transaction's time must not be later than now")
	}
	t.Time = t.Time.UTC().Round(0)
	if t.ID == "" {
		t.ID = id.New()
	} else if old, err := tx.Get(bucketTransaction, []byte(t.ID)); err != nil || old != nil {
		return firstOf(err, fault.Conflict("transaction %q exists already", t.ID))
	}
	if t.Reverses == "" {
		return nil
	}
	if old, err := tx.Get(bucketTransaction, []byte(t.Reverses)); err != nil || old == nil {
		return firstOf(err, fault.NotFound("transaction", t.Reverses))
	}
	return nil
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// head is an account that a transaction touches, with its latest entry.
type head struct {
	account Account
	key     []byte
	last    Entry
}

func heads(r store.Reader, postings []Posting) ([]head, error) {
	touched := make([]head, 0, len(postings))
	for _, p := range postings {
		if indexOf(touched, p.Account) >= 0 {
			continue
		}
		h := head{account: p.Account, key: accountKey(p.Account)}
		var err error
		if h.last, err = lastEntry(r, h.key, time.Time{}); err != nil {
			return nil, err
		}
		touched = append(touched, h)
	}
	return touched, nil
}

func indexOf(touched []head, a Account) int {
	return slices.IndexFunc(touched, func(h head) bool { return h.account == a })
}

// write stores the entries, the transaction and its look-ups.
func write(tx store.Tx, t Transaction, touched []head) error {
	for _, p := range t.Postings {
		h := &touched[indexOf(touched, p.Account)]
		if err := h.append(tx, t, p.Amount); err != nil {
			return err
		}
	}
	if err := tx.Put(bucketTransaction, []byte(t.ID), encodeTransaction(t)); err != nil {
		return err
	}
	var books names
	for _, p := range t.Postings {
		books.number(p.Account.Book)
	}
	for _, b := range books {
		if err := tx.Put(bucketBook, bookKey(b, t.Time, t.ID), nil); err != nil {
			return err
		}
	}
	return tx.Put(bucketKey, []byte(t.Key), []byte(t.ID))
}

func (h *head) append(tx store.Tx, t Transaction, amount money.Amount) error {
	balance, err := h.last.Balance.Add(amount)
	if err != nil {
		return fmt.Errorf("posting to %s of %q: %w", h.account.Kind, h.account.Book, err)
	}
	h.last = Entry{
		Account: h.account, Time: t.Time, Seq: h.last.Seq + 1,
		Transaction: t.ID, Amount: amount, Balance: balance,
	}
	return tx.Put(bucketEntry, entryKey(h.key, t.Time, h.last.Seq), encodeEntry(h.last))
}

func bookKey(book string, t time.Time, id string) []byte {
	b := make([]byte, 0, 1+len(book)+8+len(id))
	return append(appendInstant(appendShort(b, book), t), id...)
}

// ByKeyTx returns the transaction that was written with an idempotency key.
func (l *Ledger) ByKeyTx(r store.Reader, key string) (Transaction, bool, error) {
	id, err := r.Get(bucketKey, []byte(key))
	if err != nil || id == nil {
		return Transaction{}, false, err
	}
	t, err := l.TransactionTx(r, string(id))
	return t, err == nil, err
}

// TransactionTx returns a whole transaction, with the books of everybody in it.
func (l *Ledger) TransactionTx(r store.Reader, id string) (Transaction, error) {
	raw, err := r.Get(bucketTransaction, []byte(id))
	if err != nil {
		return Transaction{}, err
	}
	if raw == nil {
		return Transaction{}, fault.NotFound("transaction", id)
	}
	return decodeTransaction(id, raw)
}
