// Package plugintest runs a plugin inside a test: in the test's own process,
// but behind the real gRPC server with its checks and over a connection in
// memory, called by the client that the broker's host also uses. Coverage,
// debugger and race detector work as for any test.
//
// [Start] is for a test, [Serve] for any other program.
//
// It does not start binaries; what only a process can do wrong (printing before
// the handshake, leaking children) is for the host's tests.
package plugintest

import (
	"context"
	"log/slog"
	"testing"

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
	served, err := Serve(t.Context(), p, Config{Host: o.host, Logger: o.logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := served.Close(); err != nil {
			t.Error(err)
		}
	})
	return served.Client()
}

// Problem returns why p cannot be served, nil when it can.
func Problem(ctx context.Context, p provider.Provider) error {
	_, err := serve.New(ctx, p, serve.Config{})
	return err
}
