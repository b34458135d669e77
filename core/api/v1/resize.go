package v1

import (
	"context"
	"net/http"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/order"
	"tradewind.example/sdk/fault"
)

// ResizePrice is what another size would cost now.
type ResizePrice struct {
	Price    *Price  `json:"price,omitempty" doc:"What it costs more for the rest of the paid term"`
	Refunded []Price `json:"refunded" nullable:"false" doc:"What goes back when it costs less, one for each paid term, in positive amounts"`
}

type sizeOfResource struct {
	Size map[string]any `json:"size" doc:"What the resource shall be, by the input schema of its kind's action resize"`
}

type quoteResize struct {
	ByID
	Body sizeOfResource
}

type resizeResource struct {
	ByID
	api.Key
	Body sizeOfResource
}

func bindResize(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/resources/{id}/resize", ID: "resize-resource", Tag: "Resources", Status: http.StatusCreated,
		Summary: "Order another size", Detail: "What it costs more for the rest of the paid term is priced at each hop, held and charged when it has happened; what it costs less goes back down the chain. Answers the order; the change at the cloud follows. The action `resize` of the kind is refused: nobody would be billed for it.",
		Faults: []fault.Class{fault.ClassInsufficientBalance, fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *resizeResource) (*One[Order], error) {
		size, err := raw(in.Body.Size)
		if err != nil {
			return nil, err
		}
		return orderAnswer(svc.Orders.Resize(ctx, c, order.ResizeInput{ResourceID: in.ID, Size: size, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/resources/{id}/resize-price", ID: "price-resize", Tag: "Resources",
		Summary: "Ask what another size would cost now", Detail: "It binds nobody: the rest of the term gets shorter.", Faults: []fault.Class{fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *quoteResize) (*One[ResizePrice], error) {
		size, err := raw(in.Body.Size)
		if err != nil {
			return nil, err
		}
		v, err := svc.Orders.QuoteResize(ctx, c, in.ID, size)
		if err != nil {
			return nil, err
		}
		out := ResizePrice{Refunded: make([]Price, 0, len(v.Refunded))}
		if v.Price != nil {
			p := priceOf(*v.Price)
			out.Price = &p
		}
		for _, back := range v.Refunded {
			out.Refunded = append(out.Refunded, priceOf(back))
		}
		return &One[ResizePrice]{out}, nil
	})
}
