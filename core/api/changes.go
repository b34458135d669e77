package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
)

// Stays is what the document says of every update.
const Stays = "Members that are left out stay as they are. An empty text, list or object empties; null takes a time away."

// Changes is embedded in the input of an update and knows which members its body
// names. A value alone does not tell whether it was sent or left out.
type Changes struct{ members map[string]json.RawMessage }

// Resolve is called by huma, with a body that fits its schema.
func (c *Changes) Resolve(hc huma.Context) []error {
	c.members = nil
	if err := json.Unmarshal(humafiber.Unwrap(hc).Body(), &c.members); err != nil {
		return []error{&huma.ErrorDetail{Location: "body", Message: "expected object"}}
	}
	return nil
}

// Names reports whether the body has the member.
func (c Changes) Names(member string) bool {
	for name := range c.members {
		if strings.EqualFold(name, member) { // as encoding/json matches them
			return true
		}
	}
	return false
}

// Inside returns the changes of a member that is an object.
func (c Changes) Inside(member string) Changes {
	var inner Changes
	for name, raw := range c.members {
		if strings.EqualFold(name, member) {
			_ = json.Unmarshal(raw, &inner.members) // null names nothing
		}
	}
	return inner
}

// Over returns sent, with the members that the body does not name as they are in
// what is there.
func Over[T any](c Changes, there, sent T) T {
	from, to := reflect.ValueOf(there), reflect.ValueOf(&sent).Elem()
	for _, f := range reflect.VisibleFields(from.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && !c.Names(name) {
			to.FieldByIndex(f.Index).Set(from.FieldByIndex(f.Index))
		}
	}
	return sent
}
