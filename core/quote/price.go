package quote

import (
	"fmt"
	"slices"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// NegativeMargin is the code of the warning to an org that sells below its cost.
const NegativeMargin = "negative_margin"

// FloorError is the cause of the refusal of a sale that would break a floor. It
// holds other orgs' margins: it is for operators only.
type FloorError struct{ Breaches []pricing.Breach }

// Error names how many floors break.
func (e *FloorError) Error() string {
	return fmt.Sprintf("%d orgs would sell below their cost, the first is %q", len(e.Breaches), e.Breaches[0].Org)
}

// PriceTx prices a sale down the whole chain of the buyer, by the terms in
// effect at in.At, and guards the floors: an org whose policy is to block
// refuses the sale, one whose policy is to warn gets a warning. The refusal
// does not say who blocks or what anything costs.
func (s *Service) PriceTx(r store.Reader, in PriceInput) (pricing.Result, []Warning, error) {
	p, err := s.Catalog.SharedTx(r, in.ProductID)
	if err != nil {
		return pricing.Result{}, nil, err
	}
	chain, err := s.Orgs.ChainTx(r, in.BuyerOrg)
	if err != nil {
		return pricing.Result{}, nil, fmt.Errorf("reading the sale chain: %w", err)
	}
	return s.price(r, in, p, chain)
}

func (s *Service) price(r store.Reader, in PriceInput, p *catalog.Product, chain []*tenant.Org) (pricing.Result, []Warning, error) {
	legs, err := s.legs(r, in, p, chain)
	if err != nil {
		return pricing.Result{}, nil, err
	}
	if last := legs[len(legs)-1]; last.Mode == pricing.ModeRebate {
		return pricing.Result{}, nil, fault.Precondition("the buyer earns a commission on what it sells on and has no price of its own: ask the seller for one")
	}
	ask := pricing.Input{
		Currency: p.Currency, List: in.List, Quantity: in.Quantity, Periods: in.Periods, Difference: in.Difference, Legs: legs,
	}
	if slices.ContainsFunc(legs, func(t pricing.Terms) bool { return t.Mode == pricing.ModeFloor }) && !in.Difference {
		if ask.FloorPeriods, err = floorPeriods(p, in); err != nil {
			return pricing.Result{}, nil, err
		}
	}
	result, err := pricing.Price(ask)
	if err != nil {
		return pricing.Result{}, nil, fmt.Errorf("pricing product %q: %w", p.ID, err)
	}
	warnings, err := guard(result, chain)
	if err != nil {
		return pricing.Result{}, nil, err
	}
	return result, warnings, nil
}

// legs looks up the terms of every hop, the provider's first.
func (s *Service) legs(r store.Reader, in PriceInput, p *catalog.Product, chain []*tenant.Org) ([]pricing.Terms, error) {
	own, err := s.Providers.ProviderTx(r, p.ProviderID)
	if err != nil {
		return nil, fmt.Errorf("reading the provider: %w", err)
	}
	if len(chain) == 0 || chain[0].ID != own.RootID {
		return nil, fault.NotFound("product", p.ID)
	}
	legs := make([]pricing.Terms, 0, len(chain))
	q := protocol.TermsQuery{Seller: own.OrgID, ProductID: p.ID, Class: p.Class, At: in.At, Settle: own.Settle}
	for i := range chain {
		q.Buyer = chain[i].ID
		t, err := s.Terms.TermsTx(r, q)
		if err != nil {
			return nil, fmt.Errorf("reading the terms of leg %d: %w", i+1, err)
		}
		legs = append(legs, t)
		q.Seller, q.Settle = chain[i].ID, "" // only the provider's leg has a settle mode of its own
	}
	return legs, nil
}

func guard(result pricing.Result, chain []*tenant.Org) ([]Warning, error) {
	breaches := pricing.Guard(result, func(org string) pricing.Policy {
		for i := range chain {
			if chain[i].ID == org {
				return chain[i].FloorPolicy
			}
		}
		return pricing.PolicyBlock
	})
	var warnings []Warning
	for _, b := range breaches {
		if b.Policy != pricing.PolicyWarn {
			return nil, fault.Precondition("not for sale at this price: ask your seller").With(&FloorError{Breaches: breaches})
		}
		warnings = append(warnings, Warning{
			Org: b.Org, Code: NegativeMargin, Margin: b.Margin,
			Text: "you sell this below what you pay for it: your margin is " + b.Margin.Format(result.Currency) + " " + string(result.Currency),
		})
	}
	return warnings, nil
}

// listOf is the product's own list amount for a term.
func listOf(p *catalog.Product, quantity, periods int) (money.Decimal, error) {
	total, err := p.ListPrice.MulInt(int64(quantity))
	if err == nil {
		total, err = total.MulInt(int64(periods))
	}
	if err != nil {
		return total, fmt.Errorf("multiplying the list price: %w", err)
	}
	return total, nil
}
