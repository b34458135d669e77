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

// Wallet is prepaid money that a buyer holds with its seller.
type Wallet struct {
	Buyer     string `json:"buyer"`
	Seller    string `json:"seller"`
	Currency  string `json:"currency"`
	Posted    string `json:"posted" doc:"Paid in less spent"`
	Held      string `json:"held" doc:"Set aside for open orders"`
	Credit    string `json:"credit" doc:"The seller's credit line"`
	Available string `json:"available" doc:"posted − held + credit"`
}

// Recharge is money that a buyer paid to its seller outside the system.
type Recharge struct {
	ID            string    `json:"id"`
	Buyer         string    `json:"buyer"`
	Seller        string    `json:"seller"`
	Currency      string    `json:"currency"`
	Amount        string    `json:"amount"`
	Reference     string    `json:"reference" doc:"Of the payment: the bank's number"`
	Note          string    `json:"note,omitempty"`
	State         string    `json:"state"`
	Actor         string    `json:"actor"`
	TransactionID string    `json:"transaction_id"`
	Created       time.Time `json:"created"`
}

// WalletName is the path of a wallet.
type WalletName struct {
	Buyer    string `path:"buyer" minLength:"1" maxLength:"64"`
	Seller   string `path:"seller" minLength:"1" maxLength:"64"`
	Currency string `path:"currency" minLength:"3" maxLength:"3"`
}

func (w WalletName) key() ledger.WalletKey {
	return ledger.WalletKey{Buyer: w.Buyer, Seller: w.Seller, Currency: money.Currency(w.Currency)}
}

type setCredit struct {
	WalletName
	api.Key
	api.IfMatch
	Body struct {
		Credit string `json:"credit" minLength:"1" maxLength:"32" doc:"0 takes the line away"`
	}
}

type listWallets struct {
	api.Paging
	OrgID string `query:"org_id" maxLength:"64" doc:"Your own org when absent"`
	Side  string `query:"side" enum:"buyer,seller" default:"buyer" doc:"buyer: what the org pays from; seller: what its buyers hold with it"`

	Other    string `query:"other" maxLength:"64" doc:"The org on the other side"`
	Currency string `query:"currency" maxLength:"3"`
}

type createRecharge struct {
	api.Key
	Body struct {
		Buyer     string `json:"buyer" minLength:"1" maxLength:"64"`
		Seller    string `json:"seller,omitempty" maxLength:"64" doc:"Your own org when absent"`
		Currency  string `json:"currency" minLength:"3" maxLength:"3"`
		Amount    string `json:"amount" minLength:"1" maxLength:"32"`
		Reference string `json:"reference" minLength:"1" maxLength:"200" doc:"Of the payment: the bank's number"`
		Note      string `json:"note,omitempty" maxLength:"2000"`
	}
}

type listRecharges struct {
	api.Paging
	OrgID    string    `query:"org_id" maxLength:"64" doc:"As buyer or seller; your own org when absent"`
	Other    string    `query:"other" maxLength:"64" doc:"The org on the other side"`
	State    string    `query:"state" enum:"posted"`
	Currency string    `query:"currency" minLength:"3" maxLength:"3"`
	From     time.Time `query:"from" doc:"Booked at or after"`
	To       time.Time `query:"to" doc:"Booked before"`
}

