package main

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// number is an amount as the cloud writes one; the exponent is bounded, since
// what is read becomes as long as it says.
var number = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,12})?([eE][+-]?[0-9])?$`)

// places are the decimals of yuan that an amount is shown with at least, and
// mostPlaces those that it may have.
const (
	places     = 2
	mostPlaces = 24
)

// amountOf reads an amount of yuan exactly. An absent one is nothing.
func amountOf(n json.Number) (*big.Rat, error) {
	text := strings.TrimSpace(n.String())
	if text == "" {
		return new(big.Rat), nil
	}
	out, ok := new(big.Rat).SetString(text)
	if !number.MatchString(text) || !ok {
		return nil, fault.New(fault.ClassInternal, "the cloud's %q is not an amount", text).From(fault.SourceCloud)
	}
	return out, nil
}

// decimal writes an amount with all its decimals, two at least.
func decimal(amount *big.Rat) provider.Decimal {
	text := amount.FloatString(mostPlaces)
	whole, part, _ := strings.Cut(text, ".")
	part = strings.TrimRight(part, "0")
	for len(part) < places {
		part += "0"
	}
	if strings.Trim(whole+part, "-0") == "" {
		whole = "0" // no negative nothing
	}
	return provider.Decimal(whole + "." + part)
}
