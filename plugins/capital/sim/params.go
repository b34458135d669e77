package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxListed bounds every list in a request.
const maxListed = 200

// params reads the arguments of one call, or of one object inside them. The
// first bad one is kept, so a handler reads all fields and checks once.
type params struct {
	values map[string]any
	path   string
	fault  *firstError // shared by all objects of one call
}

type firstError struct{ err *apiError }

func newParams(values map[string]any) params {
	return params{values: values, fault: &firstError{}}
}

func (p *params) fail(e *apiError) {
	if p.fault.err == nil {
		p.fault.err = e
	}
}

func (p *params) err() *apiError { return p.fault.err }

// has tells whether the argument is there and not null.
func (p *params) has(name string) bool { return p.values[name] != nil }

// str reads text; absent is empty, anything but text is refused.
func (p *params) str(name string) string {
	switch v := p.values[name].(type) {
	case nil:
		return ""
	case string:
		if len(v) > 1024 {
			p.fail(invalid(p.path+name, "is longer than 1024 bytes"))
		}
		return v
	default:
		p.fail(refuse(400, codeParse, "%s%s must be a string", p.path, name))
		return ""
	}
}

func (p *params) need(name string) string {
	v := p.str(name)
	if v == "" {
		p.fail(missing(p.path + name))
	}
	return v
}

// oneOf reads a required word of a closed list.
func (p *params) oneOf(name string, allowed ...string) string {
	v := p.need(name)
	if v != "" && !slices.Contains(allowed, v) {
		p.fail(invalid(p.path+name, "must be one of "+strings.Join(allowed, ", ")))
	}
	return v
}

// num reads a JSON number between lo and hi.
func (p *params) num(name string, def, lo, hi int) int {
	if _, ok := p.values[name].(string); ok {
		p.fail(refuse(400, codeParse, "%s%s must be a number", p.path, name))
		return def
	}
	return p.loose(name, def, lo, hi)
}

// loose reads a number that may come as text, as all of a query does.
func (p *params) loose(name string, def, lo, hi int) int {
	var text string
	switch v := p.values[name].(type) {
	case nil:
		return def
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		p.fail(refuse(400, codeParse, "%s%s must be a number", p.path, name))
		return def
	}
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		p.fail(invalid(p.path+name, fmt.Sprintf("must be a whole number from %d to %d", lo, hi)))
		return def
	}
	return n
}

func (p *params) needNum(name string, lo, hi int) int {
	if !p.has(name) {
		p.fail(missing(p.path + name))
		return lo
	}
	return p.num(name, lo, lo, hi)
}

// flag reads true or false.
func (p *params) flag(name string) bool {
	switch v := p.values[name].(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		p.fail(refuse(400, codeParse, "%s%s must be true or false", p.path, name))
		return false
	}
}

func (p *params) needFlag(name string) bool {
	if !p.has(name) {
		p.fail(missing(p.path + name))
	}
	return p.flag(name)
}

func (p *params) list(name string) []any {
	switch v := p.values[name].(type) {
	case nil:
		return nil
	case []any:
		if len(v) > maxListed {
			p.fail(invalid(p.path+name, "has more than 200 entries"))
			return nil
		}
		return v
	default:
		p.fail(refuse(400, codeParse, "%s%s must be a list", p.path, name))
		return nil
	}
}

// strs reads a list of texts; a repeated or empty one is refused.
func (p *params) strs(name string) []string {
	out := []string{}
	for _, e := range p.list(name) {
		s, ok := e.(string)
		if !ok {
			p.fail(refuse(400, codeParse, "%s%s must be a list of strings", p.path, name))
			return nil
		}
		if s == "" || slices.Contains(out, s) {
			p.fail(invalid(p.path+name, "has an empty or repeated entry"))
		}
		out = append(out, s)
	}
	return out
}

func (p *params) needStrs(name string) []string {
	out := p.strs(name)
	if len(out) == 0 {
		p.fail(missing(p.path + name))
	}
	return out
}

// texts reads a list that a query carries as the text of a JSON array; a body
// may carry it as a list too.
func (p *params) texts(name string) []string {
	text, ok := p.values[name].(string)
	if !ok {
		return p.strs(name)
	}
	if text == "" {
		return nil
	}
	var out []string
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out) > maxListed {
		p.fail(refuse(400, codeParse, "%s%s must be the text of a JSON array of strings", p.path, name))
		return nil
	}
	return out
}

// obj reads an object; nil when it is absent.
func (p *params) obj(name string) *params {
	switch v := p.values[name].(type) {
	case nil:
		return nil
	case map[string]any:
		return &params{values: v, path: p.path + name + ".", fault: p.fault}
	default:
		p.fail(refuse(400, codeParse, "%s%s must be an object", p.path, name))
		return nil
	}
}

// needObj reads an object; an empty stand-in when it is absent.
func (p *params) needObj(name string) *params {
	if o := p.obj(name); o != nil {
		return o
	}
	p.fail(missing(p.path + name))
	return &params{fault: p.fault}
}

// objs reads a list of objects.
func (p *params) objs(name string) []*params {
	out := []*params{}
	for i, e := range p.list(name) {
		v, ok := e.(map[string]any)
		if !ok {
			p.fail(refuse(400, codeParse, "%s%s must be a list of objects", p.path, name))
			return nil
		}
		out = append(out, &params{values: v, path: fmt.Sprintf("%s%s[%d].", p.path, name, i), fault: p.fault})
	}
	return out
}

func (p *params) needObjs(name string) []*params {
	out := p.objs(name)
	if len(out) == 0 {
		p.fail(missing(p.path + name))
	}
	return out
}
