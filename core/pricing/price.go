package pricing

import (
	"fmt"
	"math"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

// Input is one sale to be priced.
type Input struct {
	Currency          money.Currency
	List              money.Decimal // the whole request: unit list price × quantity × periods
	Quantity, Periods int           // at least 1; multiplied with a floor's price
	// FloorPeriods is how many of the periods that floors are priced for the
	// Periods are, when they are not as many; 0: Periods.
	FloorPeriods int
	Legs         []Terms // provider→operator first, customer last
	// Difference says that List is what the same units and periods cost more in
	// another size: a floor's price, which knows no sizes, is the same for both.
	Difference bool
}

// Leg is one priced hop. Amount is what the buyer owes the seller; Commission
// is what the seller owes the buyer for it.
type Leg struct {
	Terms
	Amount, Commission money.Amount
}

// Net is what the seller keeps and the buyer spends: amount less commission.
func (l Leg) Net() (money.Amount, error) { return l.Amount.Sub(l.Commission) }

// Margin is what one organisation in the middle of the chain earns; negative
// when it sells below its cost.
type Margin struct {
	Org    string
	Amount money.Amount
}

// Result is the trace of a priced sale. It holds every organisation's cost:
// show only its View.
type Result struct {
	Currency          money.Currency
	List              money.Decimal
	Quantity, Periods int
	Legs              []Leg
	ProviderNet       money.Amount // A1 - C1
	Margins           []Margin     // o1 … o(n-1)
	CustomerPrice     money.Amount // An
}

// Price computes every leg from the customer upwards. It fails with a fault of
// class invalid when the input cannot be priced: unknown currency, broken
// chain, terms out of bounds, a rebate on the customer's leg, or an amount that
// does not fit.
func Price(in Input) (Result, error) {
	if err := in.check(); err != nil {
		return Result{}, err
	}
	legs := make([]Leg, len(in.Legs))
	var next money.Amount // amount of the leg below
	for i := len(in.Legs) - 1; i >= 0; i-- {
		leg, err := in.leg(i, next)
		if err != nil {
			return Result{}, fmt.Errorf("pricing leg %d: %w", i+1, err)
		}
		legs[i], next = leg, leg.Amount
	}
	return assemble(Result{
		Currency: in.Currency, List: in.List, Quantity: in.Quantity, Periods: in.Periods, Legs: legs,
	})
}

func (in Input) leg(i int, next money.Amount) (Leg, error) {
	leg := Leg{Terms: in.Legs[i]}
	var err error
	switch leg.Mode {
	case ModeDiscount:
		leg.Amount, err = money.RoundProduct(in.List, leg.Rate, in.Currency)
	case ModeFloor:
		leg.Amount, err = in.floor(leg.Price)
	case ModeRebate:
		leg.Amount = next
		leg.Commission, err = next.Times(leg.Rate)
	case ModeList:
		leg.Amount, err = money.Round(in.List, in.Currency)
	}
	return leg, err
}

func (in Input) floor(price money.Decimal) (money.Amount, error) {
	if in.Difference {
		return 0, nil
	}
	periods := in.Periods
	if in.FloorPeriods > 0 {
		periods = in.FloorPeriods
	}
	units, err := money.DecimalOf(int64(in.Quantity) * int64(periods)) // bounded by check
	if err != nil {
		return 0, err
	}
	return money.RoundProduct(price, units, in.Currency)
}

func (in Input) check() error {
	if !in.Currency.Valid() {
		return fault.Invalid("currency", "%q is not a known currency", in.Currency)
	}
	if in.List.Sign() < 0 {
		return fault.Invalid("list", "must not be negative")
	}
	if in.Quantity < 1 || in.Quantity > math.MaxInt32 {
		return fault.Invalid("quantity", "must be between 1 and %d", math.MaxInt32)
	}
	if in.Periods < 1 || in.Periods > math.MaxInt32 {
		return fault.Invalid("periods", "must be between 1 and %d", math.MaxInt32)
	}
	if in.FloorPeriods < 0 || in.FloorPeriods > math.MaxInt32 {
		return fault.Invalid("floor_periods", "must be between 0 and %d", math.MaxInt32)
	}
	return checkChain(in.Legs)
}

// checkChain wants each buyer to be the next seller and no organisation twice,
// else a view could hold legs that the organisation has no part in.
func checkChain(legs []Terms) error {
	if len(legs) == 0 || len(legs) > MaxLegs {
		return fault.Invalid("legs", "must hold 1 to %d legs", MaxLegs)
	}
	for i, leg := range legs {
		if err := leg.check(i); err != nil {
			return err
		}
		if leg.Seller == "" || leg.Buyer == "" {
			return fault.Invalid(fmt.Sprintf("legs[%d]", i), "needs a seller and a buyer")
		}
		if i > 0 && legs[i-1].Buyer != leg.Seller {
			return fault.Invalid(fmt.Sprintf("legs[%d].seller", i), "must be the buyer of the leg above")
		}
		for j := range i + 1 {
			if legs[j].Seller == leg.Buyer {
				return fault.Invalid(fmt.Sprintf("legs[%d].buyer", i), "must not be in the chain twice")
			}
		}
	}
	if legs[len(legs)-1].Mode == ModeRebate {
		return fault.Invalid(fmt.Sprintf("legs[%d].mode", len(legs)-1), "must not be a rebate on the customer's leg")
	}
	return nil
}

// assemble derives net, margins and price from the legs.
func assemble(r Result) (Result, error) {
	last := len(r.Legs) - 1
	r.CustomerPrice = r.Legs[last].Amount
	r.Margins = make([]Margin, 0, last)
	cost, err := r.Legs[0].Net()
	if err != nil {
		return Result{}, err
	}
	r.ProviderNet = cost
	for _, leg := range r.Legs[1:] {
		net, err := leg.Net()
		if err != nil {
			return Result{}, err
		}
		margin, err := net.Sub(cost)
		if err != nil {
			return Result{}, err
		}
		r.Margins = append(r.Margins, Margin{Org: leg.Seller, Amount: margin})
		cost = net
	}
	return r, nil
}

// Check returns an error when provider net and margins do not add up to the
// customer's price, or differ from what the legs say. It guards a stored trace
// before money moves by it.
func (r Result) Check() error {
	if len(r.Legs) == 0 {
		return fault.Internal(nil, "the price trace has no legs")
	}
	want, err := assemble(r)
	if err != nil {
		return err
	}
	sum := r.ProviderNet
	for _, m := range r.Margins {
		if sum, err = sum.Add(m.Amount); err != nil {
			return err
		}
	}
	if sum != r.CustomerPrice || sum != want.CustomerPrice || !sameMargins(r, want) {
		return fault.Internal(nil, "the price trace does not add up: net and margins are %d, the customer's price is %d", sum, r.CustomerPrice)
	}
	return nil
}

func sameMargins(a, b Result) bool {
	if a.ProviderNet != b.ProviderNet || len(a.Margins) != len(b.Margins) {
		return false
	}
	for i := range a.Margins {
		if a.Margins[i] != b.Margins[i] {
			return false
		}
	}
	return true
}
