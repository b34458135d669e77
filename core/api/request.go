package api

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
)

// request is what the edge knows of a request: the context that use-cases get,
// with the deadline. The middleware completes it before any use-case runs.
type request struct {
	context.Context
	deadline deadline  // what Context begins with
	began    time.Time // when its first byte was looked at here
	id       string
	ip       string
	trace    string // W3C traceparent of its span; "" when it is not traced
	caller   access.Caller
	signedIn bool
}

type requestKey struct{}

// Value returns the request itself for its key.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// requestOf returns an empty request for a context that is none of ours.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{Context: ctx, began: time.Now()}
}

// CallerOf returns who asks; false when nobody signed in.
func CallerOf(ctx context.Context) (access.Caller, bool) {
	r := requestOf(ctx)
	return r.caller, r.signedIn
}

// RemoteIP returns the address of the client, for sign-in limits.
func RemoteIP(ctx context.Context) string { return requestOf(ctx).ip }

func requestIDOf(ctx context.Context) string { return requestOf(ctx).id }

// identify gives every request an id and a deadline. A client's own id is kept
// when it is short and harmless, so that its logs and ours join.
func (s *Server) identify(c *fiber.Ctx) error {
	r := &request{began: time.Now(), id: c.Get("X-Request-Id"), ip: c.IP()}
	if !harmless(r.id) {
		r.id = id.NewAt(r.began)
	}
	r.deadline.begin(c.UserContext(), r.began.Add(s.cfg.RequestTimeout))
	defer r.deadline.end()
	r.Context = &r.deadline
	if s.cfg.Trace != nil {
		var end func(string, int)
		r.Context, r.trace, end = s.cfg.Trace(r.Context, c.Method(), c.Get("traceparent"))
		defer func() { end(c.Route().Path, c.Response().StatusCode()) }()
	}
	c.SetUserContext(r)
	c.Set("X-Request-Id", r.id)
	return c.Next()
}

func harmless(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		ok := r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !ok {
			return false
		}
	}
	return true
}
