package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

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
	// Sort names the members that the rows of a list can be sorted by, and Order
	// is the one it has without being asked, with - before it when the greatest
	// are first. Without Order the list has one of its own, which Detail tells.
	Sort    []string
	Order   string
	Status  int   // of success; 0: 200
	MaxBody int64 // bytes; 0: the server's default
	Public  bool  // no sign-in needed, and a token is not looked at; no parameters in the path
	Hidden  bool  // not in the OpenAPI document
	// Changes lists further classes beside the usual ones that clients should expect.
	Faults []fault.Class
}

// usual are the faults every endpoint may answer.
var usual = []fault.Class{fault.ClassInvalid, fault.ClassThrottled, fault.ClassUnavailable}

func (r Route) operation() huma.Operation {
	op := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary,
		Description: r.Detail, Tags: []string{r.Tag}, DefaultStatus: r.Status,
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
		out, err := inOrder(ctx, r.Order, caller, in, fn)
		if err != nil {
			return nil, s.fail(ctx, where, err)
		}
		return out, nil
	})
	r.tellSort(s.huma.OpenAPI())
	r.bodyMayBeAbsent(s.huma.OpenAPI())
	where.learn(s.huma.OpenAPI(), r)
	if short != nil {
		short.learn(s.huma.OpenAPI())
	}
}

// bodyMayBeAbsent lets a client leave out a body of which nothing is required.
// An update that names nothing is a mistake all the same.
func (r Route) bodyMayBeAbsent(doc *huma.OpenAPI) {
	op := operationOf(doc.Paths[r.Path], r.Method)
	if op == nil || r.Method != http.MethodPost || op.RequestBody == nil || op.RequestBody.Content[fiber.MIMEApplicationJSON] == nil {
		return
	}
	body := op.RequestBody.Content[fiber.MIMEApplicationJSON].Schema
	for body != nil && body.Ref != "" {
		body = doc.Components.Schemas.SchemaFromRef(body.Ref)
	}
	if body != nil && body.Type == huma.TypeObject && len(body.Required) == 0 {
		op.RequestBody.Required = false
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
