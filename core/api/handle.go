package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
)

// Route describes one endpoint.
type Route struct {
	Method  string
	Path    string
	ID      string // operation id: "create-order"
	Tag     string // the group it is shown in
	Summary string
	Detail  string
	By      string // of a list: the one key that it is ordered by
	Status  int    // of success; 0: 200
	MaxBody int64  // bytes; 0: the server's default
	Public  bool   // no sign-in needed, and a token is not looked at; no parameters in the path
	Hidden  bool   // not in the OpenAPI document
	// Changes lists further classes beside the usual ones that clients should expect.
	Faults []fault.Class
}

// usual are the faults every endpoint may answer.
var usual = []fault.Class{fault.ClassInvalid, fault.ClassThrottled, fault.ClassUnavailable}

// description tells of a list also what it is ordered by: there is one key, and
// order turns it round.
func (r Route) description() string {
	if r.By == "" {
		return r.Detail
	}
	return strings.TrimSpace(r.Detail + " Ordered by " + r.By + ".")
}

func (r Route) operation() huma.Operation {
	op := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary,
		Description: r.description(), Tags: []string{r.Tag}, DefaultStatus: r.Status,
		MaxBodyBytes: r.MaxBody, Hidden: r.Hidden,
	}
	faults := append([]fault.Class{}, usual...)
	if !r.Public {
		op.Security = []map[string][]string{{"bearer": {}}}
		faults = append(faults, fault.ClassUnauthenticated, fault.ClassForbidden, fault.ClassNotFound)
	}
	if r.Method != http.MethodGet {
		faults = append(faults, fault.ClassConflict, fault.ClassPrecondition)
	}
	seen := map[int]bool{}
	for _, c := range append(faults, r.Faults...) {
		if s := statusOf[c]; !seen[s] {
			seen[s] = true
			op.Errors = append(op.Errors, s)
		}
	}
	return op
}

// Handle binds a route to a use-case of the signed-in caller. Errors of fn
// become problems through the one table.
func Handle[I, O any](s *Server, r Route, fn func(ctx context.Context, c access.Caller, in *I) (*O, error)) {
	op := r.operation()
	if r.Public {
		s.public[endpoint{r.Method, r.Path}] = true
	}
	where := places{}
	short := newShortcut(s, r, where, fn)
	if short != nil {
		short.bind()
	}
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		caller, ok := CallerOf(ctx)
		if !ok && !r.Public {
			return nil, s.fail(ctx, where, errUnauthenticated)
		}
		out, err := fn(ctx, caller, in)
		if err != nil {
			return nil, s.fail(ctx, where, err)
		}
		return out, nil
	})
	where.learn(s.huma.OpenAPI(), r)
	if short != nil {
		short.learn(s.huma.OpenAPI())
	}
}

func (s *Server) fail(ctx context.Context, where places, err error) *Problem {
	p := where.locate(ProblemOf(err))
	p.RequestID = requestIDOf(ctx)
	logFailure(ctx, s.log, p, err, p.RequestID)
	return p
}

// IfMatch is the header of every update: the ETag the client read.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the version you read; * to overwrite whatever is there" example:"\"7\""`
}

// Revision returns the revision to compare with; 0 for "*". A missing header is
// refused: a blind overwrite must be asked for.
func (m IfMatch) Revision() (uint64, error) {
	v := strings.TrimSpace(m.IfMatch)
	if v == "*" {
		return 0, nil
	}
	if v == "" {
		return 0, fault.Invalid("header.If-Match", "send the ETag you read, or * to overwrite")
	}
	n, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(v, "W/"), `"`), 10, 64)
	if err != nil || n == 0 {
		return 0, fault.Invalid("header.If-Match", "is not an ETag of this API: send the ETag header of the last answer")
	}
	return n, nil
}

// ETag renders a revision as an entity tag.
func ETag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// Key is the header of every request that moves money or changes a cloud.
type Key struct {
	IdempotencyKey string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"200" pattern:"^[!-~]+$" doc:"Your own unique key for this request. The same key with the same body gives the same answer and does nothing twice; with another body it is a conflict" example:"order-2025-0001"`
}

// Paging is the query of every list.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before; empty for the first page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Rows in a page"`
}

// Sorting is the query of lists that can be read from both ends.
type Sorting struct {
	Order string `query:"order" enum:"asc,desc" default:"desc" doc:"desc: the newest first"`
}

// Reverse reports whether the newest come first.
func (o Sorting) Reverse() bool { return o.Order != "asc" }

// Ascending is [Sorting] for lists that begin with the first name, or the oldest.
type Ascending struct {
	Order string `query:"order" enum:"asc,desc" default:"asc" doc:"desc: the other way round"`
}

// Reverse reports whether the list is read from its end.
func (o Ascending) Reverse() bool { return o.Order == "desc" }

// List is the body of every list.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"The rows of this page"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last"`
}

// ListOut is the answer of every list.
type ListOut[T any] struct{ Body List[T] }

// NewList converts a page of domain values.
func NewList[D, T any](items []D, next string, convert func(D) T) *ListOut[T] {
	out := &ListOut[T]{Body: List[T]{Items: make([]T, 0, len(items)), Next: next}}
	for _, d := range items {
		out.Body.Items = append(out.Body.Items, convert(d))
	}
	return out
}
