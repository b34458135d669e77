// Package floor rehearses price changes: whose margin would turn negative if a
// price line were saved or a list price rose.
//
// It decides nothing: it prices the chains concerned with the price engine and
// returns the breaches. Lines for a class and protocol defaults are not tied to
// a product and are guarded where a price is made, at quote and order.
package floor

import (
	"context"
	"errors"
	"slices"
	"time"

	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Pricer prices a chain.
type Pricer interface {
	PriceTx(r store.Reader, in quote.PriceInput) (pricing.Result, []quote.Warning, error)
}

// Lines finds the lines that name a product.
type Lines interface {
	LinesOfProductTx(r store.Reader, product string, fn func(protocol.Line) error) error
}

// Products reads the catalogue.
type Products interface {
	ProductTx(r store.Reader, productID string) (catalog.Product, error)
}

// Config is what a Guard needs; everything is required.
type Config struct {
	Clock    clock.Clock
	Pricer   Pricer
	Lines    Lines
	Products Products
}

// Guard rehearses price changes. It is safe for concurrent use.
type Guard struct{ cfg Config }

// New returns a Guard.
func New(cfg Config) (*Guard, error) {
	if cfg.Clock == nil || cfg.Pricer == nil || cfg.Lines == nil || cfg.Products == nil {
		return nil, errors.New("floor: clock, pricer, lines and products are required")
	}
	return &Guard{cfg: cfg}, nil
}

// Line returns the margins that a saved product line makes negative, for one
// unit and period at the product's list price.
func (g *Guard) Line(_ context.Context, r store.Reader, _ protocol.Protocol, l protocol.Line) ([]pricing.Breach, error) {
	if l.ProductID == "" || l.Mode == pricing.ModeRebate {
		return nil, nil
	}
	p, err := g.cfg.Products.ProductTx(r, l.ProductID)
	if err != nil {
		return nil, err
	}
	if p.ListPrice == nil {
		return nil, nil
	}
	return g.breaches(r, l.Buyer, p.ID, *p.ListPrice, l.From)
}

// Rise returns the orgs whose margin would turn negative on a floor line if
// the product's list price became price.
func (g *Guard) Rise(_ context.Context, r store.Reader, p catalog.Product, price money.Decimal) ([]string, error) {
	var orgs []string
	now := g.cfg.Clock.Now()
	err := g.cfg.Lines.LinesOfProductTx(r, p.ID, func(l protocol.Line) error {
		over := !l.To.IsZero() && !now.Before(l.To)
		if l.Mode != pricing.ModeFloor || over {
			return nil
		}
		breaches, err := g.breaches(r, l.Buyer, p.ID, price, l.From)
		for _, b := range breaches {
			if !slices.Contains(orgs, b.Org) {
				orgs = append(orgs, b.Org)
			}
		}
		return err
	})
	return orgs, err
}

// breaches prices the chain that ends at buyer. A chain that cannot be priced
// there, for example because its last leg is a rebate, has nothing to guard.
func (g *Guard) breaches(r store.Reader, buyer, product string, list money.Decimal, from time.Time) ([]pricing.Breach, error) {
	at := g.cfg.Clock.Now()
	if from.After(at) {
		at = from
	}
	result, _, err := g.cfg.Pricer.PriceTx(r, quote.PriceInput{
		BuyerOrg: buyer, ProductID: product, Quantity: 1, Periods: 1, List: list, At: at,
	})
	var broken *quote.FloorError
	switch {
	case errors.As(err, &broken):
		return broken.Breaches, nil
	case fault.Is(err, fault.ClassInvalid) || fault.Is(err, fault.ClassPrecondition) || fault.Is(err, fault.ClassNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return pricing.Guard(result, func(string) pricing.Policy { return pricing.PolicyWarn }), nil
}
