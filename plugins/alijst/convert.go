package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Bounds of one list: rows asked for at once, and pages.
const (
	pageSize  = 100
	mostPages = 10_000
)

// A thing's name at the cloud is its own, then a mark of the token that made it:
// "shop-tw-0123456789abcdef". There is no other place that all things have. A
// dash joins them, since some names are those of Kubernetes.
const (
	markSign = "-tw-"
	// nameMost leaves room for the mark in the 63 characters of Kubernetes.
	nameMost = 40
)

var marked = regexp.MustCompile(`-tw-([0-9a-f]{16})$`)

// markOf is a token's mark. Tokens are longer than names may be, so it is a hash.
func markOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	sum := sha256.Sum256([]byte(token))
	return "tw-" + hex.EncodeToString(sum[:8]), nil
}

// split takes a name of the cloud apart; mark is "" for things made elsewhere.
func split(name string) (own, mark string) {
	at := marked.FindStringIndex(name)
	if at == nil {
		return name, ""
	}
	return name[:at[0]], name[at[0]+1:]
}

// join puts a name and a mark together.
func join(own, mark string) string {
	if mark == "" {
		return own
	}
	return own + "-" + mark
}

var (
	notName  = regexp.MustCompile(`[^\p{Han}A-Za-z0-9._-]+`)
	notLabel = regexp.MustCompile(`[^a-z0-9-]+`)
)

// nameOf is a name without what might not be allowed.
func nameOf(name, otherwise string) string {
	name = strings.Trim(notName.ReplaceAllString(name, "-"), "-.")
	if r := []rune(name); len(r) > nameMost {
		name = strings.Trim(string(r[:nameMost]), "-.")
	}
	return firstText(name, otherwise)
}

// labelOf is a name as Kubernetes allows it: it begins with a letter.
func labelOf(name, otherwise string) string {
	name = strings.Trim(notLabel.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" || name[0] < 'a' {
		name = strings.Trim(otherwise+"-"+name, "-")
	}
	return strings.Trim(name[:min(len(name), nameMost)], "-")
}

// newName checks the new name of a thing that keeps its mark.
func newName(name string) error {
	if len([]rune(name)) > nameMost || notName.MatchString(name) || marked.MatchString(name) {
		return fault.Invalid("input.name", "must have at most %d letters, digits, dots, dashes and underscores", nameMost)
	}
	return nil
}

// whole and truth write parameters; an empty one is not sent.
func whole(n int64) requests.Integer { return requests.NewInteger64(n) }

func truth(b bool) requests.Boolean { return requests.NewBoolean(b) }

// some is whole for what may be left out.
func some(n *int64) requests.Integer {
	if n == nil {
		return ""
	}
	return whole(*n)
}

// texts writes a list of parameters; an empty one is not sent.
func texts(all []string) *[]string {
	if len(all) == 0 {
		return nil
	}
	return &all
}

var digits = regexp.MustCompile(`^[0-9]{1,18}$`)

// parts takes a composite id apart into n parts; numbers says how many of the
// first are numbers of the cloud. ok is false for an id that nothing can have.
func parts(id string, n, numbers int) (out []string, ok bool) {
	out = strings.SplitN(id, "/", n)
	if len(out) != n || slices.Contains(out, "") {
		return make([]string, n), false
	}
	for _, part := range out[:numbers] {
		if !digits.MatchString(part) {
			return make([]string, n), false
		}
	}
	return out, true
}

// inner is a part of a spec that names another thing.
func inner(id, path string, n, numbers int) ([]string, error) {
	out, ok := parts(id, n, numbers)
	if !ok {
		return out, fault.Invalid(path, "%q is not an id of such a thing", id)
	}
	return out, nil
}

// number is a part of an id as a parameter.
func number(part string) requests.Integer { return requests.Integer(part) }

// yaml is a text as the cloud takes it.
func yaml(text string) string {
	if text == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// plain is yaml undone; what is not in its form stays as it is.
func plain(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return text
	}
	return string(b)
}

func each(all []string, f func(string) string) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, f(s))
	}
	return out
}

// confirmed holds a change that cannot be undone to its confirmation.
func confirmed(word, id string) error {
	if word != id {
		return fault.Invalid("input.confirm", "must be %q: this cannot be undone", id)
	}
	return nil
}

// alone refuses an order of several: one token makes one.
func alone(t provider.Term) error {
	if t.Quantity > 1 {
		return fault.Invalid("term.quantity", "must be 1: one token makes one")
	}
	return nil
}

// listed is a page of a list.
type listed[Row any] struct {
	TotalCount loose
	Data       []Row
}

// pages streams a list page by page. The total is not always right, so a page
// without rows ends it too; a page that comes again is an error.
func pages[Row any](
	ctx context.Context, c *cloud, ask func(page, size requests.Integer) requests.AcsRequest, key func(Row) string, yield func(Row) error,
) error {
	seen, last := int64(0), ""
	for page := int64(1); page <= mostPages; page++ {
		out, err := read[listed[Row]](ctx, c, ask(whole(page), whole(pageSize)))
		if err != nil {
			return err
		}
		if len(out.Data) == 0 {
			return nil
		}
		first := key(out.Data[0])
		if first == last {
			return fault.Unavailable("the cloud gives the same page of a list again").From(fault.SourceCloud)
		}
		last = first
		for _, row := range out.Data {
			if err := yield(row); err != nil {
				return err
			}
		}
		seen += int64(len(out.Data))
		total := out.TotalCount.number()
		if total > 0 && seen >= total || total <= 0 && len(out.Data) < pageSize {
			return nil
		}
	}
	return fault.Unavailable("a list of the cloud does not end").From(fault.SourceCloud)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
