// Package session is one live connection to one running plugin: it launches the
// process, negotiates with it, compares it with its manifest, and forwards what
// it prints. It is not restarted and never reused; package supervise decides
// what comes after it.
//
// A [Session] is a gRPC connection and safe for concurrent use. It owns the process, the connection
// and all goroutines that serve them; [Session.Close] puts them away and must be
// called once, also after the process has ended by itself.
package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// Phase is how far a start has come.
type Phase string

// The phases, in order.
const (
	PhaseVerify    Phase = "verify"    // checking the binary
	PhaseHandshake Phase = "handshake" // executing it and reading its first line
	PhaseDial      Phase = "dial"      // connecting to its socket
	PhaseDescribe  Phase = "describe"  // comparing it with its manifest
)

// forcedBound is how long a plugin may take to be gone after it was killed.
const forcedBound = 5 * time.Second

// defaultStart bounds a handshake when the configuration does not.
const defaultStart = 30 * time.Second

// StartError tells why a plugin did not come up.
type StartError struct {
	Phase   Phase
	Message string // the cause in words, secrets masked
	Report  string // how the process ended and its last output, secrets masked
	Err     error  // the cause; its text may hold what the plugin printed
}

// Error names the phase, the cause and the report.
func (e *StartError) Error() string {
	text := fmt.Sprintf("start failed in phase %s: %s", e.Phase, e.Message)
	if e.Report != "" {
		text += "; process " + e.Report
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// Config says what to open.
type Config struct {
	Launch   launch.Config     // its Stderr is set by the session
	Name     string            // the provider's name
	Expected manifest.Manifest // what the plugin must be; the zero value expects nothing (development)
	// Services is offered to a plugin that keeps data at the host; nil offers none.
	Services provider.HostServices
	Redactor *Redactor
	Log      *slog.Logger
	// StartTimeout bounds the handshake; default 30 s.
	StartTimeout time.Duration
}

// Session is one live connection. Make it with [Open].
type Session struct {
	proc        *launch.Process
	plugin      *goplugin.Client
	conn        *grpc.ClientConn
	calls       *client.Client
	logs        *forwarder
	redact      *Redactor
	description provider.Description
	linkCancel  context.CancelFunc
	link        sync.WaitGroup
	watcher     sync.WaitGroup

	broken sync.Once
	down   chan struct{} // closed when the connection or the process is lost
}

// Open launches the plugin and returns when it can serve. ctx bounds the whole
// start; when it ends the process is killed. The error is a [*StartError].
func Open(ctx context.Context, cfg Config) (*Session, error) {
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = defaultStart
	}
	log := cfg.Log.With("plugin", cfg.Name, "version", cfg.Expected.Description.Version)
	s := &Session{redact: cfg.Redactor, down: make(chan struct{})}
	pid := &pidHandler{Handler: log.Handler()}
	s.logs = newForwarder(context.WithoutCancel(ctx), slog.New(pid), s.redact)
	cfg.Launch.Stderr, cfg.Launch.Log = s.logs.writer(slog.LevelInfo), log

	proc, err := launch.New(cfg.Launch)
	if err != nil {
		s.logs.close()
		return nil, startError(PhaseVerify, cfg.Redactor, "", err)
	}
	s.proc, pid.proc = proc, proc
	s.plugin = goplugin.NewClient(s.clientConfig(cfg.StartTimeout))
	unwatch := context.AfterFunc(ctx, proc.Signal)
	defer unwatch()
	phase, err := s.connect(ctx, cfg)
	if err == nil {
		s.watch(ctx)
		return s, nil
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	if phase == PhaseDial {
		s.letExit(ctx)
	}
	closeErr := s.abort(ctx)
	return nil, startError(phase, s.redact, s.proc.Report(), errors.Join(err, closeErr))
}

// startError makes a StartError without secrets in its text.
func startError(phase Phase, redact *Redactor, report string, err error) *StartError {
	return &StartError{Phase: phase, Message: redact.Text(err.Error()), Report: redact.Text(report), Err: err}
}

// clientConfig holds go-plugin's settings; each is there for a reason given in
// the host's README.
func (s *Session) clientConfig(timeout time.Duration) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			return s.proc.Runner(cmd.Env), nil
		},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     timeout,
		SyncStdout:       s.logs.writer(slog.LevelInfo),
		SyncStderr:       s.logs.writer(slog.LevelInfo),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: s.proc.Folder()},
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(handshake.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(handshake.MaxMessageBytes),
		), grpc.WithIdleTimeout(0)},
	}
}

