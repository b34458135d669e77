package main

import (
	"encoding/json"
	"math/big"
	"regexp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// amount is an exact number of yuan.
type amount struct{ rat *big.Rat }

var plainNumber = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,18})?$`)

// amountOf reads a JSON number as it is written: the cloud's amounts are never
// made into binary fractions here.
func amountOf(n json.Number) (amount, error) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !plainNumber.MatchString(n.String()) {
		return amount{}, fault.New(fault.ClassInternal, "the cloud's %q is not an amount", n.String()).From(fault.SourceCloud)
	}
	return amount{r}, nil
}

func (a amount) plus(b amount) amount { return amount{new(big.Rat).Add(a.rat, b.rat)} }

// part is times n over d.
func (a amount) part(n, d int) amount {
	return amount{new(big.Rat).Mul(a.rat, big.NewRat(int64(n), int64(d)))}
}

// decimal is the amount in yuan with two places, rounded up to the fen.
func (a amount) decimal() provider.Decimal {
	fen := new(big.Rat).Mul(a.rat, big.NewRat(100, 1))
	whole, rest := new(big.Int).QuoRem(fen.Num(), fen.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return provider.Decimal(new(big.Rat).SetFrac(whole, big.NewInt(100)).FloatString(2))
}

// rounded is the amount rounded up to the fen.
func (a amount) rounded() amount {
	r, _ := new(big.Rat).SetString(string(a.decimal()))
	return amount{r}
}
