package main

import (
	"context"
	"encoding/json"
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// article is one thing on sale. Its price is in fen, an exact integer.
type article struct {
	id, title string
	price     int64
}

func articles() []article {
	return []article{{"lamp", "Lamp", 99_00}, {"vase", "Vase", 45_50}, {"clock", "Clock", 120_05}}
}

func priceOf(id string) (int64, error) {
	for _, a := range articles() {
		if a.id == id {
			return a.price, nil
		}
	}
	return 0, fault.Invalid("spec.article", "%q is not on sale: take lamp, vase or clock", id)
}

// yuan writes fen as a decimal of yuan.
func yuan(fen int64) provider.Decimal {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	digits := strconv.FormatInt(100+fen%100, 10)
	return provider.Decimal(sign + strconv.FormatInt(fen/100, 10) + "." + digits[1:])
}

// Offerings streams the articles; whether one is left shows when it is bought.
func (s *shelf) Offerings(_ context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	if _, _, err := s.open(req.Call); err != nil {
		return err
	}
	for _, a := range articles() {
		spec, err := encode(Spec{Article: a.id})
		if err != nil {
			return err
		}
		err = yield(provider.Offering{
			ID: a.id, Kind: "box", Type: "article", Name: a.title, Sellable: true, Currency: "CNY", ListPrice: yuan(a.price), Spec: spec,
			Billing: []provider.BillingMethod{provider.BillingOnce}, Periods: []provider.Period{provider.PeriodNone},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Quote prices a purchase, and a return at what is in the box now.
func (s *shelf) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	switch req.Change {
	case provider.ChangeCreate:
		var spec Spec
		if err := json.Unmarshal(req.Spec, &spec); err != nil {
			return provider.Quote{}, fault.Invalid("spec", "is not the spec of a box")
		}
		price, err := priceOf(spec.Article)
		return provider.Quote{Currency: "CNY", List: yuan(price * int64(max(1, req.Term.Quantity)))}, err
	case provider.ChangeRelease:
		a, _, err := s.open(req.Call)
		if err != nil {
			return provider.Quote{}, err
		}
		b, err := a.box(ctx, req.ResourceID)
		if err != nil {
			return provider.Quote{}, err
		}
		price, err := priceOf(b.Article)
		return provider.Quote{Currency: "CNY", List: yuan(-price)}, err
	}
	return provider.Quote{}, fault.Unsupported("a shelf prices purchases and returns only")
}
