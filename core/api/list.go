package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
)

// Paging is the query of every list. What it holds when a use-case is called is
// settled: Sort is the list's own order when the client names none, or that of
// the page before, and Cursor is what the use-case returned.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before; empty for the first page. It is good for the sort it was returned with"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Rows in a page"`
	Sort   string `query:"sort" maxLength:"64" pattern:"^-?[A-Za-z0-9_.]+$" doc:"The member that the rows are sorted by; with - before it the greatest, or newest, are first. Rows that are alike in it have an order that stays"`
}

// By is the member that the rows are to be sorted by.
func (p Paging) By() string { return strings.TrimPrefix(p.Sort, "-") }

// Down reports whether the greatest, or newest, come first.
func (p Paging) Down() bool { return strings.HasPrefix(p.Sort, "-") }

func (p *Paging) paging() *Paging { return p }

// sortEnds ends the sort at the beginning of a cursor.
const sortEnds = "~"

// settle completes what the client asked for.
func (p *Paging) settle(order string) error {
	if p.Cursor == "" {
		if p.Sort == "" {
			p.Sort = order
		}
		return nil
	}
	sort, cursor, ok := strings.Cut(p.Cursor, sortEnds)
	switch {
	case !ok || cursor == "":
		return fault.Invalid("cursor", "is not one that this list returned: start again without it")
	case p.Sort != "" && p.Sort != sort:
		return fault.Invalid("cursor", "is of the list sorted by %q: send that sort or none with it, or start again without it", sort)
	}
	p.Sort, p.Cursor = sort, cursor
	return nil
}

// next makes the cursor of a use-case one of this list.
func (p *Paging) next(cursor string) string {
	if cursor == "" {
		return ""
	}
	return p.Sort + sortEnds + cursor
}

// inOrder calls a use-case. Of a list it settles the paging before, and ties the
// cursor to it afterwards.
func inOrder[I, O any](
	ctx context.Context, order string, c access.Caller, in *I, fn func(context.Context, access.Caller, *I) (*O, error),
) (*O, error) {
	list, ok := any(in).(interface{ paging() *Paging })
	if !ok {
		return fn(ctx, c, in)
	}
	p := list.paging()
	if err := p.settle(order); err != nil {
		return nil, err
	}
	out, err := fn(ctx, c, in)
	if page, ok := any(out).(interface{ cursor() *string }); ok && err == nil {
		*page.cursor() = p.next(*page.cursor())
	}
	return out, err
}

// tellSort writes into the document what a list can be sorted by, which huma
// holds requests against.
func (r Route) tellSort(doc *huma.OpenAPI) {
	op := operationOf(doc.Paths[r.Path], r.Method)
	if op == nil || r.Method != http.MethodGet || len(r.Sort) == 0 {
		return
	}
	for _, p := range op.Parameters {
		if p.Name != "sort" {
			continue
		}
		own := *p.Schema
		own.Enum, own.Pattern, own.MaxLength = nil, "", nil
		for _, key := range r.Sort {
			own.Enum = append(own.Enum, key, "-"+key)
		}
		if r.Order != "" {
			own.Default = r.Order
		}
		*p.Schema = own
		p.Schema.PrecomputeMessages()
	}
}

// List is the body of every list.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"The rows of this page"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last"`
}

// ListOut is the answer of every list.
type ListOut[T any] struct{ Body List[T] }

func (l *ListOut[T]) cursor() *string { return &l.Body.Next }

// NewList converts a page of domain values.
func NewList[D, T any](items []D, next string, convert func(D) T) *ListOut[T] {
	out := &ListOut[T]{Body: List[T]{Items: make([]T, 0, len(items)), Next: next}}
	for _, d := range items {
		out.Body.Items = append(out.Body.Items, convert(d))
	}
	return out
}
