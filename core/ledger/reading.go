package ledger

import (
	"context"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// AccountsQuery asks for the accounts of one book.
type AccountsQuery struct {
	Book string    // empty: the caller's own
	At   time.Time // zero: now
	AccountsChoice
	Span
}

// ListAccounts lists a book's accounts with their balances at an instant.
func (s *Service) ListAccounts(ctx context.Context, c access.Caller, q AccountsQuery) (Page[AccountBalance], error) {
	var page Page[AccountBalance]
	err := s.read(ctx, c, &q.Book, func(r store.Reader) (err error) {
		page, err = s.ledger.AccountsOf(r, q.Book, q.AccountsChoice, q.At, q.Span)
		return err
	})
	return page, err
}

// EntriesQuery asks for the history of one account.
type EntriesQuery struct {
	Account Account // an empty Book is the caller's own
	Span
}

// ListEntries lists an account's history, newest first.
func (s *Service) ListEntries(ctx context.Context, c access.Caller, q EntriesQuery) (Page[Entry], error) {
	var page Page[Entry]
	err := s.read(ctx, c, &q.Account.Book, func(r store.Reader) (err error) {
		if q.Account.check() != nil {
			return fault.Invalid("account", "needs a kind, a party and a known currency")
		}
		page, err = s.ledger.Entries(r, q.Account, q.Span)
		return err
	})
	return page, err
}

// TransactionsQuery asks for the transactions of one book.
type TransactionsQuery struct {
	Book string // empty: the caller's own
	TransactionsChoice
	Span
}

// ListTransactions lists what touched a book, newest first, each cut to it.
func (s *Service) ListTransactions(ctx context.Context, c access.Caller, q TransactionsQuery) (Page[Transaction], error) {
	var page Page[Transaction]
	err := s.read(ctx, c, &q.Book, func(r store.Reader) (err error) {
		page, err = s.ledger.TransactionsOf(r, q.Book, q.TransactionsChoice, q.Span)
		return err
	})
	return page, err
}

// GetTransaction returns a transaction cut to the caller's own book. One that
// does not touch it does not exist for the caller.
func (s *Service) GetTransaction(ctx context.Context, c access.Caller, id string) (Transaction, error) {
	var t Transaction
	book := c.OrgID
	err := s.read(ctx, c, &book, func(r store.Reader) error {
		whole, err := s.ledger.TransactionTx(r, id)
		if err != nil {
			return err
		}
		if t = whole.Of(book); len(t.Postings) == 0 {
			return fault.NotFound("transaction", id)
		}
		return nil
	})
	if err != nil {
		return Transaction{}, err
	}
	return t, nil
}

// read runs fn when the caller may read the book; an empty book becomes the
// caller's own.
func (s *Service) read(ctx context.Context, c access.Caller, book *string, fn func(store.Reader) error) error {
	if *book == "" {
		*book = c.OrgID
	}
	return s.store.View(ctx, func(r store.Reader) error {
		if err := s.access.Check(r, c, access.LedgerRead, access.Target{OrgID: *book, Thing: "account"}); err != nil {
			return err
		}
		return fn(r)
	})
}
