package pricing

import (
	"fmt"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

// Mode says how a leg's amount is found.
type Mode string

// The sale modes. ModeList is what applies when no terms were agreed.
const (
	ModeDiscount Mode = "discount" // list amount × rate
	ModeRebate   Mode = "rebate"   // the next leg's amount, and a commission of it back
	ModeFloor    Mode = "floor"    // a price per unit and period
	ModeList     Mode = "list"     // the list amount
)

// Found says where a leg's terms come from.
type Found string

// The places where terms are looked for, in this order.
const (
	FoundProduct Found = "product" // the pair's price line for the product
	FoundClass   Found = "class"   // the pair's price line for the product's class
	FoundDefault Found = "default" // the pair's protocol default
	FoundUnified Found = "unified" // the seller's unified discount for the product
	FoundList    Found = "list"    // none of these: the list price
)

// SettleMode says when a leg is paid.
type SettleMode string

// The settle modes.
const (
	SettleRealtime SettleMode = "realtime" // at once, from the buyer's wallet with the seller
	SettlePeriod   SettleMode = "period"   // with the statement of the period
)

// Valid reports whether m is one of the settle modes.
func (m SettleMode) Valid() bool { return m == SettleRealtime || m == SettlePeriod }

// Limits of an input.
const (
	MaxLegs          = 64 // a chain this deep is a defect, not a business
	MaxDiscountScale = 4  // decimals of a discount rate
)

// Terms is what seller and buyer of one leg have agreed, or the list terms.
type Terms struct {
	Seller, Buyer      string        // organisation ids
	Mode               Mode          //
	Rate               money.Decimal // of ModeDiscount and ModeRebate
	Price              money.Decimal // of ModeFloor: per unit and period
	ProtocolID, LineID string        // where they are written; empty when Found is FoundList
	Found              Found         //
	Settle             SettleMode    //
}

// CheckRate tells what is wrong with rate and price for a mode, for saving and
// for pricing alike; "" and "" when they are good. The field is "rate",
// "price" or "mode".
func CheckRate(mode Mode, rate, price *money.Decimal) (field, problem string) {
	switch mode {
	case ModeDiscount:
		return checkDiscount(rate, price)
	case ModeFloor:
		return checkFloor(rate, price)
	case ModeRebate:
		return checkRebate(rate, price)
	}
	return "mode", "must be discount, rebate or floor"
}

func checkDiscount(rate, price *money.Decimal) (field, problem string) {
	switch {
	case rate == nil:
		return "rate", "is required for a discount"
	case rate.Sign() <= 0 || rate.Cmp(two()) > 0:
		return "rate", "must be greater than 0 and at most 2"
	case rate.Scale() > MaxDiscountScale:
		return "rate", fmt.Sprintf("must have at most %d decimals", MaxDiscountScale)
	case price != nil:
		return "price", "must be absent for a discount"
	}
	return "", ""
}

func checkFloor(rate, price *money.Decimal) (field, problem string) {
	switch {
	case price == nil:
		return "price", "is required for a floor"
	case price.Sign() < 0:
		return "price", "must not be negative"
	case rate != nil:
		return "rate", "must be absent for a floor"
	}
	return "", ""
}

func checkRebate(rate, price *money.Decimal) (field, problem string) {
	switch {
	case rate == nil:
		return "rate", "is required for a rebate, on the line or on its protocol"
	case rate.Sign() < 0 || rate.Cmp(one()) >= 0:
		return "rate", "must be at least 0 and less than 1"
	case price != nil:
		return "price", "must be absent for a rebate"
	}
	return "", ""
}

func one() money.Decimal { return small(1) }
func two() money.Decimal { return small(2) }

func small(n int64) money.Decimal {
	d, _ := money.DecimalOf(n) // cannot fail for one digit
	return d
}

// check refuses terms that no save would accept, so that a damaged row cannot
// price anything.
func (t Terms) check(i int) error {
	if t.Mode == ModeList {
		return nil
	}
	rate, price := &t.Rate, &t.Price
	if t.Mode == ModeFloor {
		rate = nil
	} else {
		price = nil
	}
	if field, problem := CheckRate(t.Mode, rate, price); problem != "" {
		return fault.Invalid(fmt.Sprintf("legs[%d].%s", i, field), "%s", problem)
	}
	return nil
}
