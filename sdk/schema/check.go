package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
)

// maxDepth bounds how deep a document is looked into: a schema may refer to itself.
const maxDepth = 200

// check returns what is wrong with a value. A value of the wrong type is
// looked at no further.
func (n *node) check(v any, at place, depth int) (bad []fault.Field) {
	switch {
	case depth > maxDepth:
		return wrong(at, "is nested too deeply")
	case n.never:
		return wrong(at, "must not be given")
	case len(n.types) > 0 && !slices.ContainsFunc(n.types, func(t string) bool { return isOf(v, t) }):
		return wrong(at, "must be %s", article(strings.Join(n.types, " or ")))
	}
	if n.ref != nil {
		bad = append(bad, n.ref.check(v, at, depth+1)...)
	}
	bad = append(bad, n.checkValue(v, at)...)
	switch v := v.(type) {
	case json.Number:
		bad = append(bad, n.checkNumber(v, at)...)
	case string:
		bad = append(bad, n.checkText(v, at)...)
	case []any:
		bad = append(bad, n.checkList(v, at, depth+1)...)
	case map[string]any:
		bad = append(bad, n.checkObject(v, at, depth+1)...)
	}
	return append(bad, n.checkCombined(v, at, depth+1)...)
}

func isOf(v any, t string) bool {
	switch v := v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case []any:
		return t == "array"
	case map[string]any:
		return t == "object"
	case json.Number:
		if t == "integer" {
			n, ok := rat(v)
			return ok && n.IsInt()
		}
		return t == "number"
	}
	return false
}

func (n *node) checkValue(v any, at place) (bad []fault.Field) {
	if n.enum != nil && !slices.ContainsFunc(n.enum, func(want any) bool { return same(want, v) }) {
		bad = append(bad, wrong(at, "must be one of %s", list(n.enum))...)
	}
	if n.isConst && !same(n.fixed, v) {
		bad = append(bad, wrong(at, "must be %s", list([]any{n.fixed}))...)
	}
	return bad
}

func (n *node) checkNumber(text json.Number, at place) (bad []fault.Field) {
	v, ok := rat(text)
	if !ok {
		return wrong(at, "is out of range")
	}
	for _, rule := range []struct {
		bound *big.Rat
		holds func(order int) bool
		words string
	}{
		{n.minimum, func(order int) bool { return order >= 0 }, "must be at least "},
		{n.maximum, func(order int) bool { return order <= 0 }, "must be at most "},
		{n.above, func(order int) bool { return order > 0 }, "must be more than "},
		{n.below, func(order int) bool { return order < 0 }, "must be less than "},
	} {
		if rule.bound != nil && !rule.holds(v.Cmp(rule.bound)) {
			bad = append(bad, wrong(at, "%s%s", rule.words, number(rule.bound))...)
		}
	}
	if n.multipleOf != nil && !new(big.Rat).Quo(v, n.multipleOf).IsInt() {
		bad = append(bad, wrong(at, "must be a multiple of %s", number(n.multipleOf))...)
	}
	return bad
}

func (n *node) checkText(v string, at place) (bad []fault.Field) {
	bad = between(at, utf8.RuneCountInString(v), n.minLength, n.maxLength, "characters")
	if n.pattern != nil && !n.pattern.MatchString(v) {
		bad = append(bad, wrong(at, "must match %s", n.pattern)...)
	}
	if !formatted(n.format, v) {
		bad = append(bad, wrong(at, "must be a valid %s", n.format)...)
	}
	return bad
}

func between(at place, n int, least, most *int, what string) (bad []fault.Field) {
	if least != nil && n < *least {
		bad = append(bad, wrong(at, "must have at least %d %s", *least, what)...)
	}
	if most != nil && n > *most {
		bad = append(bad, wrong(at, "must have at most %d %s", *most, what)...)
	}
	return bad
}

