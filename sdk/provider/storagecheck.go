package provider

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
)

// The bounds of an event.
const (
	maxEventWord = 64
	maxEventData = 64 << 10
)

// Check returns an invalid fault, with a path for every problem, unless the
// transaction keeps the bounds of the storage.
func (t Transaction) Check() error {
	var p problems
	if n := len(t.Expect) + len(t.Writes); n > MaxStorageWrites {
		p.add("writes", "has, with expect, %d entries of at most %d", n, MaxStorageWrites)
		return fault.InvalidFields(p)
	}
	if t.Token != "" {
		p.key("token", t.Token)
	}
	for i, e := range t.Expect {
		p.key(fmt.Sprintf("expect[%d].key", i), e.Key)
	}
	seen := make(map[string]bool, len(t.Writes))
	for i, w := range t.Writes {
		p.key(fmt.Sprintf("writes[%d].key", i), w.Key)
		if seen[w.Key] {
			p.add(fmt.Sprintf("writes[%d].key", i), "is written twice")
		}
		if len(w.Value) > MaxStorageValue {
			p.add(fmt.Sprintf("writes[%d].value", i), "has more than %d bytes", MaxStorageValue)
		}
		seen[w.Key] = true
	}
	return fault.InvalidFields(p)
}

// CheckStorageKey returns an invalid fault unless key can be a key of the storage.
func CheckStorageKey(key string) error {
	var p problems
	p.key("key", key)
	return fault.InvalidFields(p)
}

// CheckEmitted returns an invalid fault, with a path for every problem, unless
// the event can be emitted to the host.
func (e Event) CheckEmitted() error {
	var p problems
	p.key("cursor", e.Cursor)
	if e.Type == "" || len(e.Type) > maxEventWord || !utf8.ValidString(e.Type) {
		p.add("type", "must have 1 to %d bytes of valid UTF-8", maxEventWord)
	}
	if len(e.Kind) > maxEventWord || !utf8.ValidString(e.Kind) {
		p.add("kind", "must have at most %d bytes of valid UTF-8", maxEventWord)
	}
	if e.ResourceID != "" {
		p.key("resource_id", e.ResourceID)
	}
	if len(e.Data) > maxEventData || len(e.Data) > 0 && !json.Valid(e.Data) {
		p.add("data", "must be JSON of at most %d bytes", maxEventData)
	}
	return fault.InvalidFields(p)
}

type problems []fault.Field

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) key(path, key string) {
	switch {
	case key == "":
		p.add(path, "is empty")
	case len(key) > MaxStorageKey:
		p.add(path, "has more than %d bytes", MaxStorageKey)
	case !utf8.ValidString(key):
		p.add(path, "is not valid UTF-8")
	}
}
