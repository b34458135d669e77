// Package pricing computes what every hop of a sale chain owes, from terms that
// others have looked up.
//
// A chain runs from the provider o0 over the operator o1 down to the customer
// on. Leg i sells from o(i-1) to o(i). [Price] goes from the customer upwards,
// because a rebate leg passes the next leg's amount through. Every amount is
// rounded once, half away from zero, to the currency's minor unit. The
// invariant, checked by [Result.Check]:
//
//	provider net + all margins = customer price
//
// The functions are pure: no clock, no store, no look-ups. A Result is the
// trace that an order keeps; it holds the whole chain and must never be shown
// as it is. [Result.View] is the only form for an organisation's eyes.
//
// All types are plain values, safe for concurrent use as long as nobody writes
// to a shared Legs slice.
package pricing
