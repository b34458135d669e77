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
	"errors"
	"fmt"
	"log/slog"
)

// Mask is what every printing path of a non-empty [Value] shows.
const Mask = "******"

// Value is a secret text. The zero Value is empty. Compare Values with
// [Value.Equal]: == tells nothing about the texts.
type Value struct {
	// text is behind a pointer because fmt cannot call the methods of a Value in
	// an unexported field: it prints an address there.
	text *string
}

// New wraps text.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{text: &text}
}

// Reveal returns the text. Call it only where the secret leaves for its
// rightful receiver (a signer, a header of a request to the cloud).
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether the secret is empty.
func (v Value) IsZero() bool { return v.text == nil }

// Equal compares in constant time.
func (v Value) Equal(o Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(o.Reveal())) == 1
}

func (v Value) masked() string {
	if v.IsZero() {
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
// Its errors do not quote what was read.
func (v *Value) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return errors.New("a secret must be a JSON string")
	}
	*v = New(text)
	return nil
}

// UnmarshalText reads the plain secret.
func (v *Value) UnmarshalText(b []byte) error {
	*v = New(string(b))
	return nil
}
