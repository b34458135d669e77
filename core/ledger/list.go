package ledger

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
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
	return collect(r, bucketEntry, rng, s, decodeEntry, nil)
}

// Transactions lists the transactions that touch a book, newest first, each cut
// to the postings of that book.
func (l *Ledger) Transactions(r store.Reader, book string, s Span) (Page[Transaction], error) {
	return l.TransactionsOf(r, book, TransactionsChoice{}, s)
}

// TransactionsChoice chooses transactions; empty fields do not restrict.
type TransactionsChoice struct {
	From, To time.Time // half-open
	Kind     string    // what was booked: recharge, charge …
	Ref      string    // the order, statement or recharge it belongs to
	Party    string    // who stands on the other side of a posting
	Currency money.Currency
}

// admits looks at a transaction that was cut to a book.
func (of TransactionsChoice) admits(t Transaction) bool {
	if of.Kind != "" && t.Kind != of.Kind || of.Ref != "" && t.Ref != of.Ref {
		return false
	}
	return slices.ContainsFunc(t.Postings, func(p Posting) bool {
		return (of.Party == "" || p.Account.Party == of.Party) && (of.Currency == "" || p.Account.Currency == of.Currency)
	})
}

// TransactionsOf is [Ledger.Transactions] of those chosen. A page may be short
// and still have a Next.
func (l *Ledger) TransactionsOf(r store.Reader, book string, of TransactionsChoice, s Span) (Page[Transaction], error) {
	from, to := of.From, of.To
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
	}, of.admits)
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

// collect reads one page of what keep admits, nil for all, and the key at which
// the next begins.
func collect[T any](r store.Reader, b store.Bucket, rng store.Range, s Span, decode func(k, v []byte) (T, error), keep func(T) bool) (Page[T], error) {
	page := Page[T]{Items: make([]T, 0, min(s.Limit, 64))}
	most := s.Limit
	if keep != nil {
		most = max(most, mostLooked)
	}
	rng.Limit = most + 1
	looked := 0
	var last []byte
	err := r.Scan(b, rng, func(k, v []byte) error {
		if len(page.Items) == s.Limit || looked == most {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			return store.Stop
		}
		last, looked = k, looked+1
		item, err := decode(k, v)
		if err == nil && (keep == nil || keep(item)) {
			page.Items = append(page.Items, item)
		}
		return err
	})
	return page, err
}

// AccountsChoice chooses accounts of a book; empty fields do not restrict.
type AccountsChoice struct {
	Kind     Kind
	Party    string
	Currency money.Currency
}

// Accounts lists the accounts of a book with their balances at an instant, or
// now for the zero time, by the name of their kind.
func (l *Ledger) Accounts(r store.Reader, book string, at time.Time, s Span) (Page[AccountBalance], error) {
	return l.AccountsOf(r, book, AccountsChoice{}, at, s)
}

// AccountsOf is [Ledger.Accounts] of those chosen. It jumps from account to
// account and reads two entries of each, however long their histories are. A
// page may be short and still have a Next.
func (l *Ledger) AccountsOf(r store.Reader, book string, of AccountsChoice, at time.Time, s Span) (Page[AccountBalance], error) {
	spans, err := of.spans(appendShort(nil, book), s)
	if err != nil {
		return Page[AccountBalance]{}, err
	}
	w := accountsWalk{of: of, at: at, span: s}
	for _, rng := range spans {
		if err := w.walk(r, rng); err != nil || w.page.Next != "" {
			return w.page, err
		}
	}
	return w.page, nil
}

// spans are where the chosen accounts are, kind by kind in the order of the
// kinds' names, from the cursor on.
func (of AccountsChoice) spans(book []byte, s Span) ([]store.Range, error) {
	whole, err := s.in(store.PrefixOf(book))
	if err != nil {
		return nil, err
	}
	all := kinds()
	if slices.Sort(all); !s.OldestFirst {
		slices.Reverse(all)
	}
	var last []byte // prefix of the account that was shown last
	if s.Cursor != "" {
		if last, err = base64.RawURLEncoding.DecodeString(s.Cursor); err != nil || len(last) <= len(book) {
			return nil, fault.Invalid("cursor", "is not one that this list returned: start again without it")
		}
		from, _ := kindOf(last[len(book)])
		all = all[max(slices.Index(all, from), 0):]
	}
	var out []store.Range
	for _, k := range all {
		if of.Kind != "" && k != of.Kind {
			continue
		}
		prefix := append(bytes.Clone(book), k.code())
		began := bytes.HasPrefix(last, prefix)
		if of.Party != "" {
			prefix = appendShort(prefix, of.Party)
		}
		rng := store.PrefixOf(prefix)
		rng.Reverse, rng.Limit = whole.Reverse, 1
		switch {
		case began && s.OldestFirst: // past the whole account, not only its prefix
			rng.From = store.PrefixOf(last).To
		case began:
			rng.To = last
		}
		out = append(out, rng)
	}
	return out, nil
}

// mostLooked bounds how many rows are looked at to fill one page of those
// chosen, however small that is.
const mostLooked = 4000

// accountsWalk fills a page of accounts.
type accountsWalk struct {
	of     AccountsChoice
	at     time.Time
	span   Span
	looked int
	last   []byte // prefix of the account that was looked at last
	page   Page[AccountBalance]
}

// walk goes through the accounts of one range.
func (w *accountsWalk) walk(r store.Reader, rng store.Range) error {
	for bytes.Compare(rng.From, rng.To) < 0 {
		prefix, account, err := nextAccount(r, rng)
		if err != nil || prefix == nil {
			return err
		}
		if len(w.page.Items) == w.span.Limit || w.looked >= max(mostLooked, w.span.Limit) {
			w.page.Next = base64.RawURLEncoding.EncodeToString(w.last)
			return nil
		}
		if w.looked, w.last = w.looked+1, prefix; w.of.Currency == "" || account.Currency == w.of.Currency {
			e, err := lastEntry(r, prefix, w.at)
			if err != nil {
				return err
			}
			w.page.Items = append(w.page.Items, AccountBalance{Account: account, Balance: e.Balance})
		}
		if w.span.OldestFirst {
			rng.From = store.PrefixOf(prefix).To
		} else {
			rng.To = prefix
		}
	}
	return nil
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