func bindWallets(s *api.Server, svc Services) {
	const tag = "Wallets"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/wallets", ID: "list-wallets", Sort: []string{"buyer", "seller", "currency"}, Order: "buyer", Tag: tag, Summary: "List wallets",
	}, func(ctx context.Context, c access.Caller, in *listWallets) (*api.ListOut[Wallet], error) {
		p, err := svc.Books.ListWallets(ctx, c, ledger.WalletsQuery{
			Org: in.OrgID, Side: ledger.Side(in.Side), Other: in.Other, Currency: money.Currency(in.Currency), Sort: in.By(), Span: in.span(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, walletOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/wallets/{buyer}/{seller}/{currency}", ID: "get-wallet", Tag: tag,
		Summary: "Read a wallet", Detail: "The ETag is the version of the credit line; it does not change with the balance.",
	}, func(ctx context.Context, c access.Caller, in *WalletName) (*Versioned[Wallet], error) {
		return walletAnswer(svc.Books.GetWallet(ctx, c, in.key()))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/wallets/{buyer}/{seller}/{currency}/credit", ID: "set-credit", Tag: tag, Summary: "Set the credit line of a buyer",
	}, func(ctx context.Context, c access.Caller, in *setCredit) (*Versioned[Wallet], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		amount, err := money.Parse(money.Currency(in.Currency), in.Body.Credit)
		if err != nil {
			return nil, wrongField("body.credit", err)
		}
		return walletAnswer(svc.Books.SetCredit(ctx, c, ledger.CreditInput{WalletKey: in.key(), Credit: amount, Rev: rev, IdempotencyKey: in.IdempotencyKey}))
	})
}

func bindRecharges(s *api.Server, svc Services) {
	const tag = "Recharges"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/recharges", ID: "create-recharge", Tag: tag, Status: http.StatusCreated,
		Summary: "Book money that a buyer paid", Detail: "For the seller's finance: the payment came outside the system.",
	}, func(ctx context.Context, c access.Caller, in *createRecharge) (*One[Recharge], error) {
		amount, err := money.Parse(money.Currency(in.Body.Currency), in.Body.Amount)
		if err != nil {
			return nil, wrongField("body.amount", err)
		}
		return rechargeAnswer(svc.Books.Recharge(ctx, c, ledger.RechargeInput{
			IdempotencyKey: in.IdempotencyKey, Buyer: in.Body.Buyer, Seller: orOwn(in.Body.Seller, c), Currency: money.Currency(in.Body.Currency),
			Amount: amount, Reference: in.Body.Reference, Note: in.Body.Note,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/recharges", ID: "list-recharges", Sort: []string{"created"}, Order: "-created", Tag: tag, Summary: "List recharges",
	}, func(ctx context.Context, c access.Caller, in *listRecharges) (*api.ListOut[Recharge], error) {
		p, err := svc.Books.ListRecharges(ctx, c, ledger.RechargesQuery{
			Org: in.OrgID, Other: in.Other, State: ledger.RechargeState(in.State), Currency: money.Currency(in.Currency),
			From: in.From, To: in.To, Span: in.span(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, rechargeOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/recharges/{id}", ID: "get-recharge", Tag: tag, Summary: "Read a recharge",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Recharge], error) {
		return rechargeAnswer(svc.Books.GetRecharge(ctx, c, in.ID))
	})
}

func (l listWallets) span() ledger.Span {
	return ledger.Span{Cursor: l.Cursor, Limit: l.Limit, OldestFirst: !l.Down()}
}
func (l listRecharges) span() ledger.Span {
	return ledger.Span{Cursor: l.Cursor, Limit: l.Limit, OldestFirst: !l.Down()}
}

// walletAnswer is a wallet with the version of its credit line, which is all that
// can be changed of it.
func walletAnswer(w ledger.WalletRow, err error) (*Versioned[Wallet], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Wallet]{ETag: api.ETag(w.CreditRev()), Body: walletOf(w)}, nil
}

func walletOf(w ledger.WalletRow) Wallet {
	return Wallet{
		Buyer: w.Buyer, Seller: w.Seller, Currency: string(w.Currency), Posted: w.Posted.Format(w.Currency), Held: w.Held.Format(w.Currency),
		Credit: w.Credit.Format(w.Currency), Available: w.Available.Format(w.Currency),
	}
}

func rechargeAnswer(r ledger.Recharge, err error) (*One[Recharge], error) {
	if err != nil {
		return nil, err
	}
	return &One[Recharge]{rechargeOf(r)}, nil
}

func rechargeOf(r ledger.Recharge) Recharge {
	return Recharge{
		ID: r.ID, Buyer: r.Buyer, Seller: r.Seller, Currency: string(r.Currency), Amount: r.Amount.Format(r.Currency), Reference: r.Reference,
		Note: r.Note, State: string(r.State), Actor: r.Actor, TransactionID: r.TransactionID, Created: r.Created,
	}
}
