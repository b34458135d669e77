package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/quote"
	"tradewind.example/sdk/fault"
)

// Quote is a stored price.
type Quote struct {
	ID         string    `json:"id"`
	OrgID      string    `json:"org_id" doc:"The buyer"`
	ProviderID string    `json:"provider_id"`
	ProductID  string    `json:"product_id"`
	Kind       string    `json:"kind"`
	Spec       any       `json:"spec,omitempty"`
	Term       Term      `json:"term"`
	Price      Price     `json:"price"`
	Warnings   []Warning `json:"warnings" nullable:"false" doc:"Notes for your org alone"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires" doc:"From then on it binds nobody"`
}

// Warning is a note on a price.
type Warning struct {
	Code   string `json:"code" example:"negative_margin"`
	Margin string `json:"margin,omitempty"`
	Text   string `json:"text"`
}

type createQuote struct {
	Body struct {
		OrgID     string         `json:"org_id,omitempty" maxLength:"64" doc:"The buyer; your own org when absent"`
		ProductID string         `json:"product_id" minLength:"1" maxLength:"64"`
		Spec      map[string]any `json:"spec,omitempty" doc:"By the kind's spec schema; the product's own when absent"`
		Term      Term           `json:"term,omitempty"`
	}
}

type listQuotes struct {
	api.Paging
	OrgID      string    `query:"org_id" maxLength:"64" doc:"Only this buyer"`
	ProviderID string    `query:"provider_id" maxLength:"64"`
	ProductID  string    `query:"product_id" maxLength:"64"`
	From       time.Time `query:"from" doc:"Created at or after"`
	To         time.Time `query:"to" doc:"Created before"`
}

func bindQuotes(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/quotes", ID: "create-quote", Tag: "Quotes", Status: http.StatusCreated,
		Summary: "Price a purchase", Detail: "Prices the whole sale chain and keeps the result with its trace until it expires. You see the legs in which your org buys or sells.",
		Faults: []fault.Class{fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *createQuote) (*One[Quote], error) {
		spec, err := raw(in.Body.Spec)
		if err != nil {
			return nil, err
		}
		v, err := svc.Quotes.Create(ctx, c, quote.Input{OrgID: in.Body.OrgID, ProductID: in.Body.ProductID, Spec: spec, Term: in.Body.Term.contract()})
		if err != nil {
			return nil, err
		}
		return &One[Quote]{quoteOf(v)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/quotes/{id}", ID: "get-quote", Tag: "Quotes", Summary: "Read a quote",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Quote], error) {
		v, err := svc.Quotes.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[Quote]{quoteOf(v)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/quotes", ID: "list-quotes", Sort: []string{"created"}, Order: "-created", Tag: "Quotes", Summary: "List quotes",
	}, func(ctx context.Context, c access.Caller, in *listQuotes) (*api.ListOut[Quote], error) {
		p, err := svc.Quotes.List(ctx, c, quote.Query{
			OrgID: in.OrgID, ProviderID: in.ProviderID, ProductID: in.ProductID, From: in.From, To: in.To,
			Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, quoteOf), nil
	})
}

func quoteOf(v quote.View) Quote {
	q := Quote{
		ID: v.ID, OrgID: v.OrgID, ProviderID: v.ProviderID, ProductID: v.ProductID, Kind: v.Kind, Spec: object(v.Spec),
		Term: termOf(v.Term), Price: priceOf(v.Price), Warnings: make([]Warning, 0, len(v.Warnings)), Created: v.Created, Expires: v.Expires,
	}
	for _, w := range v.Warnings {
		q.Warnings = append(q.Warnings, Warning{Code: w.Code, Margin: w.Margin.Format(v.Price.Currency), Text: w.Text})
	}
	return q
}
