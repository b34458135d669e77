package catalog

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// The bounds of inputs.
const (
	maxName  = 200      // characters of names and ids
	maxNote  = 2000     // characters of descriptions
	maxSpec  = 64 << 10 // bytes of a spec
	maxAttrs = 100
)

// fields collects what is wrong with an input.
type fields []fault.Field

func (f fields) err() error { return fault.InvalidFields(f) }

func (f *fields) add(path, format string, args ...any) {
	*f = append(*f, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (f *fields) text(path, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least:
		f.add(path, "is required")
	case n > most:
		f.add(path, "must have at most %d characters", most)
	case !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0:
		f.add(path, "must not have control characters")
	}
}

func (f *fields) describes(t Text) {
	f.text("description", t.Description, 0, maxNote)
	f.text("spec_note", t.SpecNote, 0, maxNote)
	f.text("spec_pattern", t.SpecPattern, 0, maxNote)
	f.text("label", t.Label, 0, maxName)
	f.text("group", t.Group, 0, maxName)
	f.text("code", t.Code, 0, maxName)
	f.text("area", t.Area, 0, maxName)
	f.text("sale_mode", t.SaleMode, 0, maxName)
	f.text("owner_org", t.OwnerOrg, 0, maxName)
	if !t.To.IsZero() && !t.From.Before(t.To) {
		f.add("to", "must be after from")
	}
}

func (f *fields) facts(x Facts) {
	f.text("kind", x.Kind, 1, maxName)
	f.text("type", x.Type, 0, maxName)
	f.text("name", x.Name, 1, maxName)
	f.text("class", x.Class, 0, maxName)
	f.text("region", x.Region, 0, maxName)
	f.text("zone", x.Zone, 0, maxName)
	if !x.Currency.Valid() {
		f.add("currency", "%q is not a known currency", x.Currency)
	}
	if x.ListPrice != nil && x.ListPrice.Sign() < 0 {
		f.add("list_price", "must not be negative")
	}
	if len(x.Spec) > maxSpec || len(x.Spec) > 0 && !json.Valid(x.Spec) {
		f.add("spec", "must be JSON of at most %d bytes", maxSpec)
	}
	f.terms(x)
	if len(x.Attrs) > maxAttrs {
		f.add("attrs", "must have at most %d entries", maxAttrs)
		return
	}
	for k, v := range x.Attrs {
		f.text("attrs", k, 1, maxName)
		f.text("attrs."+k, v, 0, maxNote)
	}
}

func (f *fields) terms(x Facts) {
	for i, b := range x.Billing {
		switch b {
		case contract.BillingPrepaid, contract.BillingPostpay, contract.BillingOnce:
		default:
			f.add(fmt.Sprintf("billing[%d]", i), "must be prepaid, postpay or once")
		}
	}
	for i, p := range x.Periods {
		switch p {
		case contract.PeriodHour, contract.PeriodDay, contract.PeriodMonth, contract.PeriodYear, contract.PeriodNone:
		default:
			f.add(fmt.Sprintf("periods[%d]", i), "must be hour, day, month, year or none")
		}
	}
	if len(x.Billing) > 8 || len(x.Periods) > 8 {
		f.add("billing", "and periods must have at most 8 entries")
	}
}
