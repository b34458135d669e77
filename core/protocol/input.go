package protocol

import (
	"time"

	"tradewind.example/core/field"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/settledate"
	"tradewind.example/sdk/fault"
)

const maxID = 200

// CreateInput makes a protocol.
type CreateInput struct {
	Seller, Buyer string
	Mode          pricing.Mode
	Settle        pricing.SettleMode
	Template      string // empty: settledate.Default
	Salesperson   string
	File          string
	Start, End    time.Time      // zero Start: now; zero End: open
	DefaultRate   *money.Decimal // of discount and rebate only; it becomes the first default line
}

// Validate collects what is wrong with the input.
func (in CreateInput) Validate() error {
	var p problems
	p.Text("seller", in.Seller, 1, maxID)
	p.Text("buyer", in.Buyer, 1, maxID)
	p.Text("salesperson", in.Salesperson, 0, maxID)
	p.Text("file", in.File, 0, maxID)
	if !in.Settle.Valid() {
		p.Add("settle", "must be realtime or period")
	}
	p.template(in.Template)
	if !in.End.IsZero() && !in.End.After(in.Start) {
		p.Add("end", "must be after start")
	}
	p.defaultRate(in.Mode, in.DefaultRate)
	return p.Err()
}

// UpdateInput replaces what may change of a protocol. Prices change by lines.
type UpdateInput struct {
	ID          string
	Rev         uint64 // the revision that was read; 0: any
	Template    string // empty: settledate.Default
	Salesperson string
	File        string
	End         time.Time // zero: open. Not before now; a protocol that has not begun may end at its start
}

// Validate collects what is wrong with the input.
func (in UpdateInput) Validate() error {
	var p problems
	p.Text("salesperson", in.Salesperson, 0, maxID)
	p.Text("file", in.File, 0, maxID)
	p.template(in.Template)
	return p.Err()
}

// LineInput adds a line to a protocol.
type LineInput struct {
	ProtocolID string
	ProductID  string // at most one of product and class; neither: the default
	Class      string
	Rate       *money.Decimal // a rebate without one takes the protocol's default
	Price      *money.Decimal
	From, To   time.Time // zero From: now, or the protocol's start; zero To: open
}

// Validate collects what is wrong with the input before its protocol is known.
func (in LineInput) Validate() error {
	var p problems
	p.Text("product_id", in.ProductID, 0, maxID)
	p.Text("class", in.Class, 0, maxID)
	if in.ProductID != "" && in.Class != "" {
		p.Add("class", "must be absent when product_id is given")
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		p.Add("to", "must be after from")
	}
	return p.Err()
}

// DiscountInput sets a seller's unified discount for a product.
type DiscountInput struct {
	Seller    string // empty: the caller's own organisation
	ProductID string
	Rate      money.Decimal
	From, To  time.Time // zero From: now; zero To: open
}

// Validate collects what is wrong with the input.
func (in DiscountInput) Validate() error {
	var p problems
	p.Text("product_id", in.ProductID, 1, maxID)
	if name, problem := pricing.CheckRate(pricing.ModeDiscount, &in.Rate, nil); problem != "" {
		p.Add(name, "%s", problem)
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		p.Add("to", "must be after from")
	}
	return p.Err()
}

// problems collects the wrong fields of one input.
type problems struct{ field.Problems }

func (p *problems) template(s string) {
	if s == "" {
		return
	}
	if _, err := settledate.Parse(s); err != nil {
		p.Problems = append(p.Problems, fault.As(err).Fields...)
	}
}

// defaultRate checks mode and default rate together.
func (p *problems) defaultRate(mode pricing.Mode, rate *money.Decimal) {
	switch mode {
	case pricing.ModeFloor:
		if rate != nil {
			p.Add("default_rate", "must be absent for a floor: its price is per product")
		}
	case pricing.ModeDiscount, pricing.ModeRebate:
		if rate == nil {
			return
		}
		if _, problem := pricing.CheckRate(mode, rate, nil); problem != "" {
			p.Add("default_rate", "%s", problem)
		}
	default:
		p.Add("mode", "must be discount, rebate or floor")
	}
}
