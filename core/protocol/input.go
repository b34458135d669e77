package protocol

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	p.require("seller", in.Seller)
	p.require("buyer", in.Buyer)
	p.text("salesperson", in.Salesperson, maxID)
	p.text("file", in.File, maxID)
	if !in.Settle.Valid() {
		p.add("settle", "must be realtime or period")
	}
	p.template(in.Template)
	if !in.End.IsZero() && !in.End.After(in.Start) {
		p.add("end", "must be after start")
	}
	p.defaultRate(in.Mode, in.DefaultRate)
	return p.fault()
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
	p.text("salesperson", in.Salesperson, maxID)
	p.text("file", in.File, maxID)
	p.template(in.Template)
	return p.fault()
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
	p.text("product_id", in.ProductID, maxID)
	p.text("class", in.Class, maxID)
	if in.ProductID != "" && in.Class != "" {
		p.add("class", "must be absent when product_id is given")
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		p.add("to", "must be after from")
	}
	return p.fault()
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
	p.require("product_id", in.ProductID)
	if field, problem := pricing.CheckRate(pricing.ModeDiscount, &in.Rate, nil); problem != "" {
		p.add(field, problem)
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		p.add("to", "must be after from")
	}
	return p.fault()
}

// problems collects the wrong fields of one input.
type problems []fault.Field

func (p *problems) add(path, message string) {
	*p = append(*p, fault.Field{Path: path, Message: message})
}

func (p *problems) require(path, s string) {
	if s == "" {
		p.add(path, "is required")
		return
	}
	p.text(path, s, maxID)
}

func (p *problems) text(path, s string, most int) {
	switch {
	case len(s) > most:
		p.add(path, fmt.Sprintf("must have at most %d bytes", most))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		p.add(path, "must be text without control characters")
	}
}

func (p *problems) template(s string) {
	if s == "" {
		return
	}
	if _, err := settledate.Parse(s); err != nil {
		*p = append(*p, fault.As(err).Fields...)
	}
}

// defaultRate checks mode and default rate together.
func (p *problems) defaultRate(mode pricing.Mode, rate *money.Decimal) {
	switch mode {
	case pricing.ModeFloor:
		if rate != nil {
			p.add("default_rate", "must be absent for a floor: its price is per product")
		}
	case pricing.ModeDiscount, pricing.ModeRebate:
		if rate == nil {
			return
		}
		if _, problem := pricing.CheckRate(mode, rate, nil); problem != "" {
			p.add("default_rate", problem)
		}
	default:
		p.add("mode", "must be discount, rebate or floor")
	}
}

func (p *problems) fault() error { return fault.InvalidFields(*p) }
