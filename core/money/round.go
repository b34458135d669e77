package money

import (
	"math"
	"math/bits"
)

// number is a decimal taken apart: (-1)^neg × coef / 10^scale, scale <= 18.
type number struct {
	neg   bool
	coef  uint64
	scale int
}

var pow10 = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// Round returns d as an amount of c, half away from zero: 0.005 CNY is 0.01.
func Round(d Decimal, c Currency) (Amount, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	return d.number().product(number{coef: 1}, c.Digits())
}

// RoundProduct returns a × b as an amount of c. The product is exact before it
// is rounded once, half away from zero.
func RoundProduct(a, b Decimal, c Currency) (Amount, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	return a.number().product(b.number(), c.Digits())
}

// product returns n × m in units of 10^-digits, rounded half away from zero.
func (n number) product(m number, digits int) (Amount, error) {
	neg := n.neg != m.neg
	scale := n.scale + m.scale - digits
	if scale >= 0 {
		q, err := roundQuotient(n.coef, m.coef, pow10[scale])
		if err != nil {
			return 0, err
		}
		return signed(neg, q)
	}
	q, err := roundQuotient(n.coef, m.coef, 1)
	if err != nil {
		return 0, err
	}
	hi, lo := bits.Mul64(q, pow10[-scale])
	if hi != 0 {
		return 0, rangeError("the product does not fit an amount")
	}
	return signed(neg, lo)
}

// roundQuotient returns a × b / d for magnitudes, half rounded up; with the
// sign kept aside that is half away from zero. It is the only place where money
// is rounded. The product has 128 bits, so nothing is lost before the division.
func roundQuotient(a, b, d uint64) (uint64, error) {
	hi, lo := bits.Mul64(a, b)
	if hi >= d {
		return 0, rangeError("the product does not fit an amount")
	}
	q, r := bits.Div64(hi, lo, d)
	if r >= d-r { // r/d >= 1/2 without overflow; d-r > 0 always
		if q == math.MaxUint64 {
			return 0, rangeError("the product does not fit an amount")
		}
		q++
	}
	return q, nil
}

func signed(neg bool, u uint64) (Amount, error) {
	switch {
	case u <= math.MaxInt64 && neg:
		return -Amount(u), nil
	case u <= math.MaxInt64:
		return Amount(u), nil
	case neg && u == 1<<63:
		return math.MinInt64, nil
	}
	return 0, rangeError("the amount does not fit")
}
