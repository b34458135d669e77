package pricing

import (
	"fmt"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

// Refund returns what goes back when part of whole is given back of an untouched
// charge: every leg's amount and commission in the proportion charged, each
// rounded once. A refund of the whole is the charge. List, quantity and periods
// stay those of the charge. For a second refund of the same charge use
// [Result.RefundAfter], or rounding could pay back more than was charged.
func (r Result) Refund(part, whole int64) (Result, error) { return r.RefundAfter(0, part, whole) }

// RefundAfter is Refund when done of whole went back before: it returns the
// difference of the two cumulative shares. However a charge is cut into
// refunds, their sum is the share of their sum, so the sum of all refunds never
// exceeds the charge and equals it once everything went back.
func (r Result) RefundAfter(done, part, whole int64) (Result, error) {
	if whole <= 0 || done < 0 || done > whole || part < 0 || part > whole-done {
		return Result{}, fault.Precondition("a refund of %d after %d of %d is more than is left", part, done, whole)
	}
	if len(r.Legs) == 0 {
		return Result{}, fault.Internal(nil, "the price trace has no legs")
	}
	out := r
	out.Legs = make([]Leg, len(r.Legs))
	for i, leg := range r.Legs {
		var err error
		if leg.Amount, err = slice(leg.Amount, done, part, whole); err != nil {
			return Result{}, fmt.Errorf("refunding leg %d: %w", i+1, err)
		}
		if leg.Commission, err = slice(leg.Commission, done, part, whole); err != nil {
			return Result{}, fmt.Errorf("refunding leg %d: %w", i+1, err)
		}
		out.Legs[i] = leg
	}
	return assemble(out)
}

// slice is the part of a that lies between done and done+part of whole.
func slice(a money.Amount, done, part, whole int64) (money.Amount, error) {
	before, err := a.Share(done, whole)
	if err != nil {
		return 0, err
	}
	after, err := a.Share(done+part, whole)
	if err != nil {
		return 0, err
	}
	return after.Sub(before)
}
