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

type callerKey struct{}

type requestIDKey struct{}

var errUnauthenticated = fault.Unauthenticated("send a session or an API token as: Authorization: Bearer <token>")

// CallerOf returns who asks; false when nobody signed in.
func CallerOf(ctx context.Context) (access.Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(*access.Caller)
	if !ok {
		return access.Caller{}, false
	}
	return *c, true
}

type remoteIPKey struct{}

// RemoteIP returns the address of the client, for sign-in limits.
func RemoteIP(ctx context.Context) string {
	s, _ := ctx.Value(remoteIPKey{}).(string)
	return s
}

func requestIDOf(ctx context.Context) string {
	s, _ := ctx.Value(requestIDKey{}).(string)
	return s
}

// identify gives every request an id. A client's own id is kept when it is
// short and harmless, so that its logs and ours join.
func (s *Server) identify(c *fiber.Ctx) error {
	rid := c.Get("X-Request-Id")
	if !harmless(rid) {
		rid = id.New()
	}
	c.Locals(requestIDKey{}, rid)
	c.Locals(remoteIPKey{}, c.IP())
	c.Set("X-Request-Id", rid)
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

// authenticate reads the bearer token, if any. Whether a route needs a caller
// is decided by [Handle]; a wrong token is refused everywhere.
func (s *Server) authenticate(c *fiber.Ctx) error {
	header := c.Get(fiber.HeaderAuthorization)
	if header == "" {
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
	caller.RequestID, _ = c.Locals(requestIDKey{}).(string)
	caller.IP = c.IP()
	c.Locals(callerKey{}, &caller)
	return c.Next()
}

// answer writes err as a problem outside huma's pipeline.
func (s *Server) answer(c *fiber.Ctx, err error) error { return s.write(c, ProblemOf(err), err) }

func (s *Server) write(c *fiber.Ctx, p *Problem, cause error) error {
	p.RequestID, _ = c.Locals(requestIDKey{}).(string)
	for k, v := range p.GetHeaders() {
		c.Set(k, v[0])
	}
	logFailure(c.UserContext(), s.log, p, cause, p.RequestID)
	return c.Status(p.Status).JSON(p, p.ContentType(""))
}
