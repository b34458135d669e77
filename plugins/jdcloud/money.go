package main

import (
	"encoding/json"
	"math/big"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// amount writes a number of the cloud as an exact decimal of yuan, with at
// least two places. The number is read from its text, never as a binary
// fraction; a missing one is zero.
func amount(n json.Number) (provider.Decimal, error) {
	text := strings.TrimSpace(n.String())
	if text == "" {
		return "0.00", nil
	}
	r, err := rational(text)
	if err != nil {
		return "", err
	}
	return decimal(r)
}

// mostDigits bounds the text of an amount, and its exponent with it.
const mostDigits = 40

func rational(text string) (*big.Rat, error) {
	r := new(big.Rat)
	if len(text) > mostDigits || strings.ContainsAny(text, "/_xXpP") || len(exponent(text)) > 3 {
		return nil, notAmount(text)
	}
	if _, ok := r.SetString(text); !ok {
		return nil, notAmount(text)
	}
	return r, nil
}

// exponent is what follows the e of a number.
func exponent(text string) string {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		return text[i+1:]
	}
	return ""
}

// mostDecimals is how many decimals an amount may have.
const mostDecimals = 8

func decimal(r *big.Rat) (provider.Decimal, error) {
	text := r.FloatString(mostDecimals)
	if back, ok := new(big.Rat).SetString(text); !ok || back.Cmp(r) != 0 {
		return "", notAmount(r.String())
	}
	for strings.HasSuffix(text, "0") && len(text)-strings.Index(text, ".") > 3 {
		text = text[:len(text)-1]
	}
	return provider.Decimal(text), nil
}

// inYuan is an amount that comes in a unit: of yuan or of fen.
func inYuan(n json.Number, unit string) (provider.Decimal, error) {
	if unit != "fen" || n == "" {
		return amount(n)
	}
	r, err := rational(n.String())
	if err != nil {
		return "", err
	}
	return decimal(r.Quo(r, big.NewRat(100, 1)))
}

func notAmount(text string) error {
	return fault.New(fault.ClassInternal, "the cloud's %q is not an amount", cut(text, mostDigits)).From(fault.SourceCloud)
}
