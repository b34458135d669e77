package price

import (
	"math/big"
	"regexp"

	"tradewind.example/sdk/fault"
)

// Rate is what one unit of a part costs for one unit of time.
type Rate struct {
	Price string // exact decimal, in Coin
	Per   Unit
	Every Span
	Coin  Coin
}

// decimalText is how a unit price is written: bounded, so that sums stay small.
var decimalText = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,8})?$`)

// Check returns an invalid fault, with paths below root, unless the rate prices
// parts of the type.
func (r Rate) Check(t Type, root string) error {
	var bad []fault.Field
	add := func(path, message string) { bad = append(bad, fault.Field{Path: root + path, Message: message}) }
	if !decimalText.MatchString(r.Price) {
		add("unit_price", "must be a decimal of at most 12 digits and 8 places")
	}
	if _, ok := factors(t)[r.Per]; !ok {
		add("resource_unit", "is no unit of "+string(t))
	}
	switch r.Every {
	case Second, Minute, Hour, Day:
	default:
		add("charge_unit", "must be 秒, 分钟, 小时 or 天")
	}
	if _, ok := perYuan(r.Coin); !ok {
		add("account_unit", "must be 元, 角 or 分")
	}
	return fault.InvalidFields(bad)
}

// Calendar says what a month is; the zero value has months of 30 days.
type Calendar struct{ MonthDays int }

func (c Calendar) days() int {
	if c.MonthDays == 0 {
		return 30
	}
	return c.MonthDays
}

// Subtotal is what an amount of the smallest unit costs for a time, in yuan.
//
// It is amount in the rate's unit × price × time in the rate's span × yuan in
// the rate's coin.
func (c Calendar) Subtotal(t Type, smallest int64, r Rate, d Duration) (*big.Rat, error) {
	if err := r.Check(t, ""); err != nil {
		return nil, err
	}
	length, ok := seconds(d.Unit, c.days())
	if !ok || d.N < 1 || d.N > MaxDuration {
		return nil, fault.Invalid("duration", "must be 1 to %d of 秒, 分钟, 小时, 天, 周 or 月", MaxDuration)
	}
	every, _ := seconds(r.Every, c.days())
	coins, _ := perYuan(r.Coin)
	out, ok := new(big.Rat).SetString(r.Price)
	if !ok {
		return nil, fault.Invalid("unit_price", "is not a decimal")
	}
	out.Mul(out, big.NewRat(smallest, factors(t)[r.Per]))
	out.Mul(out, big.NewRat(d.N, 1))
	out.Mul(out, big.NewRat(length, every))
	return out.Quo(out, big.NewRat(coins, 1)), nil
}

// Round writes an amount of yuan with two places, half away from zero.
func Round(yuan *big.Rat) string { return yuan.FloatString(2) }
