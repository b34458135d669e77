package sim

import (
	"slices"
	"strconv"
	"strings"
)

// params reads the query of one request. The first bad one is kept in err, so
// a reader takes all fields and checks once.
type params struct {
	query map[string]string
	vars  []string // the variable parts of the path
	err   *apiError
}

// newParams takes the first of parameters that are named twice.
func newParams(list []param) params {
	p := params{query: make(map[string]string, len(list))}
	for _, e := range list {
		if _, ok := p.query[e.name]; !ok {
			p.query[e.name] = e.value
		}
	}
	return p
}

func (p *params) fail(e *apiError) {
	if p.err == nil {
		p.err = e
	}
}

func (p *params) str(name string) string {
	v := p.query[name]
	if len(v) > 1024 {
		p.fail(badParam(name))
	}
	return v
}

func (p *params) need(name string) string {
	v := p.str(name)
	if v == "" {
		p.fail(badParam(name))
	}
	return v
}

// num reads an integer between lo and hi.
func (p *params) num(name string, def, lo, hi int) int {
	v := p.query[name]
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		p.fail(badParam(name))
		return def
	}
	return n
}

// list reads words that are joined by commas; nil when there are none.
func (p *params) list(name string) []string {
	v := p.query[name]
	if v == "" {
		return nil
	}
	words := strings.Split(v, ",")
	if len(words) > maxListed {
		p.fail(badParam(name))
		return nil
	}
	return words
}

// passes tells whether a filter is absent or has the value.
func (p *params) passes(name, value string) bool {
	words := p.list(name)
	return words == nil || slices.Contains(words, value)
}

// headed are rows with ids, which can be listed page by page.
type headed interface{ head() *meta }

// maxKeys is the most rows of one page.
const maxKeys = 1000

// paged writes one page of a list: marker, isTruncated, nextMarker, maxKeys and
// the rows under their name. The marker is opaque to clients: the sequence
// number of the first row that is not yet seen, so that rows that vanish
// between two pages disturb nothing.
func paged[T headed](q *request, name string, all []T, show func(T) any) map[string]any {
	limit := q.num("maxKeys", maxKeys, 1, maxKeys)
	from := int64(0)
	if m := q.query["marker"]; m != "" {
		n, err := strconv.ParseInt(m, 36, 64)
		if err != nil {
			q.fail(badParam("marker"))
		}
		from = n
	}
	rows := []any{}
	out := map[string]any{"marker": q.query["marker"], "maxKeys": limit, "isTruncated": false}
	for _, v := range all {
		if v.head().Seq < from {
			continue
		}
		if len(rows) == limit {
			out["isTruncated"], out["nextMarker"] = true, strconv.FormatInt(v.head().Seq, 36)
			break
		}
		rows = append(rows, show(v))
	}
	out[name] = rows
	return out
}

// numbered cuts one page by number out of a list; pages count from 1.
func numbered[T any](all []T, no, size int) []T {
	lo := min((no-1)*size, len(all))
	return all[lo:min(lo+size, len(all))]
}
