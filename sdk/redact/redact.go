// Package redact hides secrets in what is about to be written to a log: values
// under telling names, and telling parts of free text. It is the second line
// of defence; the first is secret.Value, which masks itself.
//
// All functions are pure and safe for concurrent use.
package redact

import (
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"unicode"

	"tradewind.example/sdk/secret"
)

// telling are the words that make a name secret when it contains one of them.
var telling = map[string]bool{
	"password": true, "passwd": true, "pwd": true, "passphrase": true, "secret": true, "secrets": true,
	"token": true, "key": true, "keys": true, "authorization": true, "credential": true, "credentials": true,
	"cookie": true, "signature": true, "privatekey": true, "accesskey": true, "apikey": true,
}

// Key reports whether a value under this name must not be shown. Words are
// told apart by case, - and _: "secretKey" and "api_key" are, "monkey" is not.
func Key(name string) bool {
	start := 0
	for i, r := range name {
		if i > start && unicode.IsUpper(r) && !unicode.IsUpper(rune(name[i-1])) {
			if telling[strings.ToLower(name[start:i])] {
				return true
			}
			start = i
		}
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			if telling[strings.ToLower(name[start:i])] {
				return true
			}
			start = i + 1
		}
	}
	return telling[strings.ToLower(name[start:])] || telling[strings.ToLower(name)]
}

// pairs finds name=value and "name":"value" with a telling name.
var pairs = regexp.MustCompile(`(?i)([a-z0-9_-]*(?:password|passwd|passphrase|secret|token|signature|credential|(?:api|access|private|public)[_-]?key)[a-z0-9_-]*["']?\s*[=:]\s*["']?)([^\s&"',;}]+)`)

// bearer finds the value of an Authorization header.
var bearer = regexp.MustCompile(`(?i)\b(authorization["']?\s*[=:]\s*["']?(?:[a-z]+ )?|bearer )([^\s"',;]+)`)

// Text masks what looks like a secret in free text.
func Text(s string) string {
	if !strings.ContainsAny(s, "=:") && !strings.Contains(strings.ToLower(s), "bearer ") {
		return s
	}
	s = bearer.ReplaceAllString(s, "${1}"+secret.Mask)
	return pairs.ReplaceAllString(s, "${1}"+secret.Mask)
}

// Attr masks a log attribute: by its name, in its text, and inside the value
// it holds, which is looked at in its JSON form.
func Attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if Key(a.Key) && v.Kind() != slog.KindGroup {
		return slog.String(a.Key, secret.Mask)
	}
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Text(v.String()))
	case slog.KindAny:
		return slog.Any(a.Key, value(v.Any()))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}

// value masks a Go value by way of its JSON form.
func value(v any) any {
	if err, ok := v.(error); ok {
		return Text(err.Error())
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "value cannot be logged"
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return "value cannot be logged"
	}
	return walk(tree)
}

func walk(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if Key(k) {
				v[k] = maskTree(inner)
			} else {
				v[k] = walk(inner)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = walk(v[i])
		}
		return v
	case string:
		return Text(v)
	default:
		return v
	}
}

// maskTree hides a value but shows whether there was one.
func maskTree(v any) any {
	if v == nil || v == "" {
		return v
	}
	return secret.Mask
}
