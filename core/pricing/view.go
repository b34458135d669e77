package pricing

import "tradewind.example/core/money"

// View is what one organisation may know of a priced sale: the legs in which it
// sells or buys, and its own margin. The list amount is left out, because it is
// somebody's cost when a leg above is priced at list.
type View struct {
	Org               string
	Currency          money.Currency
	Quantity, Periods int
	Legs              []Leg         // none, one or two: as buyer, then as seller
	Margin            *money.Amount // nil unless the organisation both buys and sells
}

// View returns what org may know; a view without legs when it has no part in
// the sale.
func (r Result) View(org string) View {
	v := View{Org: org, Currency: r.Currency, Quantity: r.Quantity, Periods: r.Periods}
	for _, leg := range r.Legs {
		if leg.Seller == org || leg.Buyer == org {
			v.Legs = append(v.Legs, leg)
		}
	}
	for _, m := range r.Margins {
		if m.Org == org {
			amount := m.Amount
			v.Margin = &amount
		}
	}
	return v
}
