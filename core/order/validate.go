package order

import (
	"encoding/json"

	"tradewind.example/core/field"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/quote"
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
type problems struct{ field.Problems }

func (p *problems) key(key string) {
	if bad, wrong := idempotency.Problem(key); wrong {
		p.Problems = append(p.Problems, bad)
	}
}

func (p *problems) object(path string, doc json.RawMessage) {
	var object map[string]json.RawMessage
	switch {
	case len(doc) == 0:
	case len(doc) > MaxSpec:
		p.Add(path, "must have at most %d bytes", MaxSpec)
	case json.Unmarshal(doc, &object) != nil:
		p.Add(path, "must be a JSON object")
	}
}

// term leaves to the product what is offered: zero values are completed by it.
func (p *problems) term(t contract.Term) {
	p.count("term.periods", max(t.Periods, 1), MaxPeriods)
	p.count("term.quantity", max(t.Quantity, 1), MaxQuantity)
	if t.Periods < 0 || t.Quantity < 0 {
		p.Add("term", "must not have negative numbers")
	}
}

func (p *problems) count(path string, n, most int) {
	if n < 1 || n > most {
		p.Add(path, "must be from 1 to %d", most)
	}
}

// Validate returns every wrong field.
func (in BuyInput) Validate() error {
	var p problems
	p.Text("org_id", in.OrgID, 1, MaxName)
	p.Text("product_id", in.ProductID, 1, MaxName)
	p.Text("name", in.Name, 0, MaxName)
	p.Text("quote_id", in.QuoteID, 0, MaxName)
	p.object("spec", in.Spec)
	p.term(in.Term)
	p.key(in.IdempotencyKey)
	return p.Err()
}

// Validate returns every wrong field.
func (in RenewInput) Validate() error {
	var p problems
	p.Text("resource_id", in.ResourceID, 1, MaxName)
	p.count("periods", in.Periods, MaxPeriods)
	p.key(in.IdempotencyKey)
	return p.Err()
}

// Validate returns every wrong field.
func (in ResizeInput) Validate() error {
	var p problems
	p.Text("resource_id", in.ResourceID, 1, MaxName)
	if len(in.Size) == 0 {
		p.Add("size", "is required: what the resource shall be")
	}
	p.object("size", in.Size)
	p.key(in.IdempotencyKey)
	return p.Err()
}

// Validate returns every wrong field.
func (in ReleaseInput) Validate() error {
	var p problems
	p.Text("resource_id", in.ResourceID, 1, MaxName)
	p.Text("reason", in.Reason, 0, MaxNote)
	p.key(in.IdempotencyKey)
	return p.Err()
}

// Validate returns every wrong field.
func (in ResolveInput) Validate() error {
	var p problems
	p.Text("order_id", in.OrderID, 1, MaxName)
	p.count("unit", in.Unit, MaxQuantity)
	p.Text("vendor_id", in.VendorID, 0, MaxName)
	p.Text("note", in.Note, 1, MaxNote)
	if !in.Made && in.VendorID != "" {
		p.Add("vendor_id", "must be absent when nothing was made")
	}
	return p.Err()
}