func (n *node) checkList(v []any, at place, depth int) (bad []fault.Field) {
	bad = between(at, len(v), n.minItems, n.maxItems, "items")
	if n.unique {
		seen := map[string]bool{}
		for _, item := range v {
			seen[canonical(item)] = true
		}
		if len(seen) < len(v) {
			bad = append(bad, wrong(at, "must not hold the same item twice")...)
		}
	}
	found := 0
	for i, item := range v {
		switch {
		case i < len(n.prefix):
			bad = append(bad, n.prefix[i].check(item, at.at(i), depth)...)
		case n.items != nil:
			bad = append(bad, n.items.check(item, at.at(i), depth)...)
		}
		if n.contains != nil && n.contains.check(item, at.at(i), depth) == nil {
			found++
		}
	}
	if n.contains == nil {
		return bad
	}
	least := 1
	if n.minContains != nil {
		least = *n.minContains
	}
	return append(bad, between(at, found, &least, n.maxContains, "items of the kind that it must contain")...)
}

func (n *node) checkObject(v map[string]any, at place, depth int) (bad []fault.Field) {
	bad = between(at, len(v), n.minProperties, n.maxProperties, "fields")
	missing := func(names []string) {
		for _, name := range names {
			if _, given := v[name]; !given {
				bad = append(bad, wrong(at.field(name), "is required")...)
			}
		}
	}
	missing(n.required)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if n.dependent != nil {
			missing(n.dependent[name])
		}
		if n.names != nil && n.names.check(name, at.field(name), depth) != nil {
			bad = append(bad, wrong(at.field(name), "has a name that is not allowed")...)
		}
		bad = append(bad, n.checkField(name, v[name], at.field(name), depth)...)
	}
	return bad
}

func (n *node) checkField(name string, v any, at place, depth int) (bad []fault.Field) {
	p, known := n.properties[name]
	if known {
		bad = p.check(v, at, depth)
	}
	for _, m := range n.matching {
		if m.name.MatchString(name) {
			known = true
			bad = append(bad, m.node.check(v, at, depth)...)
		}
	}
	switch {
	case known || n.additional == nil:
		return bad
	case n.additional.never:
		return wrong(at, "is not known; remove it")
	}
	return n.additional.check(v, at, depth)
}

// checkCombined holds the value to the schemas in the schema. What no branch
// allows is told as what is wrong by each.
func (n *node) checkCombined(v any, at place, depth int) (bad []fault.Field) {
	for _, s := range n.all {
		bad = append(bad, s.check(v, at, depth)...)
	}
	if fits, told := branches(n.any, v, at, depth); n.any != nil && fits == 0 {
		bad = append(bad, told...)
	}
	switch fits, told := branches(n.one, v, at, depth); {
	case n.one != nil && fits == 0:
		bad = append(bad, told...)
	case fits > 1:
		bad = append(bad, wrong(at, "breaks the rule oneOf")...)
	}
	if n.not != nil && n.not.check(v, at, depth) == nil {
		bad = append(bad, wrong(at, "breaks the rule not")...)
	}
	if n.when == nil {
		return bad
	}
	next := n.other
	if n.when.check(v, at, depth) == nil {
		next = n.then
	}
	if next != nil {
		bad = append(bad, next.check(v, at, depth)...)
	}
	return bad
}

func branches(all []*node, v any, at place, depth int) (fits int, told []fault.Field) {
	for _, s := range all {
		bad := s.check(v, at, depth)
		if bad == nil {
			fits++
		}
		told = append(told, bad...)
	}
	return fits, told
}

// maxExponent bounds the numbers that are understood: a short text must not make
// a number of a billion digits.
const maxExponent = 400

func rat(n json.Number) (*big.Rat, bool) {
	text := n.String()
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// same compares as the draft does: numbers by value, objects without order.
func same(a, b any) bool { return canonical(a) == canonical(b) }

// canonical writes equal values alike.
func canonical(v any) string {
	switch v := v.(type) {
	case json.Number:
		if n, ok := rat(v); ok {
			return n.RatString()
		}
		return "out of range " + v.String()
	case string:
		return strconv.Quote(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = canonical(item)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, strconv.Quote(name)+":"+canonical(v[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v)
}

func article(word string) string {
	if strings.HasPrefix(word, "a") || strings.HasPrefix(word, "o") || strings.HasPrefix(word, "i") {
		return "an " + word
	}
	return "a " + word
}

func list(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, ", ")
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(9), "0")
}
