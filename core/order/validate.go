package order

import (
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"tradewind.example/core/idempotency"
	"tradewind.example/core/quote"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Bounds of an order.
const (
	MaxName     = 200
	MaxNote     = 2000
	MaxSpec     = 64 << 10 // bytes of JSON
	MaxQuantity = quote.MaxQuantity
	MaxPeriods  = quote.MaxPeriods
)

// problems collects what is wrong with an input.
type problems []fault.Field

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) text(path, s string, required bool, most int) {
	switch {
	case s == "" && required:
		p.add(path, "is required")
	case utf8.RuneCountInString(s) > most:
		p.add(path, "must have at most %d characters", most)
	case !utf8.ValidString(s):
		p.add(path, "must be valid UTF-8")
	default:
		for _, r := range s {
			if unicode.IsControl(r) {
				p.add(path, "must not contain control characters")
				return
			}
		}
	}
}

func (p *problems) key(key string) {
	if field, wrong := idempotency.Problem(key); wrong {
		*p = append(*p, field)
	}
}

func (p *problems) spec(spec json.RawMessage) {
	var object map[string]json.RawMessage
	switch {
	case len(spec) == 0:
	case len(spec) > MaxSpec:
		p.add("spec", "must have at most %d bytes", MaxSpec)
	case json.Unmarshal(spec, &object) != nil:
		p.add("spec", "must be a JSON object")
	}
}

// term leaves to the product what is offered: zero values are completed by it.
func (p *problems) term(t contract.Term) {
	p.count("term.periods", max(t.Periods, 1), MaxPeriods)
	p.count("term.quantity", max(t.Quantity, 1), MaxQuantity)
	if t.Periods < 0 || t.Quantity < 0 {
		p.add("term", "must not have negative numbers")
	}
}

func (p *problems) count(path string, n, most int) {
	if n < 1 || n > most {
		p.add(path, "must be from 1 to %d", most)
	}
}

// Validate returns every wrong field.
func (in BuyInput) Validate() error {
	var p problems
	p.text("org_id", in.OrgID, true, MaxName)
	p.text("product_id", in.ProductID, true, MaxName)
	p.text("name", in.Name, false, MaxName)
	p.text("quote_id", in.QuoteID, false, MaxName)
	p.spec(in.Spec)
	p.term(in.Term)
	p.key(in.IdempotencyKey)
	return fault.InvalidFields(p)
}

// Validate returns every wrong field.
func (in RenewInput) Validate() error {
	var p problems
	p.text("resource_id", in.ResourceID, true, MaxName)
	p.count("periods", in.Periods, MaxPeriods)
	p.key(in.IdempotencyKey)
	return fault.InvalidFields(p)
}

// Validate returns every wrong field.
func (in ReleaseInput) Validate() error {
	var p problems
	p.text("resource_id", in.ResourceID, true, MaxName)
	p.text("reason", in.Reason, false, MaxNote)
	p.key(in.IdempotencyKey)
	return fault.InvalidFields(p)
}

// Validate returns every wrong field.
func (in ResolveInput) Validate() error {
	var p problems
	p.text("order_id", in.OrderID, true, MaxName)
	p.count("unit", in.Unit, MaxQuantity)
	p.text("vendor_id", in.VendorID, false, MaxName)
	p.text("note", in.Note, true, MaxNote)
	if !in.Made && in.VendorID != "" {
		p.add("vendor_id", "must be absent when nothing was made")
	}
	return fault.InvalidFields(p)
}
