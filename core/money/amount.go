package money

import (
	"math"
	"strconv"
)

// Amount is a number of minor units of the currency named beside it: 1250 is
// 12.50 CNY or 1,250 JPY. Refunds and credits are negative.
type Amount int64

// Parse reads a plain decimal such as "12.5" or "-0.01" as an amount of c.
// More decimals than c has, signs other than one minus, exponents and
// separators are refused.
func Parse(c Currency, s string) (Amount, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, err := scan(s, c.Digits())
	if err != nil {
		return 0, err
	}
	return n.product(number{coef: 1}, c.Digits())
}

// Format writes the amount with all decimals of c: "12.50". It is the inverse of Parse.
func (a Amount) Format(c Currency) string {
	digits := c.Digits()
	b := make([]byte, 0, 24)
	u := uint64(a)
	if a < 0 {
		b = append(b, '-')
		u = -u
	}
	p := pow10[digits]
	b = strconv.AppendUint(b, u/p, 10)
	if digits == 0 {
		return string(b)
	}
	b = append(b, '.')
	frac := strconv.FormatUint(u%p, 10)
	for range digits - len(frac) {
		b = append(b, '0')
	}
	return string(append(b, frac...))
}

// Add returns a + b, ErrRange when it does not fit.
func (a Amount) Add(b Amount) (Amount, error) {
	s := a + b
	if (s > a) != (b > 0) && b != 0 {
		return 0, rangeError("the sum of %d and %d does not fit an amount", a, b)
	}
	return s, nil
}

// Sub returns a - b, ErrRange when it does not fit.
func (a Amount) Sub(b Amount) (Amount, error) {
	d := a - b
	if (d < a) != (b > 0) && b != 0 {
		return 0, rangeError("the difference of %d and %d does not fit an amount", a, b)
	}
	return d, nil
}

// Neg returns -a, ErrRange for the one amount that has no opposite.
func (a Amount) Neg() (Amount, error) {
	if a == math.MinInt64 {
		return 0, rangeError("amount %d has no opposite", a)
	}
	return -a, nil
}

// Sum adds amounts, ErrRange when the sum does not fit at any step.
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Times returns a × rate, rounded once to a whole minor unit.
func (a Amount) Times(rate Decimal) (Amount, error) {
	return a.number().product(rate.number(), 0)
}

// Share returns a × part / whole, rounded once to a whole minor unit. It needs
// 0 <= part and 0 < whole. Shares of growing parts never shrink, so differences
// of successive shares add up to a exactly.
func (a Amount) Share(part, whole int64) (Amount, error) {
	if part < 0 || whole <= 0 {
		return 0, rangeError("a share of %d/%d is not defined", part, whole)
	}
	n := a.number()
	q, err := roundQuotient(n.coef, uint64(part), uint64(whole))
	if err != nil {
		return 0, err
	}
	return signed(n.neg, q)
}

func (a Amount) number() number {
	if a < 0 {
		return number{neg: true, coef: -uint64(a)}
	}
	return number{coef: uint64(a)}
}
