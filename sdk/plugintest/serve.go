package plugintest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"tradewind.example/sdk/internal/serve"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// shutdownWait is the longest a plugin may take to put its things away.
const shutdownWait = 5 * time.Second

// Config is what [Serve] needs beside the provider.
type Config struct {
	Host   provider.HostServices // for a provider.HostUser; nil: a new [Host]
	Logger *slog.Logger          // what the plugin logs to; nil: nowhere
}

// Plugin is a plugin that is being served in this process. It is safe for
// concurrent use and must be closed.
type Plugin struct {
	server *serve.Server
	grpc   *grpc.Server
	conn   *grpc.ClientConn
	client *client.Client
	served chan error
	unlink func() error
	active atomic.Int64
	close  func() error
}

// Serve serves p until [Plugin.Close]. The error tells why p cannot be served.
func Serve(ctx context.Context, p provider.Provider, cfg Config) (*Plugin, error) {
	server, err := serve.New(ctx, p, serve.Config{Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	out := &Plugin{server: server, served: make(chan error, 1)}
	pipe := bufconn.Listen(pipeBytes)
	out.grpc = grpc.NewServer(append(server.Options(), grpc.WaitForHandlers(true), grpc.ChainUnaryInterceptor(out.unary), grpc.ChainStreamInterceptor(out.stream))...)
	server.Register(out.grpc)
	out.conn, err = grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to the plugin: %w", err)
	}
	go func() { out.served <- out.grpc.Serve(pipe) }()
	out.client = client.New(out.conn)
	out.unlink = link(ctx, out.client, p, cfg.Host)
	out.close = sync.OnceValue(func() error { return out.end(context.WithoutCancel(ctx)) })
	return out, nil
}

// Client returns the client that the broker's host also uses.
func (p *Plugin) Client() *client.Client { return p.client }

// Conn returns the connection to the plugin, which stays p's to close.
func (p *Plugin) Conn() grpc.ClientConnInterface { return p.conn }

// Description returns what p's provider described at start, with kinds and
// capabilities. The caller must not change what it points to.
func (p *Plugin) Description() provider.Description { return p.server.Description() }

// Active returns how many calls are in the author's code now. The stream of a
// host link counts as one.
func (p *Plugin) Active() int { return int(p.active.Load()) }

// Close shuts the plugin down and waits for all that [Serve] started. It may
// be called again and then returns the same.
func (p *Plugin) Close() error { return p.close() }

func (p *Plugin) end(ctx context.Context) error {
	err := p.unlink()
	ctx, cancel := context.WithTimeout(ctx, shutdownWait)
	defer cancel()
	if down := p.client.Shutdown(ctx); down != nil {
		err = errors.Join(err, fmt.Errorf("shutting the plugin down: %w", down))
	}
	_ = p.conn.Close()
	go p.grpc.Stop() // ends when the last call has left the author's code
	select {
	case served := <-p.served:
		if served != nil {
			err = errors.Join(err, fmt.Errorf("serving the plugin: %w", served))
		}
	case <-ctx.Done(): // a call that never leaves must not hold the test
	}
	return err
}

func (p *Plugin) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	p.active.Add(1)
	defer p.active.Add(-1)
	return next(ctx, req)
}

func (p *Plugin) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	p.active.Add(1)
	defer p.active.Add(-1)
	return next(srv, ss)
}

// link serves the host's services to a plugin that uses them; the function it
// returns ends that and waits for it.
func link(ctx context.Context, c *client.Client, p provider.Provider, h provider.HostServices) (unlink func() error) {
	if _, ok := p.(provider.HostUser); !ok {
		return func() error { return nil }
	}
	if h == nil {
		h = NewHost()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	linked := make(chan error, 1)
	go func() { linked <- c.LinkHost(ctx, h) }()
	return func() error {
		cancel()
		if err := <-linked; err != nil {
			return fmt.Errorf("linking the host: %w", err)
		}
		return nil
	}
}
