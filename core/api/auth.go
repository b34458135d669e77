package api

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/sdk/fault"
)

// Authenticator turns a bearer token into a caller. Package tenant implements it.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (access.Caller, error)
}

var errUnauthenticated = fault.Unauthenticated("send a session or an API token as: Authorization: Bearer <token>")

// endpoint is a route without parameters in its path.
type endpoint struct{ method, path string }

// authenticate reads the bearer token, if any. Whether a route needs a caller
// is decided by [Handle]; a wrong token is refused everywhere but on public
// routes, which do not look at it: whoever signs in may still send an old one.
func (s *Server) authenticate(c *fiber.Ctx) error {
	header := c.Get(fiber.HeaderAuthorization)
	if header == "" || s.public[endpoint{c.Method(), c.Path()}] {
		return c.Next()
	}
	scheme, bearer, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || len(bearer) > 512 {
		return s.answer(c, errUnauthenticated)
	}
	caller, err := s.auth.Authenticate(c.UserContext(), strings.TrimSpace(bearer))
	if err != nil {
		return s.answer(c, err)
	}
	r := requestOf(c.UserContext())
	caller.RequestID, caller.Trace, caller.IP = r.id, r.trace, r.ip
	r.caller, r.signedIn = caller, true
	return c.Next()
}

// answer writes err as a problem outside huma's pipeline.
func (s *Server) answer(c *fiber.Ctx, err error) error { return s.write(c, ProblemOf(err), err) }

func (s *Server) write(c *fiber.Ctx, p *Problem, cause error) error {
	if p.RequestID = requestIDOf(c.UserContext()); p.RequestID == "" { // refused before identify saw it
		p.RequestID = id.NewAt(s.clock.Now())
		c.Set("X-Request-Id", p.RequestID)
	}
	for k, v := range p.GetHeaders() {
		c.Set(k, v[0])
	}
	logFailure(c.UserContext(), s.log, p, cause, p.RequestID)
	return c.Status(p.Status).JSON(p, p.ContentType(""))
}
