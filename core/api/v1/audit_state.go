package v1

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// freeForm are the members of a recorded state whose own members are named by
// plugins, clouds or users.
var freeForm = []string{"Spec", "State", "Settings", "Input", "Output", "Config", "Labels"}

// apart are the recorded names that the API says in another word.
var apart = map[string]string{"CheckedAt": "checked", "PurchaseToken": "token"}

// noTime is a time that was not set.
const noTime = "0001-01-01T00:00:00Z"

// stateOf shows a recorded state in the words of the API, as the caller may see
// it: members have the API's names, times that are not set are absent as they
// are everywhere, and so is who stands above the caller's seller.
func (s standpoint) stateOf(recorded json.RawMessage) any {
	if len(recorded) == 0 || string(recorded) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(recorded))
	dec.UseNumber()
	var tree any
	if dec.Decode(&tree) != nil {
		return nil // the chain's check tells of a record that was damaged
	}
	return s.named(tree)
}

func (s standpoint) named(node any) any {
	switch n := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, v := range n {
			if v == noTime || s.hidden(v) {
				continue
			}
			if _, whole := v.(map[string]any); !whole || !slices.Contains(freeForm, name) {
				v = s.named(v)
			}
			out[apiName(name)] = v
		}
		return out
	case []any:
		out := make([]any, 0, len(n))
		for _, v := range n {
			if !s.hidden(v) {
				out = append(out, s.named(v))
			}
		}
		return out
	}
	return node
}

func (s standpoint) hidden(v any) bool {
	text, ok := v.(string)
	return ok && slices.Contains(s.above(), text)
}

// apiName turns the name of a recorded field into the API's: ProviderID is
// provider_id, SHA256 is sha256.
func apiName(name string) string {
	if other, ok := apart[name]; ok {
		return other
	}
	var b strings.Builder
	for i := range len(name) {
		if i > 0 && begins(name, i) {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}

// begins reports whether a word begins at the i-th letter of a field's name.
func begins(name string, i int) bool {
	if !capital(name[i]) {
		return false
	}
	if before := name[i-1]; !capital(before) {
		return before != '_'
	}
	rest := name[i+1:]
	return rest != "" && rest[0] >= 'a' && rest[0] <= 'z' && rest != "s"
}

func capital(b byte) bool { return b >= 'A' && b <= 'Z' }
