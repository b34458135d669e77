// Package plugintest runs a plugin inside a test: in the test's own process,
// but behind the real gRPC server with its checks and over a connection in
// memory, called by the client that the broker's host also uses. Coverage,
// debugger and race detector work as for any test.
//
// It does not start binaries; what only a process can do wrong (printing before
// the handshake, leaking children) is for the host's tests.
package plugintest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"tradewind.example/sdk/internal/serve"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// pipeBytes is the buffer of the connection in memory.
const pipeBytes = 256 << 10

// Option changes what [Start] does.
type Option func(*options)

type options struct {
	host   provider.HostServices
	logger *slog.Logger
}

// WithHost serves h to a plugin that is a provider.HostUser, instead of a new [Host].
func WithHost(h provider.HostServices) Option { return func(o *options) { o.host = h } }

// WithLogger gives the plugin this logger, instead of one that writes to the test's log.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Start serves p until the test ends and returns a client for it. A plugin
// that cannot be served ends the test with the reason. All that Start started
// has ended when the test's cleanup is over.
func Start(t testing.TB, p provider.Provider, opts ...Option) *client.Client {
	t.Helper()
	o := options{logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, opt := range opts {
		opt(&o)
	}
	server := newServer(t, p, o.logger)
	pipe := bufconn.Listen(pipeBytes)
	g := grpc.NewServer(server.Options()...)
	server.Register(g)
	served := make(chan error, 1)
	go func() { served <- g.Serve(pipe) }()
	conn := dial(t, pipe)
	c := client.New(conn)
	unlink := linkHost(t, c, p, o.host)
	t.Cleanup(func() {
		unlink()
		shutdown(t, c)
		_ = conn.Close()
		g.Stop()
		if err := <-served; err != nil {
			t.Errorf("serving the plugin: %v", err)
		}
	})
	return c
}

// Problem returns why p cannot be served, nil when it can.
func Problem(ctx context.Context, p provider.Provider) error {
	_, err := serve.New(ctx, p, serve.Config{})
	return err
}

func newServer(t testing.TB, p provider.Provider, log *slog.Logger) *serve.Server {
	t.Helper()
	server, err := serve.New(t.Context(), p, serve.Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func dial(t testing.TB, pipe *bufconn.Listener) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// linkHost serves the host's services to a plugin that uses them; the function
// it returns ends that and waits for it.
func linkHost(t testing.TB, c *client.Client, p provider.Provider, h provider.HostServices) (unlink func()) {
	t.Helper()
	if _, ok := p.(provider.HostUser); !ok {
		return func() {}
	}
	if h == nil {
		h = NewHost()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	linked := make(chan error, 1)
	go func() { linked <- c.LinkHost(ctx, h) }()
	return func() {
		cancel()
		if err := <-linked; err != nil {
			t.Errorf("linking the host: %v", err)
		}
	}
}

func shutdown(t testing.TB, c *client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
	defer cancel()
	if err := c.Shutdown(ctx); err != nil {
		t.Errorf("shutting the plugin down: %v", err)
	}
}
