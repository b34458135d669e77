package sim

import (
	"slices"
	"strings"
)

// condition is one filter of a list call: a field and the values it may have.
type condition struct {
	name   string
	not    bool
	values []string
}

// filters reads filters.N and tags.N; only the named fields may be filtered.
func (q *request) filters(allowed ...string) []condition {
	var out []condition
	for _, f := range q.objs("filters") {
		c := condition{name: f.need("name"), values: f.list("values")}
		c.not = f.oneOf("operator", "eq", "eq", "ne", "neq", "in", "like") == "ne"
		if !slices.Contains(allowed, c.name) {
			q.fail(invalid(f.at("name"), "it is not a field to filter by"))
		}
		out = append(out, c)
	}
	for _, t := range q.objs("tags") {
		out = append(out, condition{name: "tag:" + t.need("key"), values: t.list("values")})
	}
	return out
}

// passAll tells whether a row passes; field gives the values of a field.
func passAll(conds []condition, field func(name string) []string) bool {
	for _, c := range conds {
		found := slices.ContainsFunc(field(c.name), func(v string) bool { return slices.Contains(c.values, v) })
		if strings.HasPrefix(c.name, "tag:") && len(c.values) == 0 {
			found = len(field(c.name)) > 0
		}
		if found == c.not {
			return false
		}
	}
	return true
}

// pick returns the field of a row by its name; tags are looked up by key.
func pick(fields map[string]string, tags []tag) func(string) []string {
	return func(name string) []string {
		if key, ok := strings.CutPrefix(name, "tag:"); ok {
			for _, t := range tags {
				if t.Key == key {
					return []string{t.Value}
				}
			}
			return nil
		}
		return []string{fields[name]}
	}
}

// page is a checked pageNumber and pageSize.
type page struct{ number, size int }

func (q *request) page() page {
	return page{number: q.num("pageNumber", 1, 1, 1<<30), size: q.num("pageSize", 20, 10, 100)}
}

// pageOf cuts a page out of a list; beyond the end it is empty, or the last
// page once more where the service does so.
func pageOf[T any](all []T, p page, repeatLast bool) []T {
	last := max((len(all)+p.size-1)/p.size, 1)
	if p.number > last && repeatLast {
		p.number = last
	}
	if p.number > last {
		return nil
	}
	lo := (p.number - 1) * p.size
	return all[lo:min(lo+p.size, len(all))]
}

// rowsOf writes a page of rows.
func rowsOf[T any](all []T, write func(T) answer) []answer {
	out := []answer{}
	for _, r := range all {
		out = append(out, write(r))
	}
	return out
}

// tag is a user's label of a resource.
type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// userTags reads at most ten tags.
func (p *params) userTags(name string) []tag {
	var out []tag
	for _, t := range p.objs(name) {
		out = append(out, tag{Key: t.need("key"), Value: t.str("value", "")})
	}
	if len(out) > 10 {
		p.fail(invalid(p.at(name), "at most 10 tags are allowed"))
	}
	return out
}

func tagRows(tags []tag) []answer {
	return rowsOf(tags, func(t tag) answer { return answer{"key": t.Key, "value": t.Value} })
}
