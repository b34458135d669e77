// Package floor rehearses price changes: whose margin would turn negative if a
// price line were saved or a list price rose.
//
// It decides nothing: it prices the chains concerned with the price engine and
// returns the breaches. A line for a class, or for a whole protocol, is
// rehearsed over the products whose price it would decide, up to a bound; what
// lies beyond, and what is sold on for a commission, is guarded where a price
// is made, at quote and order.
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

// Lines finds lines, and which of them decides a leg.
type Lines interface {
	// LinesOfProductTx streams the lines that name a product.
	LinesOfProductTx(r store.Reader, product string, fn func(protocol.Line) error) error
	// WideFloorsTx streams floors for a class; "" is for whole protocols.
	WideFloorsTx(r store.Reader, class string, most int, fn func(protocol.Line) error) error
	TermsTx(r store.Reader, q protocol.TermsQuery) (pricing.Terms, error)
}

// Products reads the catalogue.
type Products interface {
	ProductTx(r store.Reader, productID string) (catalog.Product, error)
	EachPricedTx(r store.Reader, root string, most int, fn func(catalog.Product) error) error
}

// Buyers knows who buys from whom.
type Buyers interface {
	EachBuyerTx(r store.Reader, seller string, most int, fn func(org string) error) error
}

// The bounds of one rehearsal, which runs inside the save's transaction.
const (
	maxLooked    = 5000 // products that are looked at for one wide line
	maxRehearsed = 500  // products that are priced for it
	maxWide      = 200  // wide floors that are priced for one rise
	maxBuyers    = 200  // buyers that are looked at for one unified discount
)

// Config is what a Guard needs; everything is required.
type Config struct {
	Clock    clock.Clock
	Pricer   Pricer
	Lines    Lines
	Products Products
	Buyers   Buyers
}

// Guard rehearses price changes. It is safe for concurrent use.
type Guard struct{ cfg Config }

// New returns a Guard.
func New(cfg Config) (*Guard, error) {
	if cfg.Clock == nil || cfg.Pricer == nil || cfg.Lines == nil || cfg.Products == nil || cfg.Buyers == nil {
		return nil, errors.New("floor: clock, pricer, lines, products and buyers are required")
	}
	return &Guard{cfg: cfg}, nil
}

// Line returns the margins that a saved line makes negative, for one unit and
// period at the list price. Of a line that names no product these are the
// seller's own, on the product where it loses most.
func (g *Guard) Line(_ context.Context, r store.Reader, p protocol.Protocol, l protocol.Line) ([]pricing.Breach, error) {
	if l.Mode == pricing.ModeRebate {
		return nil, nil
	}
	if l.ProductID == "" {
		return g.wide(r, p.RootID, l)
	}
	product, err := g.cfg.Products.ProductTx(r, l.ProductID)
	if err != nil {
		return nil, err
	}
	if product.ListPrice == nil {
		return nil, nil
	}
	return g.breaches(r, l.Buyer, product.ID, *product.ListPrice, l.From)
}

// Discount returns the margins that a saved unified discount makes negative,
// rehearsed with the first buyer whom it prices: the seller's margin is the
// same with all of them.
func (g *Guard) Discount(_ context.Context, r store.Reader, d protocol.Discount) ([]pricing.Breach, error) {
	p, err := g.cfg.Products.ProductTx(r, d.ProductID)
	if err != nil || p.ListPrice == nil {
		return nil, err
	}
	var out []pricing.Breach
	err = g.cfg.Buyers.EachBuyerTx(r, d.Seller, maxBuyers, func(buyer string) error {
		decides, err := g.decides(r, protocol.Line{ID: d.ID, Seller: d.Seller, Buyer: buyer, From: d.From}, p)
		if err != nil || !decides {
			return err
		}
		if out, err = g.breaches(r, buyer, p.ID, *p.ListPrice, d.From); err != nil {
			return err
		}
		return store.Stop
	})
	return out, err
}

// wide rehearses a line for a class or a whole protocol.
func (g *Guard) wide(r store.Reader, root string, l protocol.Line) ([]pricing.Breach, error) {
	var worst []pricing.Breach
	priced := 0
	err := g.cfg.Products.EachPricedTx(r, root, maxLooked, func(p catalog.Product) error {
		decides, err := g.decides(r, l, p)
		if err != nil || !decides {
			return err
		}
		if priced++; priced > maxRehearsed {
			return store.Stop
		}
		breaches, err := g.breaches(r, l.Buyer, p.ID, *p.ListPrice, l.From)
		for _, b := range breaches {
			if b.Org == l.Seller && (worst == nil || b.Margin < worst[0].Margin) {
				worst = []pricing.Breach{b}
			}
		}
		return err
	})
	return worst, err
}

// decides reports whether the line is the one that prices the product.
func (g *Guard) decides(r store.Reader, l protocol.Line, p catalog.Product) (bool, error) {
	if l.Class != "" && l.Class != p.Class {
		return false, nil
	}
	t, err := g.cfg.Lines.TermsTx(r, protocol.TermsQuery{
		Seller: l.Seller, Buyer: l.Buyer, ProductID: p.ID, Class: p.Class, At: g.begin(l.From),
	})
	return t.LineID == l.ID, err
}

// Rise returns the orgs whose margin would turn negative on a floor line if
// the product's list price became price.
func (g *Guard) Rise(_ context.Context, r store.Reader, p catalog.Product, price money.Decimal) ([]string, error) {
	var orgs []string
	rehearse := func(l protocol.Line) error {
		over := !l.To.IsZero() && !g.cfg.Clock.Now().Before(l.To)
		if l.Mode != pricing.ModeFloor || over {
			return nil
		}
		decides, err := g.decides(r, l, p)
		if err != nil || !decides {
			return err
		}
		breaches, err := g.breaches(r, l.Buyer, p.ID, price, l.From)
		for _, b := range breaches {
			if !slices.Contains(orgs, b.Org) {
				orgs = append(orgs, b.Org)
			}
		}
		return err
	}
	if err := g.cfg.Lines.LinesOfProductTx(r, p.ID, rehearse); err != nil {
		return nil, err
	}
	if p.Class != "" {
		if err := g.cfg.Lines.WideFloorsTx(r, p.Class, maxWide, rehearse); err != nil {
			return nil, err
		}
	}
	return orgs, g.cfg.Lines.WideFloorsTx(r, "", maxWide, rehearse)
}

// begin is the first instant from now on at which a line applies.
func (g *Guard) begin(from time.Time) time.Time {
	if now := g.cfg.Clock.Now(); now.After(from) {
		return now
	}
	return from
}

// breaches prices the chain that ends at buyer. A chain that cannot be priced
// there, for example because its last leg is a rebate, has nothing to guard.
func (g *Guard) breaches(r store.Reader, buyer, product string, list money.Decimal, from time.Time) ([]pricing.Breach, error) {
	result, _, err := g.cfg.Pricer.PriceTx(r, quote.PriceInput{
		BuyerOrg: buyer, ProductID: product, Quantity: 1, Periods: 1, List: list, At: g.begin(from),
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
