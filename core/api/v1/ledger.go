package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
)

// LedgerAccount is one account of a book with its balance.
type LedgerAccount struct {
	Book     string `json:"book" doc:"The org whose book it is"`
	Kind     string `json:"kind" example:"wallet"`
	Party    string `json:"party" doc:"The org on the other side"`
	Currency string `json:"currency"`
	Balance  string `json:"balance" doc:"Debit is positive"`
}

// LedgerTransaction is one balanced change, as one book sees it.
type LedgerTransaction struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	Ref      string          `json:"ref,omitempty" doc:"The order, statement or recharge it belongs to"`
	Reverses string          `json:"reverses,omitempty" doc:"The transaction it corrects"`
	Memo     string          `json:"memo,omitempty"`
	Time     time.Time       `json:"time"`
	Postings []LedgerPosting `json:"postings" nullable:"false" doc:"Those of the book asked for; they sum to zero"`
}

// LedgerPosting is one line of a transaction.
type LedgerPosting struct {
	Kind     string `json:"kind"`
	Party    string `json:"party"`
	Currency string `json:"currency"`
	Amount   string `json:"amount" doc:"Debit is positive"`
}

type listAccounts struct {
	api.Paging
	Book string    `query:"book" maxLength:"64" doc:"Your own org when absent"`
	At   time.Time `query:"at" doc:"Balances at this instant; now when absent"`

	Kind     string `query:"kind" enum:"accrued_payable,accrued_receivable,cash,commission_expense,commission_income,commission_payable,commission_receivable,cost,deposit,payable,receivable,revenue,wallet"`
	Other    string `query:"other" maxLength:"64" doc:"The org on the other side"`
	Currency string `query:"currency" maxLength:"3"`
}

type listTransactions struct {
	api.Paging
	Book string    `query:"book" maxLength:"64" doc:"Your own org when absent"`
	From time.Time `query:"from" doc:"At or after"`
	To   time.Time `query:"to" doc:"Before"`

	Kind     string `query:"kind" maxLength:"64" doc:"What was booked"`
	Ref      string `query:"ref" maxLength:"200" doc:"The order, statement or recharge it belongs to"`
	Other    string `query:"other" maxLength:"64" doc:"The org on the other side of one of its postings"`
	Currency string `query:"currency" maxLength:"3"`
}

func bindLedger(s *api.Server, svc Services) {
	const tag = "Ledger"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/ledger/accounts", ID: "list-ledger-accounts", Sort: []string{"kind"}, Order: "kind", Tag: tag,
		Summary: "List the accounts of a book", Detail: "With balances now or at any past instant.",
	}, func(ctx context.Context, c access.Caller, in *listAccounts) (*api.ListOut[LedgerAccount], error) {
		p, err := svc.Books.ListAccounts(ctx, c, ledger.AccountsQuery{
			Book: in.Book, At: in.At, Span: ledger.Span{Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down()},
			AccountsChoice: ledger.AccountsChoice{Kind: ledger.Kind(in.Kind), Party: in.Other, Currency: money.Currency(in.Currency)},
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, accountOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/ledger/transactions", ID: "list-ledger-transactions", Sort: []string{"time"}, Order: "-time", Tag: tag, Summary: "List the transactions of a book",
	}, func(ctx context.Context, c access.Caller, in *listTransactions) (*api.ListOut[LedgerTransaction], error) {
		p, err := svc.Books.ListTransactions(ctx, c, ledger.TransactionsQuery{
			Book: in.Book, Span: ledger.Span{Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down()},
			TransactionsChoice: ledger.TransactionsChoice{From: in.From, To: in.To, Kind: in.Kind, Ref: in.Ref, Party: in.Other, Currency: money.Currency(in.Currency)},
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, transactionOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/ledger/transactions/{id}", ID: "get-ledger-transaction", Tag: tag, Summary: "Read a transaction, cut to your own book",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[LedgerTransaction], error) {
		t, err := svc.Books.GetTransaction(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[LedgerTransaction]{transactionOf(t)}, nil
	})
}

// orOwn returns org, or the caller's own when it is empty.
func orOwn(org string, c access.Caller) string {
	if org == "" {
		return c.OrgID
	}
	return org
}

func accountOf(a ledger.AccountBalance) LedgerAccount {
	return LedgerAccount{
		Book: a.Account.Book, Kind: string(a.Account.Kind), Party: a.Account.Party, Currency: string(a.Account.Currency),
		Balance: a.Balance.Format(a.Account.Currency),
	}
}

func transactionOf(t ledger.Transaction) LedgerTransaction {
	out := LedgerTransaction{ID: t.ID, Kind: t.Kind, Ref: t.Ref, Reverses: t.Reverses, Memo: t.Memo, Time: t.Time, Postings: make([]LedgerPosting, 0, len(t.Postings))}
	for _, p := range t.Postings {
		out.Postings = append(out.Postings, LedgerPosting{
			Kind: string(p.Account.Kind), Party: p.Account.Party, Currency: string(p.Account.Currency), Amount: p.Amount.Format(p.Account.Currency),
		})
	}
	return out
}
