package appendjson_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"tradewind.example/core/appendjson"
)

// reference is what encoding/json writes for s.
func reference(t testing.TB, s string) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte{'\n'}))
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", `quo"te`, `back\slash`, "new\nline", "tab\x00", "\x7f", "über", "云", "\u2028", "bad\xff", "<a&b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(appendjson.String([]byte("x"), s)), "x"+reference(t, s); got != want {
			t.Errorf("%q is written as %s, want %s", s, got, want)
		}
	})
}

func TestObject(t *testing.T) {
	t.Parallel()
	b := []byte(`{"list":[`)
	for i, s := range []string{"a", "b"} {
		b = appendjson.String(appendjson.Comma(b, i), s)
	}
	b = append(b, ']')
	b = appendjson.Field(b, "full", "x\"y")
	b = appendjson.Present(b, "empty", "")
	b = append(appendjson.Present(b, "there", "z"), '}')
	if got, want := string(b), `{"list":["a","b"],"full":"x\"y","there":"z"}`; got != want {
		t.Errorf("written %s, want %s", got, want)
	}
}
