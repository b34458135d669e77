package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// ErrAttach means that a plugin in development cannot be attached to.
var ErrAttach = errors.New("plugin cannot be attached to")

// AttachConfig says what to attach to.
type AttachConfig struct {
	Name     string // the provider's name
	At       handshake.Reattach
	Services provider.HostServices // offered to a plugin that keeps data at the host; nil offers none
	Log      *slog.Logger
}

// Attached is a connection to a plugin that somebody else runs, under a debugger
// for instance. It has no TLS and is for development only. It is a gRPC
// connection and safe for concurrent use. It never ends the plugin; Close only
// ends the connection, and must be called once.
type Attached struct {
	at          handshake.Reattach
	addr        net.Addr
	conn        *grpc.ClientConn
	calls       *client.Client
	description provider.Description
	work        sync.WaitGroup
	cancel      context.CancelFunc // ends the work

	broken sync.Once
	down   chan struct{} // closed when the connection is lost
}

var _ grpc.ClientConnInterface = (*Attached)(nil)

// Attach connects to the plugin and returns when it can serve. ctx bounds that.
func Attach(ctx context.Context, cfg AttachConfig) (*Attached, error) {
	addr, err := checkSocket(cfg.At)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("unix:"+cfg.At.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()), dialOptions(), grpc.WithIdleTimeout(0))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAttach, err)
	}
	a := &Attached{at: cfg.At, addr: addr, conn: conn, calls: client.New(conn), down: make(chan struct{})}
	if err := a.greet(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrAttach, err), conn.Close())
	}
	a.watch(ctx, cfg)
	return a, nil
}

// dialOptions bounds messages in both directions.
func dialOptions() grpc.DialOption {
	return grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(handshake.MaxMessageBytes), grpc.MaxCallSendMsgSize(handshake.MaxMessageBytes),
	)
}

// checkSocket accepts only a socket that belongs to this user and that nobody
// else may open: credentials will be sent through it.
func checkSocket(at handshake.Reattach) (net.Addr, error) {
	where, err := at.GoPlugin()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAttach, err)
	}
	if at.ProtocolVersion != handshake.ProtocolVersion {
		return nil, fmt.Errorf("%w: it speaks protocol %d, this host speaks %d", ErrAttach, at.ProtocolVersion, handshake.ProtocolVersion)
	}
	st, err := os.Lstat(at.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAttach, err)
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	switch {
	case st.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%w: %q is no socket", ErrAttach, at.Addr)
	case !ok || int(owner.Uid) != os.Geteuid() || st.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: others may open %q; it must be yours, with mode 0600", ErrAttach, at.Addr)
	}
	return where.Addr, nil
}

// greet asks the plugin whether it is well and what it is.
func (a *Attached) greet(ctx context.Context, cfg AttachConfig) error {
	err := a.calls.Health(ctx)
	if err != nil {
		return err
	}
	if a.description, err = a.calls.Describe(ctx); err != nil {
		return err
	}
	if a.description.Name != cfg.Name {
		return fmt.Errorf("it says that its name is %q, not %q", a.description.Name, cfg.Name)
	}
	if a.wantsHost() && cfg.Services == nil {
		return errNoServices
	}
	return nil
}

func (a *Attached) wantsHost() bool {
	return slices.Contains(a.description.Capabilities, provider.CapHostStorage)
}

// watch closes Done when the connection is lost, and serves the host's services
// to a plugin that wants them.
func (a *Attached) watch(ctx context.Context, cfg AttachConfig) {
	ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	a.work.Go(func() {
		untilBroken(ctx, a.conn)
		a.lose()
	})
	if !a.wantsHost() {
		return
	}
	a.work.Go(func() {
		err := a.calls.LinkHost(ctx, cfg.Services)
		if ctx.Err() == nil && !a.Ended() {
			cfg.Log.Error("the link to an attached plugin broke", "plugin", cfg.Name, "error", err)
		}
		a.lose()
	})
}

func (a *Attached) lose() { a.broken.Do(func() { close(a.down) }) }

// Invoke makes one unary call. When it fails because the connection is lost,
// Done is closed before Invoke returns.
func (a *Attached) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	err := a.conn.Invoke(ctx, method, args, reply, opts...)
	if err != nil && connectionLost(ctx, a.conn, err) {
		a.lose()
	}
	return err
}

// NewStream opens a stream.
func (a *Attached) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return a.conn.NewStream(ctx, desc, method, opts...)
}

// Description returns what the plugin said of itself.
func (a *Attached) Description() provider.Description { return a.description }

// PID returns the id of the process, as it said.
func (a *Attached) PID() int { return a.at.PID }

// SHA256 returns "": nothing is known of the binary.
func (a *Attached) SHA256() string { return "" }

// Done is closed when the connection is lost, which never heals.
func (a *Attached) Done() <-chan struct{} { return a.down }

// Ended reports whether Done is closed.
func (a *Attached) Ended() bool {
	select {
	case <-a.down:
		return true
	default:
		return false
	}
}

// Err tells, after Done, what happened.
func (a *Attached) Err() error {
	return fmt.Errorf("attached plugin, pid %d, closed its connection", a.at.PID)
}

// Probe asks the plugin whether it can serve. One that does not answer in time
// counts as well: it may stand at a breakpoint. A lost connection closes Done.
func (a *Attached) Probe(ctx context.Context) error {
	err := probe(ctx, a.addr, a.calls.Health)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Close ends the connection and leaves the plugin as it is.
func (a *Attached) Close(context.Context) error {
	a.lose()
	a.cancel()
	err := a.conn.Close()
	a.work.Wait()
	return err
}
