package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/billing"
	"tradewind.example/core/money"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
)

// Bill is what one buyer owes one seller for one order.
type Bill struct {
	ID            string    `json:"id"`
	OrderID       string    `json:"order_id"`
	ProductID     string    `json:"product_id,omitempty"`
	ProductName   string    `json:"product_name,omitempty"`
	Seller        string    `json:"seller"`
	Buyer         string    `json:"buyer"`
	Operation     string    `json:"operation" enum:"BUY,RENEW,REFUND"`
	State         int       `json:"state" enum:"0,1,2" doc:"0 unpaid, 1 paid, 2 cancelled"`
	Currency      string    `json:"currency"`
	Amount        string    `json:"amount" doc:"What the buyer owes; negative for a refund"`
	Commission    string    `json:"commission" doc:"What the seller owes the buyer for it"`
	Settle        string    `json:"settle" enum:"realtime,period"`
	Quantity      int       `json:"quantity"`
	Periods       int       `json:"periods"`
	TransactionID string    `json:"transaction_id"`
	Reverses      string    `json:"reverses,omitempty" doc:"The ledger transaction that a refund gives back"`
	Time          time.Time `json:"time"`
}

// BillStatement is a bill with the statement that settles it.
type BillStatement struct {
	Bill
	StatementID    string `json:"statement_id,omitempty" doc:"The statement that the bill is in; absent while it is in none"`
	StatementState string `json:"statement_state,omitempty" enum:"collecting,open,agreed,settled" doc:"A bill of a period leg is payable once its statement is settled; its own state stays 0"`
}

type listBills struct {
	api.Paging
	OrgID     string    `query:"org_id" maxLength:"64" doc:"Whose bills; your own org when absent"`
	Side      string    `query:"side" enum:"seller,buyer" default:"buyer" doc:"The part that org has in them"`
	Other     string    `query:"other" maxLength:"64" doc:"The org on the other side"`
	OrderID   string    `query:"order_id" maxLength:"64"`
	ProductID string    `query:"product_id" maxLength:"64"`
	Currency  string    `query:"currency" maxLength:"3"`
	Operation string    `query:"operation" enum:"BUY,RENEW,REFUND"`
	From      time.Time `query:"from" doc:"At or after"`
	To        time.Time `query:"to" doc:"Before"`
}

func bindBills(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/bills", ID: "list-bills", Sort: []string{"time"}, Order: "-time", Tag: "Bills", Summary: "List bills",
	}, func(ctx context.Context, c access.Caller, in *listBills) (*api.ListOut[Bill], error) {
		p, err := svc.Bills.List(ctx, c, billing.Query{
			OrgID: in.OrgID, Side: billing.Side(in.Side), Other: in.Other, OrderID: in.OrderID,
			ProductID: in.ProductID, Currency: money.Currency(in.Currency), Operation: billing.Operation(in.Operation),
			From: in.From, To: in.To, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit,
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, billOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/bills/{id}", ID: "get-bill", Tag: "Bills", Summary: "Read a bill",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[BillStatement], error) {
		b, err := svc.Bills.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		out := &One[BillStatement]{BillStatement{Bill: billOf(b)}}
		st, err := view(ctx, svc.Store, func(r store.Reader) (settlement.Statement, error) {
			st, _, err := svc.Statements.StatementOfTx(r, b)
			return st, err
		})
		out.Body.StatementID, out.Body.StatementState = st.ID, string(st.State)
		return out, err
	})
}

func billOf(b billing.Bill) Bill {
	return Bill{
		ID: b.ID, OrderID: b.OrderID, ProductID: b.ProductID, ProductName: b.ProductName, Seller: b.Seller, Buyer: b.Buyer,
		Operation: string(b.Operation), State: int(b.State), Currency: string(b.Currency), Amount: b.Amount.Format(b.Currency),
		Commission: b.Commission.Format(b.Currency), Settle: string(b.Settle), Quantity: b.Quantity, Periods: b.Periods,
		TransactionID: b.TransactionID, Reverses: b.Reverses, Time: b.Time,
	}
}
