package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bounds of one request: bytes, values, and levels of a body.
const (
	maxBody   = 1 << 20
	maxParams = 2000
	maxDepth  = 8
)

var errTooBig = errors.New("too many or too deep parameters")

// params reads one object of the parameters of a request. All readers of a
// request share err, where the first mistake is kept, so that a caller takes
// all fields and checks once. Null and absent are the same.
type params struct {
	values map[string]any
	path   string
	err    **apiError
}

func newParams(values map[string]any) params {
	var first *apiError
	return params{values: values, err: &first}
}

func (p *params) fail(e *apiError) {
	if *p.err == nil {
		*p.err = e
	}
}

func (p *params) failed() *apiError { return *p.err }

func (p *params) at(name string) string { return p.path + name }

// text returns the value of a string or number field.
func (p *params) text(name string) (string, bool) {
	switch x := p.values[name].(type) {
	case nil:
		return "", false
	case string:
		return x, x != ""
	case json.Number:
		return x.String(), true
	case bool:
		return strconv.FormatBool(x), true
	}
	p.fail(invalid(p.at(name), "it must be a single value"))
	return "", false
}

// str returns the value, or the default when the field is absent or empty.
func (p *params) str(name, def string) string {
	if v, ok := p.text(name); ok {
		return v
	}
	return def
}

func (p *params) need(name string) string {
	v, ok := p.text(name)
	if !ok {
		p.fail(missing(p.at(name)))
	}
	return v
}

func (p *params) has(name string) bool { return p.values[name] != nil }

// limited reads free text of at most n bytes.
func (p *params) limited(name string, n int) string {
	v := p.str(name, "")
	if len(v) > n {
		p.fail(invalid(p.at(name), "it is longer than "+strconv.Itoa(n)))
	}
	return v
}

// matching reads a needed text of a given form.
func (p *params) matching(name string, form *regexp.Regexp) string {
	v := p.need(name)
	if v != "" && !form.MatchString(v) {
		p.fail(invalid(p.at(name), "its form is wrong"))
	}
	return v
}

// num reads an integer between lo and hi; 1e+07 is one.
func (p *params) num(name string, def, lo, hi int) int {
	v, ok := p.text(name)
	if !ok {
		return def
	}
	n, err := whole(v)
	if err != nil {
		p.fail(invalid(p.at(name), "it is not an integer"))
		return def
	}
	if n < lo || n > hi {
		p.fail(outOfRange(p.at(name), lo, hi))
		return def
	}
	return n
}

func (p *params) needNum(name string, lo, hi int) int {
	p.need(name)
	return p.num(name, lo, lo, hi)
}

// whole parses an integer that may be written with an exponent.
func whole(s string) (int, error) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, err
	}
	n := int(f)
	if strconv.FormatFloat(f, 'f', -1, 64) != strconv.Itoa(n) {
		return 0, errors.New("not an integer")
	}
	return n, nil
}

func (p *params) flag(name string, def bool) bool {
	v, ok := p.text(name)
	if !ok {
		return def
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		p.fail(invalid(p.at(name), "it is neither true nor false"))
	}
	return b
}

// oneOf reads a word of a closed list.
func (p *params) oneOf(name, def string, allowed ...string) string {
	v := p.str(name, def)
	if v != "" && !slices.Contains(allowed, v) {
		p.fail(invalid(p.at(name), "it must be one of "+strings.Join(allowed, ", ")))
		return def
	}
	return v
}

// obj reads a nested object; the second result is false when it is absent.
func (p *params) obj(name string) (params, bool) {
	out := params{path: p.at(name) + ".", err: p.err}
	switch x := p.values[name].(type) {
	case nil:
		return out, false
	case map[string]any:
		out.values = x
		return out, true
	}
	p.fail(invalid(p.at(name), "it must be an object"))
	return out, false
}

func (p *params) needObj(name string) params {
	out, ok := p.obj(name)
	if !ok {
		p.fail(missing(p.at(name)))
	}
	return out
}

// items returns the elements of a list, which a query numbers from 1.
func (p *params) items(name string) []any {
	switch x := p.values[name].(type) {
	case nil:
		return nil
	case []any:
		if len(x) > maxListed {
			p.fail(invalid(p.at(name), "it has too many elements"))
			return nil
		}
		return x
	case map[string]any:
		return p.numbered(name, x)
	}
	p.fail(invalid(p.at(name), "it must be a list"))
	return nil
}

func (p *params) numbered(name string, m map[string]any) []any {
	if len(m) > maxListed {
		p.fail(invalid(p.at(name), "it has too many elements"))
		return nil
	}
	out := make([]any, 0, len(m))
	for i := 1; i <= len(m); i++ {
		v, ok := m[strconv.Itoa(i)]
		if !ok {
			p.fail(invalid(p.at(name), "its elements are numbered from 1"))
			return nil
		}
		out = append(out, v)
	}
	return out
}

// list reads a list of texts.
func (p *params) list(name string) []string {
	var out []string
	for i, v := range p.items(name) {
		s, ok := v.(string)
		if !ok {
			p.fail(invalid(p.at(name)+"."+strconv.Itoa(i+1), "it must be a text"))
			return nil
		}
		out = append(out, s)
	}
	return out
}

// objs reads a list of objects.
func (p *params) objs(name string) []params {
	var out []params
	for i, v := range p.items(name) {
		m, ok := v.(map[string]any)
		at := p.at(name) + "." + strconv.Itoa(i+1)
		if !ok {
			p.fail(invalid(at, "it must be an object"))
			return nil
		}
		out = append(out, params{values: m, path: at + ".", err: p.err})
	}
	return out
}

// fromQuery turns names with dots into nested objects.
func fromQuery(raw string) (map[string]any, error) {
	if strings.Count(raw, "&") >= maxParams {
		return nil, errTooBig
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, name := range sortedKeys(form) {
		if err := nest(out, strings.Split(name, "."), form[name][0]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func nest(into map[string]any, names []string, value string) error {
	if len(names) > maxDepth {
		return errTooBig
	}
	for _, n := range names[:len(names)-1] {
		next, ok := into[n].(map[string]any)
		if !ok {
			if into[n] != nil {
				return errors.New("a parameter is both a value and an object")
			}
			next = map[string]any{}
			into[n] = next
		}
		into = next
	}
	last := names[len(names)-1]
	if _, ok := into[last].(map[string]any); ok {
		return errors.New("a parameter is both a value and an object")
	}
	into[last] = value
	return nil
}

// fromBody reads a JSON object; an empty body is an empty object.
func fromBody(body []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	if out == nil {
		out = map[string]any{}
	}
	if leaves(out, maxDepth) > maxParams {
		return nil, errTooBig
	}
	return out, nil
}

// leaves counts the values of a decoded body; one nested too deeply counts as too many.
func leaves(v any, depth int) int {
	if depth == 0 {
		return maxParams + 1
	}
	n := 0
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			n += leaves(e, depth-1)
		}
	case []any:
		for _, e := range x {
			n += leaves(e, depth-1)
		}
	default:
		n = 1
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
