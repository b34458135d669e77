package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/core/access"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config is what a Server needs.
type Config struct {
	Auth    Authenticator
	Logger  *slog.Logger
	Clock   clock.Clock
	Version string

	BodyLimit      int           // bytes of a request body
	RequestTimeout time.Duration // longest a request may take
	ReadTimeout    time.Duration // longest the client may take to send one
	IdleTimeout    time.Duration // longest a connection may be silent
	RatePerSecond  int           // requests of one caller; 0: no limit
	RateBurst      int
	MaxConnections int
	// Ready returns nil when the broker can serve.
	Ready func(ctx context.Context) error
	// Trace, when set, begins the span of a request and returns its context, its
	// traceparent and what is to be told of its end.
	Trace func(ctx context.Context, method, traceparent string) (next context.Context, here string, end func(route string, status int))
	// MetricsAllowed decides who may read /metrics; nil: everyone.
	MetricsAllowed func(ctx context.Context, c access.Caller) bool
	Registry       *prometheus.Registry
}

func (c Config) validate() error {
	switch {
	case c.Auth == nil:
		return errors.New("api: an authenticator is required")
	case c.Logger == nil || c.Clock == nil || c.Registry == nil:
		return errors.New("api: logger, clock and registry are required")
	case c.BodyLimit <= 0 || c.RequestTimeout <= 0 || c.ReadTimeout <= 0 || c.IdleTimeout <= 0 || c.MaxConnections <= 0:
		return errors.New("api: body limit, timeouts and the connection limit must be positive")
	}
	return nil
}

// Server is the HTTP edge.
type Server struct {
	cfg     Config
	app     *fiber.App
	huma    huma.API
	auth    Authenticator
	log     *slog.Logger
	clock   clock.Clock
	limiter *limiter
	metrics *metrics
	lasting *lasting
	public  map[endpoint]bool // written by Handle, before Serve
}

// New builds the server with its middleware; bind routes with [Handle], then
// call Serve.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, auth: cfg.Auth, log: cfg.Logger, clock: cfg.Clock, public: map[endpoint]bool{}, lasting: newLasting()}
	s.limiter = newLimiter(cfg.Clock, cfg.RatePerSecond, cfg.RateBurst, 100_000)
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	s.metrics = m
	s.app = fiber.New(fiber.Config{
		AppName: "tradewind", DisableStartupMessage: true, Immutable: true, CaseSensitive: true,
		BodyLimit: cfg.BodyLimit, ReadTimeout: cfg.ReadTimeout, WriteTimeout: cfg.RequestTimeout + cfg.ReadTimeout,
		IdleTimeout: cfg.IdleTimeout, Concurrency: cfg.MaxConnections, ReadBufferSize: 16 << 10,
		ErrorHandler: s.onError,
	})
	s.app.Use(s.identify, s.recoverPanic, s.measure, secureHeaders)
	s.health()
	s.app.Use(s.authenticate, s.limit)
	s.exposeMetrics(cfg.Registry)
	s.huma = humafiber.New(s.app, s.document())
	s.huma.UseMiddleware(s.decodePath, s.checkQuery)
	s.docs()
	return s, nil
}

func secureHeaders(c *fiber.Ctx) error {
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Cache-Control", "no-store")
	c.Set("Referrer-Policy", "no-referrer")
	return c.Next()
}

// recoverPanic keeps one request's defect from ending the process.
func (s *Server) recoverPanic(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.answer(c, fault.Internal(fmt.Errorf("panic: %v", r), "panic while serving"))
		}
	}()
	return c.Next()
}

// onError answers what Fiber itself refuses: unknown routes, oversized bodies.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		return s.answer(c, err)
	}
	switch fe.Code {
	case fiber.StatusNotFound:
		return s.answer(c, fault.New(fault.ClassNotFound, "there is no such route; see /docs"))
	case fiber.StatusMethodNotAllowed:
		return s.answerStatus(c, fe.Code, fault.New(fault.ClassInvalid, "this route does not take %s; see /docs", c.Method()))
	case fiber.StatusRequestEntityTooLarge:
		return s.answerStatus(c, fe.Code, fault.New(fault.ClassInvalid, "the body is longer than %d bytes", s.cfg.BodyLimit))
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return s.answerStatus(c, fe.Code, fault.New(fault.ClassInvalid, "the headers are too long"))
	case fiber.StatusRequestTimeout:
		return s.answerStatus(c, fe.Code, fault.New(fault.ClassInvalid, "the request was not sent in time"))
	default:
		return s.answerStatus(c, fiber.StatusBadRequest, fault.New(fault.ClassInvalid, "the request cannot be read"))
	}
}

func (s *Server) answerStatus(c *fiber.Ctx, status int, f *fault.Error) error {
	p := ProblemOf(f)
	p.Status = status
	return s.write(c, p, f)
}

func (s *Server) logRequest(c *fiber.Ctx, route string, took time.Duration) {
	if !s.log.Enabled(c.UserContext(), slog.LevelDebug) {
		return
	}
	s.log.LogAttrs(c.UserContext(), slog.LevelDebug, "request",
		slog.String("request_id", requestIDOf(c.UserContext())), slog.String("method", c.Method()), slog.String("route", route),
		slog.Int("status", c.Response().StatusCode()), slog.Duration("took", took))
}

// health serves the two probes, which need no sign-in.
func (s *Server) health() {
	s.app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	s.app.Get("/readyz", func(c *fiber.Ctx) error {
		if s.cfg.Ready != nil {
			if err := s.cfg.Ready(c.UserContext()); err != nil {
				return s.answer(c, err)
			}
		}
		return c.JSON(fiber.Map{"status": "ready"})
	})
}

func (s *Server) needMetricsRight(c *fiber.Ctx) error {
	if s.cfg.MetricsAllowed == nil {
		return c.Next()
	}
	caller, ok := CallerOf(c.UserContext())
	if !ok {
		return s.answer(c, errUnauthenticated)
	}
	if !s.cfg.MetricsAllowed(c.UserContext(), caller) {
		return s.answer(c, fault.Forbidden("your roles do not let you read metrics"))
	}
	return c.Next()
}

// Serve answers requests on l until Shutdown; it then returns nil.
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(l) }

// Shutdown ends what outlives its request, stops accepting and waits for running
// requests until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.lasting.close()
	return errors.Join(s.app.ShutdownWithContext(ctx), s.lasting.wait(ctx))
}

// OpenAPI returns the OpenAPI 3.1 document as JSON.
func (s *Server) OpenAPI() ([]byte, error) { return s.huma.OpenAPI().MarshalJSON() }
