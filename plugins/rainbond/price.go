package main

import (
	"math/big"
	"regexp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

var plainNumber = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,9})?$`)

// amountOf reads an exact number that is not negative.
func amountOf(text string) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok || !plainNumber.MatchString(text) {
		return nil, fault.New(fault.ClassInvalid, "%q is not a number like 12.50", text)
	}
	return r, nil
}

// price is what a version costs for a month by what it takes of the cluster,
// rounded up to the fen; "" where the account does not name both prices. The
// vendor has none: these are the operator's own.
func (c Config) price(milli, memoryMB int) (provider.Decimal, error) {
	if c.CorePrice == "" || c.MemoryPrice == "" {
		return "", nil
	}
	core, err := amountOf(string(c.CorePrice))
	if err != nil {
		return "", err
	}
	gb, err := amountOf(string(c.MemoryPrice))
	if err != nil {
		return "", err
	}
	sum := new(big.Rat).Mul(core, big.NewRat(int64(milli), 1000))
	sum.Add(sum, new(big.Rat).Mul(gb, big.NewRat(int64(memoryMB), 1024)))
	fen := new(big.Rat).Mul(sum, big.NewRat(100, 1))
	whole, rest := new(big.Int).QuoRem(fen.Num(), fen.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return provider.Decimal(new(big.Rat).SetFrac(whole, big.NewInt(100)).FloatString(2)), nil
}
