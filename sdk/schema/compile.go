package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// node is one schema of a document.
type node struct {
	never bool // the schema false
	ref   *node

	types   []string
	enum    []any
	isConst bool
	fixed   any

	multipleOf, minimum, maximum, above, below *big.Rat

	minLength, maxLength *int
	pattern              *regexp.Regexp
	format               string

	minItems, maxItems       *int
	unique                   bool
	prefix                   []*node
	items, contains          *node
	minContains, maxContains *int

	minProperties, maxProperties *int
	required                     []string
	dependent                    map[string][]string
	properties                   map[string]*node
	matching                     []matching
	additional, names            *node

	all, any, one     []*node
	not               *node
	when, then, other *node
}

// matching is the schema of the properties whose names match.
type matching struct {
	name *regexp.Regexp
	node *node
}

// unsupported are the keywords of the draft that are not offered: they concern
// several schemas that refer to each other, which a plugin's do not.
var unsupported = []string{
	"$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties",
}

// Compile prepares a schema of draft 2020-12. A $ref must lead to a place in the
// schema itself. These keywords are not offered: $anchor, $dynamicAnchor,
// $dynamicRef, $vocabulary, dependentSchemas, unevaluatedItems and
// unevaluatedProperties. Keywords that the draft does not know are notes.
func Compile(raw json.RawMessage) (*Validator, error) {
	doc, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	c := &compiler{root: doc, known: map[string]*node{}}
	root, err := c.at("#", doc)
	if err != nil {
		return nil, fmt.Errorf("compiling schema: %w", err)
	}
	open := map[*node]bool{}
	for _, n := range c.known {
		if n.returns(open) {
			return nil, fmt.Errorf("compiling schema: a schema leads back to itself for the same value")
		}
	}
	return &Validator{root: root}, nil
}

// returns reports whether checking one value against n comes back to n, which
// would never end. open says of each schema seen whether it is on the way there.
func (n *node) returns(open map[*node]bool) bool {
	if onTheWay, seen := open[n]; seen {
		return onTheWay
	}
	open[n] = true
	defer func() { open[n] = false }()
	inPlace := slices.Concat(n.all, n.any, n.one, []*node{n.ref, n.not, n.when, n.then, n.other})
	return slices.ContainsFunc(inPlace, func(next *node) bool { return next != nil && next.returns(open) })
}

// compiler compiles the schemas of one document, each once, by its JSON pointer.
type compiler struct {
	root  any
	known map[string]*node
}

// at compiles the schema that stands at a place of the document.
func (c *compiler) at(pointer string, raw any) (*node, error) {
	if n := c.known[pointer]; n != nil {
		return n, nil
	}
	n := &node{}
	c.known[pointer] = n
	switch s := raw.(type) {
	case bool:
		n.never = !s
		return n, nil
	case map[string]any:
		return n, c.object(n, pointer, s)
	}
	return nil, fmt.Errorf("%s: a schema is an object, true or false", pointer)
}

func (c *compiler) object(n *node, pointer string, s map[string]any) error {
	r := &reader{c: c, at: pointer, s: s}
	for _, name := range unsupported {
		if _, used := s[name]; used {
			r.fail(name, "is not offered")
		}
	}
	r.values(n)
	r.texts(n)
	r.lists(n)
	r.objects(n)
	n.all, n.any, n.one = r.schemas("allOf", 1), r.schemas("anyOf", 1), r.schemas("oneOf", 1)
	n.not, n.when, n.then, n.other = r.schema("not"), r.schema("if"), r.schema("then"), r.schema("else")
	n.ref = r.reference()
	r.named("$defs")
	return r.err
}

// reader reads the keywords of one schema. The first error stays.
type reader struct {
	c   *compiler
	at  string
	s   map[string]any
	err error
}

func (r *reader) fail(keyword, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s/%s: %s", r.at, keyword, fmt.Sprintf(format, args...))
	}
}

// get reads a keyword of one type.
func get[T any](r *reader, keyword string) (v T, given bool) {
	raw, given := r.s[keyword]
	if !given {
		return v, false
	}
	v, ok := raw.(T)
	if !ok {
		r.fail(keyword, "has a value of the wrong type")
	}
	return v, ok
}

func (r *reader) values(n *node) {
	switch t := r.s["type"].(type) {
	case nil:
	case string:
		n.types = []string{t}
	case []any:
		n.types = r.strings("type")
	default:
		r.fail("type", "must be a text or a list of texts")
	}
	for _, t := range n.types {
		if !slices.Contains([]string{"null", "boolean", "object", "array", "number", "integer", "string"}, t) {
			r.fail("type", "%q is no type", t)
		}
	}
	n.enum, _ = get[[]any](r, "enum")
	n.fixed, n.isConst = r.s["const"]
	n.multipleOf, n.minimum, n.maximum = r.number("multipleOf"), r.number("minimum"), r.number("maximum")
	n.above, n.below = r.number("exclusiveMinimum"), r.number("exclusiveMaximum")
	if n.multipleOf != nil && n.multipleOf.Sign() <= 0 {
		r.fail("multipleOf", "must be more than 0")
	}
}

