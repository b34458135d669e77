package sim

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Fen is an amount of money in 1/100 yuan, the smallest unit of the cloud's books.
type Fen int64

// String writes yuan with two decimals.
func (f Fen) String() string {
	sign, n := "", int64(f)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// yuan is a Fen that JSON carries as an exact decimal number of yuan.
type yuan Fen

// MarshalJSON writes the exact decimal, so no binary fraction is ever formed here.
func (y yuan) MarshalJSON() ([]byte, error) { return []byte(Fen(y).String()), nil }

var errAmount = errors.New("amount must be a decimal number of yuan with at most two decimals")

// parseYuan reads a decimal of at most two places and twelve digits before the
// point, as a JSON number or string gives it.
func parseYuan(s string) (Fen, error) {
	s = strings.Trim(s, `"`)
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if len(frac) > 2 || len(whole) > 12 || whole == "" {
		return 0, errAmount
	}
	frac = (frac + "00")[:2]
	for _, r := range whole + frac {
		if r < '0' || r > '9' {
			return 0, errAmount
		}
	}
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return 0, errAmount
	}
	return Fen(n), nil
}

// mulDivFloor is floor(amount*num/den) for non-negative arguments with
// num <= den; the product may exceed 64 bits.
func mulDivFloor(amount Fen, num, den int64) Fen {
	hi, lo := bits.Mul64(uint64(amount), uint64(num))
	q, _ := bits.Div64(hi, lo, uint64(den))
	return Fen(q)
}

// ceilDiv is ceil(a/b) for non-negative a and positive b.
func ceilDiv(a Fen, b int64) Fen { return Fen((int64(a) + b - 1) / b) }

// percentOf is round-half-up(amount*percent/100) for non-negative arguments.
func percentOf(amount Fen, percent int64) Fen {
	return Fen((int64(amount)*percent + 50) / 100)
}
