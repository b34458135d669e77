package catalog

import (
	"encoding/json"
	"fmt"

	"tradewind.example/core/field"
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
type fields struct{ field.Problems }

func (f *fields) describes(t Text) {
	f.Text("description", t.Description, 0, maxNote)
	f.Text("spec_note", t.SpecNote, 0, maxNote)
	f.Text("spec_pattern", t.SpecPattern, 0, maxNote)
	f.Text("label", t.Label, 0, maxName)
	f.Text("group", t.Group, 0, maxName)
	f.Text("code", t.Code, 0, maxName)
	f.Text("area", t.Area, 0, maxName)
	f.Text("sale_mode", t.SaleMode, 0, maxName)
	f.Text("owner_org", t.OwnerOrg, 0, maxName)
	if !t.To.IsZero() && !t.From.Before(t.To) {
		f.Add("to", "must be after from")
	}
}

func (f *fields) facts(x Facts) {
	f.Text("kind", x.Kind, 1, maxName)
	f.Text("type", x.Type, 0, maxName)
	f.Text("name", x.Name, 1, maxName)
	f.Text("class", x.Class, 0, maxName)
	f.Text("region", x.Region, 0, maxName)
	f.Text("zone", x.Zone, 0, maxName)
	if !x.Currency.Valid() {
		f.Add("currency", "%q is not a known currency", x.Currency)
	}
	if x.ListPrice != nil && x.ListPrice.Sign() < 0 {
		f.Add("list_price", "must not be negative")
	}
	if len(x.Spec) > maxSpec || len(x.Spec) > 0 && !json.Valid(x.Spec) {
		f.Add("spec", "must be JSON of at most %d bytes", maxSpec)
	}
	f.terms(x)
	if len(x.Attrs) > maxAttrs {
		f.Add("attrs", "must have at most %d entries", maxAttrs)
		return
	}
	for k, v := range x.Attrs {
		f.Text("attrs", k, 1, maxName)
		f.Text("attrs."+k, v, 0, maxNote)
	}
}

func (f *fields) terms(x Facts) {
	for i, b := range x.Billing {
		switch b {
		case contract.BillingPrepaid, contract.BillingPostpay, contract.BillingOnce:
		default:
			f.Add(fmt.Sprintf("billing[%d]", i), "must be prepaid, postpay or once")
		}
	}
	for i, p := range x.Periods {
		switch p {
		case contract.PeriodHour, contract.PeriodDay, contract.PeriodMonth, contract.PeriodYear, contract.PeriodNone:
		default:
			f.Add(fmt.Sprintf("periods[%d]", i), "must be hour, day, month, year or none")
		}
	}
	if len(x.Billing) > 8 || len(x.Periods) > 8 {
		f.Add("billing", "and periods must have at most 8 entries")
	}
}