func (r *reader) texts(n *node) {
	n.minLength, n.maxLength = r.count("minLength"), r.count("maxLength")
	if text, given := get[string](r, "pattern"); given {
		n.pattern = r.expression("pattern", text)
	}
	n.format, _ = get[string](r, "format")
	if slices.Contains(uncheckedFormats, n.format) {
		r.fail("format", "%q is not offered", n.format)
	}
}

func (r *reader) lists(n *node) {
	n.minItems, n.maxItems = r.count("minItems"), r.count("maxItems")
	n.unique, _ = get[bool](r, "uniqueItems")
	n.prefix, n.items, n.contains = r.schemas("prefixItems", 1), r.schema("items"), r.schema("contains")
	n.minContains, n.maxContains = r.count("minContains"), r.count("maxContains")
}

func (r *reader) objects(n *node) {
	n.minProperties, n.maxProperties = r.count("minProperties"), r.count("maxProperties")
	n.required = r.strings("required")
	n.properties, n.additional, n.names = r.named("properties"), r.schema("additionalProperties"), r.schema("propertyNames")
	byPattern := r.named("patternProperties")
	for _, text := range slices.Sorted(maps.Keys(byPattern)) {
		n.matching = append(n.matching, matching{r.expression("patternProperties", text), byPattern[text]})
	}
	lists, _ := get[map[string]any](r, "dependentRequired")
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if n.dependent == nil {
			n.dependent = map[string][]string{}
		}
		of := &reader{c: r.c, at: r.at + "/dependentRequired", s: lists}
		if n.dependent[name] = of.strings(name); of.err != nil && r.err == nil {
			r.err = of.err
		}
	}
}

func (r *reader) strings(keyword string) (out []string) {
	list, _ := get[[]any](r, keyword)
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			r.fail(keyword, "must be a list of texts")
		}
		out = append(out, text)
	}
	return out
}

func (r *reader) number(keyword string) *big.Rat {
	text, given := get[json.Number](r, keyword)
	if !given {
		return nil
	}
	n, ok := rat(text)
	if !ok {
		r.fail(keyword, "is out of range")
	}
	return n
}

func (r *reader) count(keyword string) *int {
	n := r.number(keyword)
	if n == nil {
		return nil
	}
	if !n.IsInt() || n.Sign() < 0 || !n.Num().IsInt64() {
		r.fail(keyword, "must be a whole number of at least 0")
		return nil
	}
	i := int(n.Num().Int64())
	return &i
}

func (r *reader) expression(keyword, text string) *regexp.Regexp {
	e, err := regexp.Compile(text)
	if err != nil {
		r.fail(keyword, "%q is no regular expression", text)
	}
	return e
}

func (r *reader) schema(keyword string) *node {
	raw, given := r.s[keyword]
	if !given {
		return nil
	}
	return r.child(keyword, raw)
}

func (r *reader) child(where string, raw any) *node {
	n, err := r.c.at(r.at+"/"+where, raw)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

func (r *reader) schemas(keyword string, least int) (out []*node) {
	list, given := get[[]any](r, keyword)
	if given && len(list) < least {
		r.fail(keyword, "is empty")
	}
	for i, raw := range list {
		out = append(out, r.child(fmt.Sprintf("%s/%d", keyword, i), raw))
	}
	return out
}

func (r *reader) named(keyword string) map[string]*node {
	list, _ := get[map[string]any](r, keyword)
	out := make(map[string]*node, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		out[name] = r.child(keyword+"/"+escape(name), list[name])
	}
	return out
}

// reference follows a $ref within the document.
func (r *reader) reference() *node {
	to, given := get[string](r, "$ref")
	if !given {
		return nil
	}
	raw := r.c.root
	if to != "#" && !strings.HasPrefix(to, "#/") {
		r.fail("$ref", "refers to %q: put it into the schema itself", to)
		return nil
	}
	for _, token := range strings.Split(to, "/")[1:] {
		if raw = step(raw, unescape(token)); raw == nil {
			r.fail("$ref", "%q is not there", to)
			return nil
		}
	}
	n, err := r.c.at(to, raw)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

// step returns the member of a value that a pointer's token names; nil: none.
func step(v any, token string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[token]
	case []any:
		for i := range v {
			if fmt.Sprint(i) == token {
				return v[i]
			}
		}
	}
	return nil
}

func escape(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

func unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}
