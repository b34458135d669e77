package ledger

import (
	"bytes"
	"encoding/base64"
	"math"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Page is a part of a list. Next is "" at the end, else the cursor of the next part.
type Page[T any] struct {
	Items []T
	Next  string
}

// Span asks for one page.
type Span struct {
	Cursor      string // Next of the page before; "" for the first
	Limit       int    // 1..store.MaxList
	OldestFirst bool   // from the least key up
}

// AccountBalance is an account with its balance.
type AccountBalance struct {
	Account Account
	Balance money.Amount
}

// Entries lists the history of one account, newest first.
func (l *Ledger) Entries(r store.Reader, a Account, s Span) (Page[Entry], error) {
	if err := a.check(); err != nil {
		return Page[Entry]{}, err
	}
	rng, err := s.in(store.PrefixOf(accountKey(a)))
	if err != nil {
		return Page[Entry]{}, err
	}
	return collect(r, bucketEntry, rng, s, decodeEntry)
}

// Transactions lists the transactions that touch a book, newest first, each cut
// to the postings of that book.
func (l *Ledger) Transactions(r store.Reader, book string, s Span) (Page[Transaction], error) {
	return l.TransactionsBetween(r, book, time.Time{}, time.Time{}, s)
}

// TransactionsBetween is [Ledger.Transactions] of from ≤ time < to; a zero time
// is no bound.
func (l *Ledger) TransactionsBetween(r store.Reader, book string, from, to time.Time, s Span) (Page[Transaction], error) {
	prefix := appendShort(nil, book)
	rng, err := s.in(store.PrefixOf(prefix))
	if err != nil {
		return Page[Transaction]{}, err
	}
	if at := appendInstant(bytes.Clone(prefix), kept(from)); !from.IsZero() && bytes.Compare(at, rng.From) > 0 {
		rng.From = at
	}
	if at := appendInstant(bytes.Clone(prefix), kept(to)); !to.IsZero() && bytes.Compare(at, rng.To) < 0 {
		rng.To = at
	}
	if bytes.Compare(rng.From, rng.To) >= 0 {
		return Page[Transaction]{}, nil
	}
	return collect(r, bucketBook, rng, s, func(k, _ []byte) (Transaction, error) {
		t, err := l.TransactionTx(r, string(k[len(prefix)+8:])) // 8 bytes of time
		return t.Of(book), err
	})
}

// kept moves an instant beyond those that keys can hold to the first or last one.
func kept(t time.Time) time.Time {
	least, most := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	if t.Before(least) {
		return least
	}
	if t.After(most) {
		return most
	}
	return t
}

// Of returns the transaction with the postings of one book only, without key
// and actor: what the owner of the book may see of it.
func (t Transaction) Of(book string) Transaction {
	postings := t.Postings
	t.Postings, t.Key, t.Actor = nil, "", ""
	for _, p := range postings {
		if p.Account.Book == book {
			t.Postings = append(t.Postings, p)
		}
	}
	return t
}

// in cuts from the range what the pages before have shown. Lists of the ledger
// run from the greatest key down, so that the newest comes first, or back.
func (s Span) in(rng store.Range) (store.Range, error) {
	if s.Limit < 1 || s.Limit > store.MaxList {
		return rng, fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	rng.Reverse, rng.Limit = !s.OldestFirst, s.Limit+1
	if s.Cursor == "" {
		return rng, nil
	}
	last, err := base64.RawURLEncoding.Strict().DecodeString(s.Cursor)
	if err != nil || len(s.Cursor) > 2*store.MaxKey || !bytes.HasPrefix(last, rng.From) {
		return rng, fault.Invalid("cursor", "is not one that this list returned: start again without it")
	}
	if s.OldestFirst {
		rng.From = append(last, 0)
	} else {
		rng.To = last
	}
	return rng, nil
}

// collect reads one page and the key at which the next begins.
func collect[T any](r store.Reader, b store.Bucket, rng store.Range, s Span, decode func(k, v []byte) (T, error)) (Page[T], error) {
	page := Page[T]{Items: make([]T, 0, min(s.Limit, 64))}
	var last []byte
	err := r.Scan(b, rng, func(k, v []byte) error {
		if len(page.Items) == s.Limit {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			return store.Stop
		}
		last = k
		item, err := decode(k, v)
		page.Items = append(page.Items, item)
		return err
	})
	return page, err
}

// Accounts lists the accounts of a book with their balances at an instant, or
// now for the zero time. It jumps from account to account and reads two entries
// of each, however long their histories are.
func (l *Ledger) Accounts(r store.Reader, book string, at time.Time, s Span) (Page[AccountBalance], error) {
	rng, err := s.in(store.PrefixOf(appendShort(nil, book)))
	if err != nil {
		return Page[AccountBalance]{}, err
	}
	if s.OldestFirst && s.Cursor != "" { // past the whole account, not only its prefix
		rng.From = store.PrefixOf(rng.From[:len(rng.From)-1]).To
	}
	rng.Limit = 1
	page := Page[AccountBalance]{}
	var last []byte // prefix of the account that was shown last
	for {
		prefix, account, err := nextAccount(r, rng)
		if err != nil || prefix == nil {
			return page, err
		}
		if len(page.Items) == s.Limit {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			return page, nil
		}
		e, err := lastEntry(r, prefix, at)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, AccountBalance{Account: account, Balance: e.Balance})
		if last = prefix; s.OldestFirst {
			rng.From = store.PrefixOf(prefix).To
		} else {
			rng.To = prefix
		}
	}
}

// nextAccount returns the account of the first key in the range, in its
// direction; nil when the range is empty.
func nextAccount(r store.Reader, rng store.Range) ([]byte, Account, error) {
	var prefix []byte
	var account Account
	err := r.Scan(bucketEntry, rng, func(k, _ []byte) error {
		e, err := parseEntryKey(k)
		account, prefix = e.Account, bytes.Clone(k[:len(k)-place])
		return err
	})
	return prefix, account, err
}
