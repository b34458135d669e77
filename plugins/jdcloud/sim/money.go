package sim

import (
	"fmt"
	"math/bits"
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

// yuan is a Fen that is written as a JSON number of yuan.
type yuan Fen

// MarshalJSON writes the exact decimal, so no binary fraction is ever formed here.
func (y yuan) MarshalJSON() ([]byte, error) { return []byte(Fen(y).String()), nil }

// wholeYuan is a Fen as the integer money fields of order and partner carry
// it: the fen are cut off unless exact is set.
type wholeYuan struct {
	fen   Fen
	exact bool
}

// MarshalJSON writes an integer, or an exact decimal.
func (w wholeYuan) MarshalJSON() ([]byte, error) {
	if w.exact {
		return []byte(w.fen.String()), nil
	}
	return []byte(fmt.Sprint(int64(w.fen) / 100)), nil
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
