package sim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme, not a choice of ours
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
)

// toSign is the text that signature version 1.0 of the RPC style signs:
// every parameter but Signature, sorted by the bytes of its name.
func toSign(method string, values map[string]string) string {
	pairs := make([]string, 0, len(values))
	for _, name := range sortedKeys(values) {
		if name != "Signature" {
			pairs = append(pairs, escape(name)+"="+escape(values[name]))
		}
	}
	return method + "&" + escape("/") + "&" + escape(strings.Join(pairs, "&"))
}

// sign computes the HMAC-SHA1 of a text under the secret and an ampersand.
func sign(text, secret string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape keeps letters, digits and "-_.~" and writes every other byte as %XX.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

func sameSignature(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
