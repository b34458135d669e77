package sim

import (
	"crypto/sha1" //nolint:gosec // the vendor's scheme, not a choice of ours
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// sign computes the vendor's signature over decoded parameters: names sorted
// by bytes, names and values joined without separators, the private key at
// the end, SHA-1 in lower-case hex. A parameter named Signature is left out.
func sign(params map[string]any, privateKey string) string {
	var b strings.Builder
	for _, name := range sortedKeys(params) {
		if name == "Signature" {
			continue
		}
		b.WriteString(name)
		writeSigned(&b, params[name])
	}
	b.WriteString(privateKey)
	sum := sha1.Sum([]byte(b.String())) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// writeSigned writes one value as the scheme counts it: lists contribute
// their elements, maps their sorted names and values.
func writeSigned(b *strings.Builder, v any) {
	switch x := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(x) {
			b.WriteString(name)
			writeSigned(b, x[name])
		}
	case []any:
		for _, e := range x {
			writeSigned(b, e)
		}
	default:
		b.WriteString(scalar(v))
	}
}

// scalar formats a leaf as form bodies carry it; numbers lose exponent and trailing zeros.
func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case json.Number:
		return plainNumber(x.String())
	default:
		return ""
	}
}

func plainNumber(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sameSignature(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
