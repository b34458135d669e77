// Package field checks the fields of an input and collects everything that is
// wrong with them, each under its path, so that one answer tells it all.
//
// It knows how texts may look and nothing of what a field means: whoever has
// checks of its own embeds [Problems] and adds to them. Not safe for concurrent
// use.
package field

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
)

// Problems are the wrong fields found so far. The zero value has none.
type Problems []fault.Field

// Add notes one wrong field.
func (p *Problems) Add(path, format string, args ...any) {
	*p = append(*p, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Text wants s to have from least to most characters and none that controls a
// terminal or a log. With least 0 the field is optional.
func (p *Problems) Text(path, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least && n == 0:
		p.Add(path, "is required")
	case n < least:
		p.Add(path, "must have at least %d characters", least)
	case n > most:
		p.Add(path, "must have at most %d characters", most)
	case !utf8.ValidString(s):
		p.Add(path, "must be valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		p.Add(path, "must not have control characters")
	}
}

// Err is nil without problems, else one invalid fault with all of them.
func (p *Problems) Err() error { return fault.InvalidFields(*p) }