// connect performs the phases after verify.
func (s *Session) connect(ctx context.Context, cfg Config) (Phase, error) {
	if _, err := s.plugin.Start(); err != nil {
		return PhaseHandshake, err
	}
	protocol, err := s.plugin.Client()
	if err != nil {
		return PhaseDial, err
	}
	wire, ok := protocol.(*goplugin.GRPCClient)
	if !ok {
		return PhaseDial, fmt.Errorf("plugin speaks %T instead of gRPC", protocol)
	}
	s.conn, s.calls = wire.Conn, client.New(wire.Conn)
	if err := s.calls.Health(ctx); err != nil {
		return PhaseDial, err
	}
	if s.description, err = s.calls.Describe(ctx); err != nil {
		return PhaseDescribe, err
	}
	if s.description.Name != cfg.Name {
		return PhaseDescribe, fmt.Errorf("%w: it says that its name is %q", manifest.ErrDifferent, s.description.Name)
	}
	if err := cfg.Expected.Check(s.description); err != nil {
		return PhaseDescribe, err
	}
	return PhaseDescribe, s.openLink(ctx, cfg)
}

// Description returns what the plugin said of itself at the start.
func (s *Session) Description() provider.Description { return s.description }

// PID returns the process id.
func (s *Session) PID() int { return s.proc.PID() }

// SHA256 returns the hash of the binary that runs.
func (s *Session) SHA256() string { return s.proc.SHA256() }

// Protocol returns the negotiated major version of the contract.
func (s *Session) Protocol() int { return s.plugin.NegotiatedVersion() }

// Done is closed when the session is lost: the process has ended, or its
// connection broke, which never heals.
func (s *Session) Done() <-chan struct{} { return s.down }

// Ended reports whether Done is closed.
func (s *Session) Ended() bool {
	select {
	case <-s.down:
		return true
	default:
		return false
	}
}

// exitBound is how long a process whose connection broke may take to end by
// itself, so that its own exit status is seen.
const exitBound = 250 * time.Millisecond

// Err tells, after Done, how the process ended and what it printed last,
// secrets masked. A process that is still there is killed.
func (s *Session) Err() error {
	bound := time.NewTimer(exitBound)
	defer bound.Stop()
	select {
	case <-s.proc.Exited():
	case <-bound.C:
		s.proc.Signal()
		return fmt.Errorf("plugin lost its connection; process %s", s.report())
	}
	return fmt.Errorf("plugin %s", s.report())
}

func (s *Session) report() string { return s.redact.Text(s.proc.Report()) }

// Probe asks the plugin whether it can serve. A missing answer wraps
// [supervise.ErrNoAnswer].
func (s *Session) Probe(ctx context.Context) error {
	err := s.calls.Health(ctx)
	var f *fault.Error
	if errors.As(err, &f) && f.Source == fault.SourceHost {
		return fmt.Errorf("%w: %w", supervise.ErrNoAnswer, err)
	}
	return err
}

// Close ends the plugin: it asks it to shut down, waits while ctx lasts, then
// kills its process group. It returns within 5 s of ctx's end, with an error
// when even then the process has not gone.
func (s *Session) Close(ctx context.Context) error {
	if ctx.Err() == nil && !s.Ended() {
		_ = s.calls.Shutdown(ctx) // an unwilling plugin is killed below
	}
	stop := context.AfterFunc(ctx, s.proc.Signal)
	defer stop()
	return s.putAway(ctx)
}

// letExit gives a process that does not answer the chance to end by itself, so
// that the report has its own exit status.
func (s *Session) letExit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, exitBound)
	defer cancel()
	_ = s.proc.Wait(ctx)
}

// abort ends the plugin by force.
func (s *Session) abort(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	s.proc.Signal()
	return s.putAway(ctx)
}

// putAway lets go-plugin end its side, which blocks until the process is gone,
// and then ends ours. The goroutine ends with the process at the latest.
func (s *Session) putAway(ctx context.Context) error {
	if s.linkCancel != nil {
		s.linkCancel()
	}
	s.lose()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.plugin.Kill()
		s.proc.Signal() // a launch that never became a process
		<-s.proc.Done()
		s.link.Wait()
		s.watcher.Wait()
		s.logs.close()
	}()
	return awaitGone(ctx, gone)
}

func awaitGone(ctx context.Context, gone <-chan struct{}) error {
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	bound := time.NewTimer(forcedBound)
	defer bound.Stop()
	select {
	case <-gone:
		return nil
	case <-bound.C:
		return fmt.Errorf("plugin process is still there %s after its kill", forcedBound)
	}
}
