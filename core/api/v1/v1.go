// Package v1 binds the routes of version 1 of the REST API to the use-cases:
// one file per resource, with its routes, shapes and conversion.
//
// It holds no rule: rights, bounds of the business and money are the domain's.
// Shapes are snake_case; amounts are decimal strings of the currency beside
// them; ids are UUIDs; secrets go in and never come out.
package v1

import (
	"context"
	"encoding/json"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/billing"
	"tradewind.example/core/catalog"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/inventory"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/order"
	"tradewind.example/core/plugin"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// Services are the use-cases that routes are bound to.
type Services struct {
	Store      store.Store
	Tenants    *tenant.Service
	Access     *access.Authority
	Plugins    *plugin.Service
	Providers  *provider.Service
	Catalog    *catalog.Service
	Protocols  *protocol.Service
	Quotes     *quote.Service
	Orders     *order.Service
	Resources  *resource.Service
	Inventory  *inventory.Service
	Accounts   *cloudaccount.Service
	Bills      *billing.Service
	Books      *ledger.Service
	Statements *settlement.Service
	Jobs       *job.Queue
}

// Bind registers every route on s.
func Bind(s *api.Server, svc Services) {
	for _, bind := range []func(*api.Server, Services){
		bindSessions, bindTokens, bindUsers, bindOrgs, bindPlugins, bindProviders, bindGrants, bindEnablements, bindInventory, bindAccounts,
		bindProducts, bindProtocols, bindDiscounts, bindQuotes, bindOrders, bindResources, bindResize, bindWallets,
		bindRecharges, bindBills, bindLedger, bindStatements, bindJobs, bindAudit, bindBackup,
	} {
		bind(s, svc)
	}
}

// ByID is the path of one thing.
type ByID struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"The id"`
}

// Empty is an answer without a body.
type Empty struct{}

// Versioned is one thing with its entity tag.
type Versioned[T any] struct {
	ETag string `header:"ETag" doc:"The version; send it as If-Match when you change the thing"`
	Body T
}

// One is one thing without a version.
type One[T any] struct{ Body T }

// when renders an optional time: absent when zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := t.UTC()
	return &u
}

// moment reads an optional time: zero when absent.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// object passes JSON through as it is stored; absent when empty.
func object(raw json.RawMessage) any {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// raw takes a free-form JSON object of a request.
func raw(m map[string]any) (json.RawMessage, error) {
	if m == nil {
		return nil, nil
	}
	return json.Marshal(m)
}

// decimalText renders an optional exact decimal.
func decimalText(d *money.Decimal) *string {
	if d == nil {
		return nil
	}
	s := d.String()
	return &s
}

// Leg is one hop of a sale chain as one of its two orgs sees it.
type Leg struct {
	Seller     string `json:"seller" doc:"Org that sells"`
	Buyer      string `json:"buyer" doc:"Org that buys"`
	Mode       string `json:"mode" enum:"discount,rebate,floor,list" doc:"Sale mode"`
	Rate       string `json:"rate,omitempty" doc:"Of discount and rebate"`
	Price      string `json:"price,omitempty" doc:"Of floor: per unit and period"`
	Found      string `json:"found" enum:"product,class,default,unified,list" doc:"Which terms applied"`
	ProtocolID string `json:"protocol_id,omitempty"`
	LineID     string `json:"line_id,omitempty"`
	Settle     string `json:"settle" enum:"realtime,period" doc:"When it is paid"`
	Amount     string `json:"amount" doc:"What the buyer owes the seller"`
	Commission string `json:"commission" doc:"What the seller owes the buyer for it"`
}

// Price is a priced sale as one org sees it: its own legs and margin.
type Price struct {
	Currency string  `json:"currency"`
	Quantity int     `json:"quantity"`
	Periods  int     `json:"periods"`
	Legs     []Leg   `json:"legs" nullable:"false" doc:"The legs in which you buy or sell"`
	Margin   *string `json:"margin,omitempty" doc:"What you keep, when you both buy and sell"`
}

func priceOf(v pricing.View) Price {
	p := Price{Currency: string(v.Currency), Quantity: v.Quantity, Periods: v.Periods, Legs: make([]Leg, 0, len(v.Legs))}
	for _, l := range v.Legs {
		p.Legs = append(p.Legs, legOf(l, v.Currency))
	}
	if v.Margin != nil {
		s := v.Margin.Format(v.Currency)
		p.Margin = &s
	}
	return p
}

func legOf(l pricing.Leg, c money.Currency) Leg {
	out := Leg{
		Seller: l.Seller, Buyer: l.Buyer, Mode: string(l.Mode), Found: string(l.Found), ProtocolID: l.ProtocolID,
		LineID: l.LineID, Settle: string(l.Settle), Amount: l.Amount.Format(c), Commission: l.Commission.Format(c),
	}
	switch l.Mode {
	case pricing.ModeDiscount, pricing.ModeRebate:
		out.Rate = l.Rate.String()
	case pricing.ModeFloor:
		out.Price = l.Price.String()
	}
	return out
}

// view runs fn on one state of the store and returns what it returned.
func view[T any](ctx context.Context, st store.Store, fn func(store.Reader) (T, error)) (T, error) {
	var out T
	err := st.View(ctx, func(r store.Reader) (err error) {
		out, err = fn(r)
		return err
	})
	return out, err
}
