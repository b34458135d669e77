// Package money holds exact amounts and rates, and the one rounding rule that
// turns a rate into an amount.
//
// An [Amount] is a whole number of minor units (fen, cents) of a currency that
// stands beside it. A [Decimal] is an exact decimal for list prices, unit
// prices and rates. The only way from a Decimal to an Amount is to round half
// away from zero, once: [Round], [RoundProduct], [Amount.Times] and
// [Amount.Share] all end in the same function. Every other operation is exact
// or an error; nothing is rounded on the way.
//
// The package does not convert between currencies and knows no prices.
//
// All types are plain values, safe for concurrent use. Errors are faults of
// class invalid that wrap [ErrSyntax], [ErrRange] or [ErrCurrency]; callers
// that know the field add its path.
package money
