package v1

import (
	"encoding/json"
	"strconv"
	"time"

	"tradewind.example/core/appendjson"
)

// AppendJSON appends what encoding/json writes for q. Its spec is stored JSON
// and copied as it is.
func (q *Quote) AppendJSON(b []byte) []byte {
	b = appendjson.String(append(b, `{"id":`...), q.ID)
	b = appendjson.Field(b, "org_id", q.OrgID)
	b = appendjson.Field(b, "provider_id", q.ProviderID)
	b = appendjson.Field(b, "product_id", q.ProductID)
	b = appendjson.Field(b, "kind", q.Kind)
	if spec, ok := q.Spec.(json.RawMessage); ok {
		b = append(append(b, `,"spec":`...), spec...)
	}
	b = q.Term.append(append(b, `,"term":`...))
	b = q.Price.append(append(b, `,"price":`...))
	b = append(b, `,"warnings":[`...)
	for i, w := range q.Warnings {
		b = appendjson.String(append(appendjson.Comma(b, i), `{"code":`...), w.Code)
		b = appendjson.Present(b, "margin", w.Margin)
		b = append(appendjson.Field(b, "text", w.Text), '}')
	}
	b = appendTime(append(b, `],"created":`...), q.Created)
	b = appendTime(append(b, `,"expires":`...), q.Expires)
	return append(b, '}')
}

func (t *Term) append(b []byte) []byte {
	from := len(b)
	b = appendjson.Present(b, "billing", t.Billing)
	b = appendjson.Present(b, "period", t.Period)
	b = appendCount(b, `,"periods":`, t.Periods)
	b = appendCount(b, `,"quantity":`, t.Quantity)
	if len(b) == from {
		return append(b, "{}"...)
	}
	b[from] = '{' // in place of the first comma
	return append(b, '}')
}

// appendCount leaves 0 out.
func appendCount(b []byte, name string, n int) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), int64(n), 10)
}

func (p *Price) append(b []byte) []byte {
	b = appendjson.String(append(b, `{"currency":`...), p.Currency)
	b = strconv.AppendInt(append(b, `,"quantity":`...), int64(p.Quantity), 10)
	b = strconv.AppendInt(append(b, `,"periods":`...), int64(p.Periods), 10)
	b = append(b, `,"legs":[`...)
	for i := range p.Legs {
		b = p.Legs[i].append(appendjson.Comma(b, i))
	}
	b = append(b, ']')
	if p.Margin != nil {
		b = appendjson.Field(b, "margin", *p.Margin)
	}
	return append(b, '}')
}

func (l *Leg) append(b []byte) []byte {
	b = appendjson.String(append(b, `{"seller":`...), l.Seller)
	b = appendjson.Field(b, "buyer", l.Buyer)
	b = appendjson.Field(b, "mode", l.Mode)
	b = appendjson.Present(b, "rate", l.Rate)
	b = appendjson.Present(b, "price", l.Price)
	b = appendjson.Field(b, "found", l.Found)
	b = appendjson.Present(b, "protocol_id", l.ProtocolID)
	b = appendjson.Present(b, "line_id", l.LineID)
	b = appendjson.Field(b, "settle", l.Settle)
	b = appendjson.Field(b, "amount", l.Amount)
	b = appendjson.Field(b, "commission", l.Commission)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}
