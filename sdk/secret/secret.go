// Package secret holds values that must not be printed: every formatting,
// encoding and logging path of a [Value] shows a mask, and only [Value.Reveal]
// gives the text back.
//
// A Value is immutable and safe for concurrent use. It is not a vault: the
// bytes stay in the process's memory until collected.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Mask is what every printing path of a non-empty [Value] shows.
const Mask = "******"

// Value is a secret text. The zero Value is empty.
type Value struct{ text string }

// New wraps text.
func New(text string) Value { return Value{text: text} }

// Reveal returns the text. Call it only where the secret leaves for its
// rightful receiver (a signer, a header of a request to the cloud).
func (v Value) Reveal() string { return v.text }

// IsZero reports whether the secret is empty.
func (v Value) IsZero() bool { return v.text == "" }

// Equal compares in constant time.
func (v Value) Equal(o Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.text), []byte(o.text)) == 1
}

func (v Value) masked() string {
	if v.text == "" {
		return ""
	}
	return Mask
}

// String returns the mask.
func (v Value) String() string { return v.masked() }

// Format writes the mask for every verb, %#v and %x included.
func (v Value) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(v.masked())) }

// LogValue returns the mask.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.masked()) }

// MarshalJSON returns the mask as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.masked()) }

// MarshalText returns the mask.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.masked()), nil }

// UnmarshalJSON reads the plain secret: input carries secrets, output never.
func (v *Value) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &v.text) }

// UnmarshalText reads the plain secret.
func (v *Value) UnmarshalText(b []byte) error { v.text = string(b); return nil }
