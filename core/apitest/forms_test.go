package apitest

import (
	"bytes"
	"slices"
	"testing"
)

// forms are texts to look for, all in one pass: what is searched is long, and
// there are hundreds of them.
type forms struct {
	begins [1 << 16]bool // by the first two bytes of a form
	by     map[[4]byte][]form
}

// form is a text to look for, and whose it is.
type form struct {
	text  []byte
	whose string
}

func newForms() *forms { return &forms{by: map[[4]byte][]form{}} }

// add adds a form of at least four bytes.
func (f *forms) add(text []byte, whose string) {
	f.begins[uint16(text[0])|uint16(text[1])<<8] = true
	key := [4]byte(text)
	f.by[key] = append(f.by[key], form{text, whose})
}

// in tells whose forms are in a text, each once.
func (f *forms) in(text []byte) []string {
	var out []string
	for i := 0; i+4 <= len(text); i++ {
		if !f.begins[uint16(text[i])|uint16(text[i+1])<<8] {
			continue
		}
		for _, x := range f.by[[4]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], x.text) && !slices.Contains(out, x.whose) {
				out = append(out, x.whose)
			}
		}
	}
	return out
}

func TestFormsAreFoundWhereverTheyAre(t *testing.T) {
	t.Parallel()
	f := newForms()
	f.add([]byte("abcd"), "short")
	f.add([]byte("abcdef"), "long")
	f.add([]byte("cdefg"), "other")
	for text, want := range map[string][]string{
		"": nil, "abc": nil, "xabc": nil, "abcd": {"short"}, "ababcd": {"short"}, "abcdefg": {"short", "long", "other"}, "abcdabcd": {"short"}, "xcdef": nil, "xcdefg": {"other"},
	} {
		if got := f.in([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("in %q: %v, want %v", text, got, want)
		}
	}
}
