package quote

import (
	"encoding/json"
	"strconv"
	"time"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/appendjson"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
)

// document is a stored quote. Its id stands before it in its sheaf. An org that
// the path tells already is left out: a leg sells from the org above to the org
// of its place in the path, and a margin is of the org of its place.
type document struct {
	Path     []string          `json:"path"`
	Provider string            `json:"provider"`
	Product  string            `json:"product"`
	Kind     string            `json:"kind"`
	Spec     json.RawMessage   `json:"spec,omitempty"`
	Term     documentTerm      `json:"term"`
	Currency money.Currency    `json:"currency"`
	List     money.Decimal     `json:"list"`
	Quantity int               `json:"quantity"`
	Periods  int               `json:"periods"`
	Legs     []documentLeg     `json:"legs"`
	Net      money.Amount      `json:"net"`
	Margins  []documentMargin  `json:"margins,omitempty"`
	Price    money.Amount      `json:"price"`
	Warnings []documentWarning `json:"warnings,omitempty"`
	Source   Source            `json:"source"`
	By       string            `json:"by"`
	Created  int64             `json:"created"` // UnixNano, as Expires
	Expires  int64             `json:"expires"`
}

type documentTerm struct {
	Billing  contract.BillingMethod `json:"billing"`
	Period   contract.Period        `json:"period"`
	Periods  int                    `json:"periods"`
	Quantity int                    `json:"quantity"`
}

type documentLeg struct {
	Seller     string             `json:"seller,omitempty"`
	Buyer      string             `json:"buyer,omitempty"`
	Mode       pricing.Mode       `json:"mode"`
	Rate       money.Decimal      `json:"rate"`
	Price      money.Decimal      `json:"price"`
	Protocol   string             `json:"protocol,omitempty"`
	Line       string             `json:"line,omitempty"`
	Found      pricing.Found      `json:"found"`
	Settle     pricing.SettleMode `json:"settle"`
	Amount     money.Amount       `json:"amount"`
	Commission money.Amount       `json:"commission"`
}

type documentMargin struct {
	Org    string       `json:"org,omitempty"`
	Amount money.Amount `json:"amount"`
}

type documentWarning struct {
	Org    string       `json:"org"`
	Code   string       `json:"code"`
	Margin money.Amount `json:"margin"`
	Text   string       `json:"text"`
}

// at returns the org of a place in the path, "" outside it.
func at(path []string, i int) string {
	if i < 0 || i >= len(path) {
		return ""
	}
	return path[i]
}

// unless returns s, or "" when it is what the path tells.
func unless(told, s string) string {
	if told == s {
		return ""
	}
	return s
}

func or(s, told string) string {
	if s == "" {
		return told
	}
	return s
}

// appendDocument appends the JSON of q's [document]. It is written by hand
// because every quote passes here.
func appendDocument(b []byte, q *Quote) []byte {
	b = append(b, `{"path":[`...)
	for i, org := range q.Path {
		b = appendjson.Comma(b, i)
		b = appendjson.String(b, org)
	}
	b = appendjson.Field(append(b, ']'), "provider", q.ProviderID)
	b = appendjson.Field(b, "product", q.ProductID)
	b = appendjson.Field(b, "kind", q.Kind)
	if len(q.Spec) > 0 {
		b = append(append(b, `,"spec":`...), q.Spec...)
	}
	b = appendTerm(b, q.Term)
	b = appendResult(b, q.Path, &q.Result)
	b = appendWarnings(b, q.Warnings)
	b = appendjson.Field(b, "source", string(q.Source))
	b = appendjson.Field(b, "by", q.CreatedBy)
	b = appendInt(b, `,"created":`, q.Created.UnixNano())
	b = appendInt(b, `,"expires":`, q.Expires.UnixNano())
	return append(b, '}')
}

func appendTerm(b []byte, t contract.Term) []byte {
	b = appendjson.String(append(b, `,"term":{"billing":`...), string(t.Billing))
	b = appendjson.Field(b, "period", string(t.Period))
	b = appendInt(b, `,"periods":`, int64(t.Periods))
	b = appendInt(b, `,"quantity":`, int64(t.Quantity))
	return append(b, '}')
}

