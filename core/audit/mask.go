package audit

import (
	"bytes"
	"encoding/json"
	"strings"

	"tradewind.example/sdk/secret"
)

// telling are the lower-case words that mark a field as secret when its name
// contains them; telling at the end only for those that ids also carry
// ("TokenID" is no secret).
func telling(name string) bool {
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	for _, w := range []string{"password", "secret", "credential", "privatekey", "accesskey", "apikey"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return strings.HasSuffix(name, "token") || strings.HasSuffix(name, "tokenhash") || strings.HasSuffix(name, "bearer")
}

// masked encodes v with the values of telling fields masked.
func masked(v any) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("null"), nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if !suspicious(raw) {
		return raw, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	mask(tree)
	return json.Marshal(tree)
}

// suspicious spares most records the walk.
func suspicious(raw []byte) bool {
	low := bytes.ToLower(raw)
	for _, w := range []string{"password", "secret", "credential", "key", "token", "bearer"} {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

func mask(node any) {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			if telling(k) && !empty(v) {
				n[k] = secret.Mask
				continue
			}
			mask(v)
		}
	case []any:
		for _, v := range n {
			mask(v)
		}
	}
}

func empty(v any) bool { return v == nil || v == "" || v == false }
