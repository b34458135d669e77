// Package appendjson writes JSON by appending to a byte slice, for the few
// documents that are written thousands of times in a second.
//
// It writes what encoding/json writes without escaping for HTML, and knows no
// types: whoever writes an object spells its braces and names. Everything else
// is written by encoding/json. Its functions are safe for concurrent use.
package appendjson

import (
	"bytes"
	"encoding/json"
)

// String appends s as a JSON string.
func String(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return escaped(b, s)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

func escaped(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // never fails for a string
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte{'\n'})...)
}

// Field appends a comma, the name and the text value of a field. The name is
// written as it is.
func Field(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return String(b, value)
}

// Present is Field for a value that is left out when empty.
func Present(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return Field(b, name, value)
}

// Comma appends the comma before the element at place i of an array.
func Comma(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}