func appendResult(b []byte, path []string, r *pricing.Result) []byte {
	b = appendjson.Field(b, "currency", string(r.Currency))
	b = appendDecimal(b, `,"list":`, r.List)
	b = appendInt(b, `,"quantity":`, int64(r.Quantity))
	b = appendInt(b, `,"periods":`, int64(r.Periods))
	b = append(b, `,"legs":[`...)
	for i := range r.Legs {
		b = appendLeg(appendjson.Comma(b, i), path, i, &r.Legs[i])
	}
	b = appendInt(append(b, ']'), `,"net":`, int64(r.ProviderNet))
	b = append(b, `,"margins":[`...)
	for i, m := range r.Margins {
		b = append(appendjson.Comma(b, i), '{')
		b = appendInt(b, `"amount":`, int64(m.Amount))
		b = append(appendjson.Present(b, "org", unless(at(path, i), m.Org)), '}')
	}
	return appendInt(append(b, ']'), `,"price":`, int64(r.CustomerPrice))
}

func appendLeg(b []byte, path []string, i int, l *pricing.Leg) []byte {
	b = appendInt(b, `{"amount":`, int64(l.Amount))
	b = appendInt(b, `,"commission":`, int64(l.Commission))
	b = appendjson.Present(b, "seller", unless(at(path, i-1), l.Seller))
	b = appendjson.Present(b, "buyer", unless(at(path, i), l.Buyer))
	b = appendjson.Field(b, "mode", string(l.Mode))
	b = appendDecimal(b, `,"rate":`, l.Rate)
	b = appendDecimal(b, `,"price":`, l.Price)
	b = appendjson.Present(b, "protocol", l.ProtocolID)
	b = appendjson.Present(b, "line", l.LineID)
	b = appendjson.Field(b, "found", string(l.Found))
	b = appendjson.Field(b, "settle", string(l.Settle))
	return append(b, '}')
}

func appendWarnings(b []byte, list []Warning) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, `,"warnings":[`...)
	for i, w := range list {
		b = append(appendjson.Comma(b, i), '{')
		b = appendInt(b, `"margin":`, int64(w.Margin))
		b = appendjson.Field(b, "org", w.Org)
		b = appendjson.Field(b, "code", w.Code)
		b = append(appendjson.Field(b, "text", w.Text), '}')
	}
	return append(b, ']')
}

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendDecimal(b []byte, name string, d money.Decimal) []byte {
	b = append(append(b, name...), '"')
	return append(d.Append(b), '"')
}

// readDocument is the inverse of appendDocument.
func readDocument(quoteID string, raw []byte) (*Quote, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil || len(d.Path) == 0 {
		return nil, fault.Internal(err, "quote %q cannot be read", quoteID)
	}
	q := &Quote{
		ID: quoteID, OrgID: d.Path[len(d.Path)-1], RootID: d.Path[0], Path: d.Path, ProviderID: d.Provider, ProductID: d.Product,
		Kind: d.Kind, Spec: d.Spec, Source: d.Source, CreatedBy: d.By,
		Term: contract.Term{Billing: d.Term.Billing, Period: d.Term.Period, Periods: d.Term.Periods, Quantity: d.Term.Quantity},
		Result: pricing.Result{
			Currency: d.Currency, List: d.List, Quantity: d.Quantity, Periods: d.Periods, ProviderNet: d.Net, CustomerPrice: d.Price,
		},
		Created: time.Unix(0, d.Created).UTC(), Expires: time.Unix(0, d.Expires).UTC(),
	}
	q.Result.Legs = make([]pricing.Leg, 0, len(d.Legs))
	for i, l := range d.Legs {
		q.Result.Legs = append(q.Result.Legs, pricing.Leg{Amount: l.Amount, Commission: l.Commission, Terms: pricing.Terms{
			Seller: or(l.Seller, at(d.Path, i-1)), Buyer: or(l.Buyer, at(d.Path, i)), Mode: l.Mode, Rate: l.Rate, Price: l.Price,
			ProtocolID: l.Protocol, LineID: l.Line, Found: l.Found, Settle: l.Settle,
		}})
	}
	q.Result.Margins = make([]pricing.Margin, 0, len(d.Margins))
	for i, m := range d.Margins {
		q.Result.Margins = append(q.Result.Margins, pricing.Margin{Org: or(m.Org, at(d.Path, i)), Amount: m.Amount})
	}
	for _, w := range d.Warnings {
		q.Warnings = append(q.Warnings, Warning(w))
	}
	return q, nil
}
