package quote

import (
	"encoding/json"
	"fmt"
	"slices"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/catalog"
)

// The bounds of what can be asked in one request.
const (
	MaxQuantity = 100
	MaxPeriods  = 120
	maxSpec     = 64 << 10
)

// TermFor completes a term with what the product offers first, and checks it.
// What is paid by use is unsupported: one price cannot be charged for it, and
// nobody measures the use.
func TermFor(p *catalog.Product, t contract.Term) (contract.Term, error) {
	if t.Billing == "" {
		t.Billing = billingOf(p)
	}
	if t.Period == "" {
		t.Period = periodOf(p, t.Billing)
	}
	t.Quantity, t.Periods = max(t.Quantity, 0), max(t.Periods, 0)
	if t.Quantity == 0 {
		t.Quantity = 1
	}
	if t.Periods == 0 {
		t.Periods = 1
	}
	if err := checkTerm(p, t); err != nil {
		return t, err
	}
	if t.Billing == contract.BillingPostpay {
		return t, fault.Unsupported("what is paid by use is not sold: take a product that is prepaid")
	}
	return t, nil
}

// billingOf is the first billing method that can be sold, else the first.
func billingOf(p *catalog.Product) contract.BillingMethod {
	for _, b := range p.Billing {
		if b != contract.BillingPostpay {
			return b
		}
	}
	return first(p.Billing, contract.BillingPrepaid)
}

func periodOf(p *catalog.Product, b contract.BillingMethod) contract.Period {
	if b == contract.BillingOnce {
		return contract.PeriodNone
	}
	return first(p.Periods, contract.PeriodMonth)
}

func first[T any](list []T, def T) T {
	if len(list) > 0 {
		return list[0]
	}
	return def
}

func checkTerm(p *catalog.Product, t contract.Term) error {
	var wrong []fault.Field
	add := func(path, msg string) { wrong = append(wrong, fault.Field{Path: "term." + path, Message: msg}) }
	switch t.Billing {
	case contract.BillingPrepaid, contract.BillingPostpay, contract.BillingOnce:
		if len(p.Billing) > 0 && !slices.Contains(p.Billing, t.Billing) {
			add("billing", "is not offered for this product")
		}
	default:
		add("billing", "must be prepaid, postpay or once")
	}
	if t.Billing == contract.BillingPrepaid && len(p.Periods) > 0 && !slices.Contains(p.Periods, t.Period) {
		add("period", "is not offered for this product")
	}
	if !known(t.Period, t.Billing) {
		add("period", "must be hour, day, month or year, or none when nothing is prepaid")
	}
	if t.Quantity < 1 || t.Quantity > MaxQuantity {
		add("quantity", fmt.Sprintf("must be from 1 to %d", MaxQuantity))
	}
	if t.Periods < 1 || t.Periods > MaxPeriods {
		add("periods", fmt.Sprintf("must be from 1 to %d", MaxPeriods))
	}
	if t.Billing != contract.BillingPrepaid && t.Periods != 1 {
		add("periods", "must be 1 unless billing is prepaid")
	}
	return fault.InvalidFields(wrong)
}

// known reports whether a term of that period has a length: what is prepaid ends.
func known(p contract.Period, b contract.BillingMethod) bool {
	switch p {
	case contract.PeriodHour, contract.PeriodDay, contract.PeriodMonth, contract.PeriodYear:
		return true
	case contract.PeriodNone:
		return b != contract.BillingPrepaid
	}
	return false
}

func checkSpec(spec json.RawMessage) error {
	if len(spec) == 0 {
		return nil
	}
	if len(spec) > maxSpec || !json.Valid(spec) {
		return fault.Invalid("spec", "must be JSON of at most %d bytes", maxSpec)
	}
	return nil
}

// PricedPeriod is the period of which a term's Periods are, for a [PriceInput]:
// only what is prepaid is by periods.
func PricedPeriod(t contract.Term) contract.Period {
	if t.Billing != contract.BillingPrepaid {
		return ""
	}
	return t.Period
}

// floorPeriods is how many of the product's first periods, for which a floor is
// priced, a term has. A period without a length in those has no price.
func floorPeriods(p *catalog.Product, in PriceInput) (int, error) {
	priced := first(p.Periods, contract.PeriodMonth)
	switch {
	case in.Period == "" || in.Period == priced:
		return in.Periods, nil
	case in.Period == contract.PeriodYear && priced == contract.PeriodMonth:
		return 12 * in.Periods, nil
	case in.Period == contract.PeriodDay && priced == contract.PeriodHour:
		return 24 * in.Periods, nil
	}
	return 0, fault.Invalid("term.period", "has no price for this buyer: %s has", priced)
}
