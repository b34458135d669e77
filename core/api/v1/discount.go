package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Discount is a seller's unified discount on a product, for every buyer
// without a line of its own.
type Discount struct {
	ID        string     `json:"id"`
	Seller    string     `json:"seller"`
	ProductID string     `json:"product_id"`
	Rate      string     `json:"rate"`
	From      time.Time  `json:"from"`
	To        *time.Time `json:"to,omitempty"`
	Actor     string     `json:"actor,omitempty"`
	Created   time.Time  `json:"created"`
}

type createDiscount struct {
	Body struct {
		Seller    string     `json:"seller,omitempty" maxLength:"64" doc:"Your own org when absent"`
		ProductID string     `json:"product_id" minLength:"1" maxLength:"64"`
		Rate      string     `json:"rate" minLength:"1" maxLength:"32" example:"0.95"`
		From      *time.Time `json:"from,omitempty" doc:"Now when absent"`
		To        *time.Time `json:"to,omitempty"`
	}
}

type closeDiscount struct {
	ByID
	api.IfMatch
	Body struct {
		At *time.Time `json:"at,omitempty" doc:"Now when absent"`
	}
}

type listDiscounts struct {
	api.Paging
	Seller    string `query:"seller" maxLength:"64" doc:"Your own org when absent"`
	ProductID string `query:"product_id" maxLength:"64"`
}

func bindDiscounts(s *api.Server, svc Services) {
	const tag = "Discounts"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/discounts", ID: "create-discount", Tag: tag, Status: http.StatusCreated,
		Summary: "Set a unified discount", Detail: "Applies to every buyer of yours that has no line or default for the product.",
	}, func(ctx context.Context, c access.Caller, in *createDiscount) (*Versioned[Discount], error) {
		rate, err := decimal("rate", &in.Body.Rate)
		if err != nil {
			return nil, err
		}
		return discountAnswer(svc.Protocols.SetDiscount(ctx, c, protocol.DiscountInput{
			Seller: orOwn(in.Body.Seller, c), ProductID: in.Body.ProductID, Rate: *rate, From: moment(in.Body.From), To: moment(in.Body.To),
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/discounts", ID: "list-discounts", Sort: []string{"product_id"}, Order: "product_id", Tag: tag, Summary: "List unified discounts",
	}, func(ctx context.Context, c access.Caller, in *listDiscounts) (*api.ListOut[Discount], error) {
		p, err := svc.Protocols.ListDiscounts(ctx, c, protocol.DiscountsQuery{Seller: in.Seller, ProductID: in.ProductID, Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return listDocs(p, discountOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/discounts/{id}", ID: "get-discount", Tag: tag, Summary: "Read a unified discount",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Discount], error) {
		return discountAnswer(svc.Protocols.GetDiscount(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/discounts/{id}/close", ID: "close-discount", Tag: tag, Summary: "End a unified discount",
	}, func(ctx context.Context, c access.Caller, in *closeDiscount) (*Versioned[Discount], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return discountAnswer(svc.Protocols.CloseDiscount(ctx, c, protocol.CloseDiscountInput{ID: in.ID, Rev: rev, At: moment(in.Body.At)}))
	})
}

func discountAnswer(d store.Doc[protocol.Discount], err error) (*Versioned[Discount], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Discount]{ETag: api.ETag(d.Rev), Body: discountOf(d.Value)}, nil
}

func discountOf(d protocol.Discount) Discount {
	return Discount{
		ID: d.ID, Seller: d.Seller, ProductID: d.ProductID, Rate: d.Rate.String(), From: d.From, To: when(d.To), Actor: d.Actor, Created: d.Created,
	}
}

// wrongField makes a parse error a fault of one field of the request.
func wrongField(path string, err error) error {
	return fault.Invalid(path, "%s", fault.As(err).Message).With(err)
}
