package recorder

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"tradewind.example/sdk/redact"
	"tradewind.example/sdk/secret"
)

// minSecret is the shortest known value: a shorter one would be found by
// chance everywhere.
const minSecret = 4

// Scrub says what is secret, beside what package redact finds by its name.
type Scrub struct {
	// Names of headers, query parameters and body fields, in any case.
	Names []string
	// Values are masked wherever they stand, in plain and in the usual
	// encodings, and must not be left in the file.
	Values []secret.Value
	// Clear are names that are kept though they look telling ("page_token").
	Clear []string
}

type scrubber struct {
	names, clear map[string]bool
	forms        []string // of the known values, longest encodings first
	replace      *strings.Replacer
}

func newScrubber(s Scrub) (*scrubber, error) {
	out := &scrubber{names: lower(s.Names), clear: lower(s.Clear)}
	var list []string
	for _, v := range s.Values {
		text := v.Reveal()
		if len(text) < minSecret {
			return nil, fmt.Errorf("a known secret has less than %d characters: it cannot be told from other text", minSecret)
		}
		for _, form := range forms(text) {
			out.forms = append(out.forms, form)
			list = append(list, form, secret.Mask)
		}
	}
	out.replace = strings.NewReplacer(list...)
	return out, nil
}

// forms are the texts under which a secret may stand in a message.
func forms(text string) []string {
	quoted, _ := json.Marshal(text) // a string always has a JSON form
	all := []string{
		text, url.QueryEscape(text), url.PathEscape(text), strings.Trim(string(quoted), `"`),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(text)), "="),
		hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
	}
	var out []string
	seen := map[string]bool{}
	for _, f := range all {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}

func lower(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[strings.ToLower(n)] = true
	}
	return out
}

// telling reports whether what stands under name is masked.
func (s *scrubber) telling(name string) bool {
	n := strings.ToLower(name)
	return s.names[n] || redact.Key(name) && !s.clear[n]
}

func (s *scrubber) request(req *http.Request, raw []byte) entry {
	return entry{Request: request{
		Method:  req.Method,
		URL:     s.url(req.URL),
		Headers: s.headers(req.Header),
		Body:    s.body(req.Header.Get("Content-Type"), raw),
	}}
}

func (s *scrubber) response(e *entry, resp *http.Response, raw []byte) {
	e.Response = response{Status: resp.StatusCode, Headers: s.headers(resp.Header), Body: s.body(resp.Header.Get("Content-Type"), raw)}
}

func (s *scrubber) url(u *url.URL) string {
	clean := *u
	clean.User = nil
	clean.RawQuery = s.values(u.Query())
	clean.Fragment = ""
	return s.replace.Replace(clean.String())
}

func (s *scrubber) values(q url.Values) string {
	for name, values := range q {
		for i := range values {
			if s.telling(name) {
				values[i] = secret.Mask
			} else {
				values[i] = s.replace.Replace(values[i])
			}
		}
	}
	return q.Encode()
}

func (s *scrubber) headers(h http.Header) []pair {
	out := pairs(h)
	for i, p := range out {
		if s.telling(p.Name) {
			out[i].Value = secret.Mask
		} else {
			out[i].Value = s.replace.Replace(redact.Text(p.Value))
		}
	}
	return out
}

func (s *scrubber) body(contentType string, raw []byte) *body {
	kind, _, _ := mime.ParseMediaType(contentType) // "" when it is not one
	var tree any
	switch {
	case kind == "application/x-www-form-urlencoded":
		if q, err := url.ParseQuery(string(raw)); err == nil {
			raw = []byte(s.values(q))
		}
	case json.Unmarshal(raw, &tree) == nil:
		raw = s.json(raw)
	}
	if b := newBody(contentType, raw); b == nil || b.Encoding != "" {
		return b
	}
	return newBody(contentType, []byte(s.replace.Replace(string(raw))))
}

// json masks fields by their names and keeps numbers as they are written.
func (s *scrubber) json(raw []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return raw
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.walk(tree)); err != nil {
		return raw
	}
	return bytes.TrimSpace(out.Bytes())
}

func (s *scrubber) walk(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if s.telling(name) && inner != nil && inner != "" {
				v[name] = secret.Mask
			} else {
				v[name] = s.walk(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = s.walk(v[i])
		}
	case string:
		return s.replace.Replace(v)
	}
	return v
}

// survivors looks for known values in the file and inside bodies in base64.
func (s *scrubber) survivors(t *tape, raw []byte) error {
	if where := s.find(string(raw)); where != "" {
		return fmt.Errorf("%w, %s", ErrSecret, where)
	}
	for i, e := range t.Log.Entries {
		for _, b := range []*body{e.Request.Body, e.Response.Body} {
			plain, err := b.bytes()
			if err != nil {
				return err
			}
			if where := s.find(string(plain)); where != "" {
				return fmt.Errorf("%w, in the body of entry %d (%s %s)", ErrSecret, i, e.Request.Method, e.Request.URL)
			}
		}
	}
	return nil
}

// find tells around where a known value stands, "" when none does.
func (s *scrubber) find(text string) string {
	for _, form := range s.forms {
		if at := strings.Index(text, form); at >= 0 {
			return fmt.Sprintf("%d lines from the start", strings.Count(text[:at], "\n"))
		}
	}
	return ""
}
