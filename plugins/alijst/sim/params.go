package sim

import (
	"slices"
	"strconv"
	"strings"
)

// maxListed bounds every X.N list in a request.
const maxListed = 200

// kind is the type of a parameter.
type paramKind int

const (
	text paramKind = iota
	whole
	truth
)

// param is one documented parameter. A name with ".N" is a list, one with
// ".N." a field of a list of structures.
type param struct {
	name   string
	kind   paramKind
	need   bool
	words  string // the allowed words, joined by "|"; empty allows all
	lo, hi int64  // of a whole number; both 0 is no bound
}

// check holds every documented parameter against what came: presence and form
// first, as the gateway does, then values, as the product does.
func check(ps []param, values map[string]string) *refusal {
	for _, p := range ps {
		if err := p.form(values); err != nil {
			return err
		}
	}
	for _, p := range ps {
		for _, v := range p.all(values) {
			if v != "" && !p.allows(v) {
				return invalid(p.name)
			}
		}
	}
	return nil
}

// form refuses what is missing or no number or truth value.
func (p param) form(values map[string]string) *refusal {
	all := p.all(values)
	if p.need && (len(all) == 0 || slices.Contains(all, "")) {
		return missing(strings.NewReplacer(".N", "").Replace(p.name))
	}
	if len(all) > maxListed {
		return malformed(p.name)
	}
	for _, v := range all {
		if v != "" && !p.wellFormed(v) {
			return malformed(p.name)
		}
	}
	return nil
}

func (p param) wellFormed(v string) bool {
	switch p.kind {
	case whole:
		_, err := strconv.ParseInt(v, 10, 64)
		return err == nil
	case truth:
		return v == "true" || v == "false"
	default:
		return true
	}
}

func (p param) allows(v string) bool {
	if p.words != "" {
		return slices.Contains(strings.Split(p.words, "|"), v)
	}
	if p.kind == whole && (p.lo != 0 || p.hi != 0) {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && n >= p.lo && n <= p.hi
	}
	return true
}

// all returns what came under the name, one value per place of a list. A
// structure without the field counts with an empty value.
func (p param) all(values map[string]string) []string {
	head, field, isList := strings.Cut(p.name, ".N")
	if !isList {
		if v, ok := values[p.name]; ok {
			return []string{v}
		}
		return nil
	}
	var out []string
	for i := 1; i <= maxListed+1 && hasPlace(values, head, i); i++ {
		out = append(out, values[head+"."+strconv.Itoa(i)+field])
	}
	return out
}

// hasPlace tells whether head.i or a field of it came.
func hasPlace(values map[string]string, head string, i int) bool {
	place := head + "." + strconv.Itoa(i)
	if _, ok := values[place]; ok {
		return true
	}
	for k := range values {
		if strings.HasPrefix(k, place+".") {
			return true
		}
	}
	return false
}

// fits tells whether a name of a request is this documented one.
func (p param) fits(name string) bool {
	head, field, isList := strings.Cut(p.name, ".N")
	if !isList {
		return name == p.name
	}
	rest, ok := strings.CutPrefix(name, head+".")
	rest, end := strings.CutSuffix(rest, field)
	_, err := strconv.Atoi(rest)
	return ok && end && err == nil
}

// call is one request after its parameters were read. It lives for one call.
type call struct {
	values  map[string]string
	action  string
	method  string
	acct    *account
	plan    plan
	subject string // the resource, for the call log
}

func (q *call) str(name string) string { return q.values[name] }

// num returns a number that check has accepted; absent is 0.
func (q *call) num(name string) int64 {
	n, err := strconv.ParseInt(q.values[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (q *call) has(name string) bool {
	_, ok := q.values[name]
	return ok
}

func (q *call) yes(name string) bool { return q.values[name] == "true" }

// or returns the value, or def when the parameter is absent or empty.
func (q *call) or(name, def string) string {
	if v := q.values[name]; v != "" {
		return v
	}
	return def
}

func (q *call) list(name string) []string {
	return param{name: name + ".N"}.all(q.values)
}

// keeps tells whether a filter that may be absent lets a row pass.
func (q *call) keeps(name, v string) bool {
	want := q.values[name]
	return want == "" || want == v
}

// keepsNum is keeps for numbers.
func (q *call) keepsNum(name string, n int64) bool {
	return q.values[name] == "" || q.num(name) == n
}

// answer is a part of a response.
type answer map[string]any

// page cuts the page asked for out of all rows.
func (q *call) page(number string, rows []answer) answer {
	size, first := q.window(number, len(rows))
	return answer{"Data": rows[first : first+size], "PageNumber": max(q.num(number), 1), "PageSize": q.pageSize(), "TotalCount": len(rows)}
}

func (q *call) pageSize() int64 {
	if size := q.num("PageSize"); size > 0 {
		return size
	}
	return 20
}

// window is where the page asked for lies among all rows.
func (q *call) window(number string, all int) (size, first int) {
	lo := min((max(q.num(number), 1)-1)*q.pageSize(), int64(all))
	return int(min(q.pageSize(), int64(all)-lo)), int(lo)
}
