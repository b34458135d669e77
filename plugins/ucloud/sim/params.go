package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxListed bounds every X.N list in a request.
const maxListed = 200

// labelPattern is the rule for names and tags: 1 to 63 Chinese characters, letters, digits, '-', '_' or '.'.
var labelPattern = regexp.MustCompile(`^[\p{Han}A-Za-z0-9._-]{1,63}$`)

// params reads the decoded, flat parameters of one request. The first bad
// one is kept in err, so a reader takes all fields and checks once.
type params struct {
	values map[string]string
	err    *retError
}

func (p *params) fail(e *retError) {
	if p.err == nil {
		p.err = e
	}
}

// str returns the value or the default when the parameter is absent or empty.
func (p *params) str(name, def string) string {
	if v := p.values[name]; v != "" {
		return v
	}
	return def
}

func (p *params) need(name string) string {
	v := p.values[name]
	if v == "" {
		p.fail(missing(name))
	}
	return v
}

// num reads an integer between lo and hi.
func (p *params) num(name string, def, lo, hi int) int {
	v := p.values[name]
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		p.fail(notAvailable(name))
		return def
	}
	return n
}

func (p *params) needNum(name string, lo, hi int) int {
	p.need(name)
	return p.num(name, lo, lo, hi)
}

func (p *params) flag(name string) bool {
	switch strings.ToLower(p.values[name]) {
	case "", "false":
		return false
	case "true":
		return true
	}
	p.fail(notAvailable(name))
	return false
}

// oneOf reads a word of a closed list, in any case, and returns the listed spelling.
func (p *params) oneOf(name, def string, allowed ...string) string {
	v := p.str(name, def)
	if v == "" {
		return ""
	}
	i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, v) })
	if i < 0 {
		p.fail(notAvailable(name))
		return def
	}
	return allowed[i]
}

func (p *params) label(name, def string) string {
	v := p.str(name, def)
	if !labelPattern.MatchString(v) {
		p.fail(notAvailable(name))
	}
	return v
}

// text reads free text of at most 255 bytes.
func (p *params) text(name string) string {
	v := p.values[name]
	if len(v) > 255 {
		p.fail(notAvailable(name))
	}
	return v
}

// list reads X.0, X.1, … up to the first gap.
func (p *params) list(name string) []string {
	var out []string
	for i := 0; ; i++ {
		v, ok := p.values[fmt.Sprintf("%s.%d", name, i)]
		if !ok {
			return out
		}
		if i == maxListed {
			p.fail(notAvailable(name))
			return out
		}
		out = append(out, v)
	}
}

// has tells whether any parameter begins with prefix.
func (p *params) has(prefix string) bool {
	for k := range p.values {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

// page reads Offset and Limit; a Limit over hi is refused.
func (p *params) page(def, hi int) (offset, limit int) {
	return p.num("Offset", 0, 0, 1<<30), p.num("Limit", def, 1, hi)
}

func pageOf[T any](all []T, offset, limit int) []T {
	lo := min(offset, len(all))
	return all[lo:min(lo+limit, len(all))]
}

// flatten turns a decoded JSON body into the names a form would carry.
func flatten(out map[string]string, prefix string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			flatten(out, join(prefix, k), e)
		}
	case []any:
		for i, e := range x {
			flatten(out, join(prefix, strconv.Itoa(i)), e)
		}
	case nil:
	default:
		out[prefix] = scalar(v)
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
