package apitest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// actor is a person with what is its own: what a good request of its would name.
type actor struct {
	*person
	own    things            // of its side, by kind
	fields map[string]string // by name of the field
}

// value is what the actor would send in a place.
func (a actor) value(o operation, p place) string {
	if v := a.fields[o.ID+"/"+p.name]; v != "" {
		return v
	}
	if v := a.fields[p.name]; v != "" && p.name != "id" {
		return v
	}
	if ids := a.own[p.kind]; len(ids) > 0 {
		return ids[0]
	}
	return missing(0)
}

// texts are the plain values of a good request, by name; an operation's own
// come first.
var texts = map[string]any{
	"name": "walker", "login": "walker-login", "email": "walker@mail.example", "roles": []string{"customer_user"}, "amount": "1.00", "credit": "1.00",
	"currency": "CNY", "reference": "slip", "rate": "0.95", "note": "seen", "file": "walker", "sha256": strings.Repeat("0", 64),
	"template": "daily", "kind": "customer", "mode": "discount", "settle": "realtime", "state": "active", "periods": 1, "unit": 1, "made": false,
	"title": "walker", "scopes": []string{"order.read"}, "vendor_id": "walker-1", "plugin_name": "sandbox", "action": "stop", "verb": "start",
	"credentials": map[string]string{"api_key": brand + "-walker"}, "password": brand + "-walker", "new": brand + "-walker", "old": brand + "-walker",
	"version": "1.0.0", "report": "20260101T000000.000000000-00000000", "group": "walkers", "level": "info", "set-plugin-version-state/state": "enabled",
	"time_zone": "Asia/Shanghai", "floor_policy": "block", "create-product/kind": "instance", "update-user/roles": []string{"customer_user"}, "create-protocol/mode": "floor",
	"expires":             "2027-06-01T00:00:00Z",
	"list-inventory/kind": "rack", "get-inventory/kind": "rack", "create-inventory/kind": "rack", "update-inventory/kind": "rack",
	"delete-inventory/kind": "rack", "act-on-inventory/kind": "rack", "act-on-inventory/action": "inspect",
	"resize-resource/size": map[string]any{"flavour": "gpu"}, "price-resize/size": map[string]any{"flavour": "gpu"},
	"number": "so-1", "change-vendor-order/verb": "pay", "create-account-import/from": "2026-01-01T00:00:00Z",
	"create-inventory/spec": rackSpec, "update-inventory/spec": rackSpec,
}

var rackSpec = map[string]any{"name": "walker", "units": 42}

// optional are the fields that a good request of an operation sends although
// the schema does not ask for them.
var optional = map[string][]string{
	"create-protocol": {"template", "seller"}, "create-user": {"name", "org_id"}, "update-user": {"name"},
	"update-org": {"time_zone", "currency", "floor_policy"}, "create-line": {"rate"}, "create-enablement": {"credentials"},
	"update-protocol": {"template"}, "act-on-resource": {},
}

func text(o operation, name string) (any, bool) {
	if v, ok := texts[o.ID+"/"+name]; ok {
		return v, true
	}
	v, ok := texts[name]
	return v, ok
}

// with names the values of the places that differ from what is the actor's own.
type with map[place]string

// compose makes the actor's request of an operation.
func (d document) compose(t testing.TB, o operation, a actor, places []place, w with) request {
	t.Helper()
	value := func(p place) string {
		if v, ok := w[p]; ok {
			return v
		}
		return a.value(o, p)
	}
	r := request{method: o.method, path: o.path, header: map[string]string{}}
	if a.person != nil {
		r.bearer = a.bearer
	}
	query := url.Values{}
	for _, p := range o.Parameters {
		if p.In == "path" && !taken(places, "path", p.Name) {
			v, _ := text(o, p.Name)
			s, _ := v.(string)
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", s)
		}
	}
	for _, p := range places {
		switch _, set := w[p]; {
		case p.in == "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.name+"}", url.PathEscape(value(p)))
		case p.in == "query" && set:
			query.Set(p.name, value(p))
		}
	}
	if len(query) > 0 {
		r.path += "?" + query.Encode()
	}
	d.headers(o, &r)
	if s, ok := o.body(); ok {
		r.body = d.object(t, o, d.resolve(s), places, w, value)
	}
	return r
}

func (d document) headers(o operation, r *request) {
	if o.has("header", "Idempotency-Key") {
		r.header["Idempotency-Key"] = freshKey()
	}
	if o.has("header", "If-Match") {
		r.header["If-Match"] = "*"
	}
}

// object writes a good body: what the schema requires, what the operation
// needs besides, and the ids that are asked for.
func (d document) object(t testing.TB, o operation, s schema, places []place, w with, value func(place) string) []byte {
	t.Helper()
	body := map[string]any{}
	for _, name := range append(append([]string{}, s.Required...), optional[o.ID]...) {
		if v, ok := text(o, name); ok {
			body[name] = v
			continue
		}
		body[name] = sample(d.resolve(s.Properties[name]))
	}
	for _, p := range places {
		_, set := w[p]
		_, needed := body[p.name]
		if p.in != "body" || !set && !needed {
			continue
		}
		body[p.name] = value(p)
		if p.list {
			body[p.name] = []string{value(p)}
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sample is some value of a schema.
func sample(s schema) any {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "date-time":
		return "2027-01-01T00:00:00Z"
	case s.is("string"):
		return strings.Repeat("x", max(s.MinLength, 1))
	case s.is("integer"), s.is("number"):
		return 1
	case s.is("boolean"):
		return false
	case s.is("array"):
		return []any{}
	default:
		return map[string]any{}
	}
}

func taken(places []place, in, name string) bool {
	for _, p := range places {
		if p.in == in && p.name == name {
			return true
		}
	}
	return false
}
