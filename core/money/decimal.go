package money

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// Bounds of a Decimal.
const (
	MaxDigits = 19 // significant digits
	MaxScale  = 8  // digits after the point

	maxCoef = 9_999_999_999_999_999_999 // MaxDigits nines
)

// Decimal is an exact decimal number within MaxDigits and MaxScale, for rates
// and unit prices. It is kept without trailing zeros, so equal numbers are
// equal values and have one text. The zero value is 0.
type Decimal struct{ d decimal.Decimal }

// ParseDecimal reads a plain decimal such as "0.75". Exponents, signs other
// than one minus, separators and numbers out of bounds are refused.
func ParseDecimal(s string) (Decimal, error) {
	if _, err := scan(s, MaxScale); err != nil {
		return Decimal{}, err
	}
	d, err := decimal.Parse(s)
	if err != nil {
		return Decimal{}, syntaxError("%q is not a plain decimal number", truncate(s))
	}
	return Decimal{d.Trim(0)}, nil
}

// DecimalOf returns n as a decimal.
func DecimalOf(n int64) (Decimal, error) {
	d, err := decimal.New(n, 0)
	if err != nil {
		return Decimal{}, rangeError("%d does not fit a decimal", n)
	}
	return Decimal{d}, nil
}

// Mul returns d × e exactly, ErrRange when the product leaves the bounds.
func (d Decimal) Mul(e Decimal) (Decimal, error) {
	scale := d.d.Scale() + e.d.Scale()
	p, err := d.d.MulExact(e.d, scale)
	if err != nil {
		// 19 digits hold no 20th even when it is a zero that falls away: 2 × 0.5.
		if p, err = trimmedProduct(d.number(), e.number()); err != nil {
			return Decimal{}, rangeError("%s × %s does not fit a decimal", d, e)
		}
	}
	if p = p.Trim(0); p.Scale() > MaxScale {
		return Decimal{}, rangeError("%s × %s has more than %d decimals", d, e, MaxScale)
	}
	return Decimal{p}, nil
}

// trimmedProduct multiplies in 128 bits and drops trailing zeros after the
// point before it asks whether the digits fit.
func trimmedProduct(a, b number) (decimal.Decimal, error) {
	hi, lo := bits.Mul64(a.coef, b.coef)
	scale := a.scale + b.scale
	for scale > 0 {
		quoHi, rest := bits.Div64(0, hi, 10)
		quoLo, last := bits.Div64(rest, lo, 10)
		if last != 0 {
			break
		}
		hi, lo, scale = quoHi, quoLo, scale-1
	}
	if hi != 0 || lo > maxCoef {
		return decimal.Decimal{}, ErrRange
	}
	text := strconv.FormatUint(lo, 10) + "e-" + strconv.Itoa(scale)
	if a.neg != b.neg {
		text = "-" + text
	}
	return decimal.Parse(text)
}

// MulInt returns d × n exactly, ErrRange when the product leaves the bounds.
func (d Decimal) MulInt(n int64) (Decimal, error) {
	e, err := DecimalOf(n)
	if err != nil {
		return Decimal{}, err
	}
	return d.Mul(e)
}

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d Decimal) Cmp(e Decimal) int { return d.d.Cmp(e.d) }

// Equal reports whether d and e are the same number.
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign returns -1, 0 or 1 as d is negative, zero or positive.
func (d Decimal) Sign() int { return d.d.Sign() }

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.d.IsZero() }

// Scale is the number of decimals of d.
func (d Decimal) Scale() int { return d.d.Scale() }

// String returns the plain decimal text that ParseDecimal reads.
func (d Decimal) String() string { return d.d.String() }

// MarshalText writes the plain decimal text, so that JSON holds a string.
func (d Decimal) MarshalText() ([]byte, error) { return d.d.MarshalText() }

// Append appends the plain decimal text.
func (d Decimal) Append(b []byte) []byte {
	b, _ = d.d.AppendText(b) // never fails
	return b
}

// UnmarshalText reads what ParseDecimal reads.
func (d *Decimal) UnmarshalText(text []byte) error {
	v, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

func (d Decimal) number() number {
	return number{neg: d.d.IsNeg(), coef: d.d.Coef(), scale: d.d.Scale()}
}

// scan reads -?digits[.digits] with at most maxScale decimals and MaxDigits
// digits in all; leading zeros beyond one are refused.
func scan(s string, maxScale int) (number, error) {
	text := s
	var n number
	if len(s) > 0 && s[0] == '-' {
		n.neg, s = true, s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	if len(whole) == 0 || (point && len(frac) == 0) || (len(whole) > 1 && whole[0] == '0') {
		return number{}, syntaxError("%q is not a plain decimal number", truncate(text))
	}
	if len(frac) > maxScale {
		return number{}, syntaxError("%q has more than %d decimals", truncate(text), maxScale)
	}
	if len(whole)+len(frac) > MaxDigits {
		return number{}, rangeError("%q has more than %d digits", truncate(text), MaxDigits)
	}
	for _, part := range [2]string{whole, frac} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return number{}, syntaxError("%q is not a plain decimal number", truncate(text))
			}
			n.coef = n.coef*10 + uint64(part[i]-'0')
		}
	}
	n.scale = len(frac)
	return n, nil
}
