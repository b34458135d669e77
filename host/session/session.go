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
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"tradewind.example/host/crash"
	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
	"tradewind.example/host/procfs"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/identity"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
	"tradewind.example/sdk/wire/client"
	pb "tradewind.example/sdk/wire/providerv1"
)

// forcedBound is how long a plugin may take to be gone after it was killed.
const forcedBound = 5 * time.Second

// defaultStart bounds a handshake when the configuration does not.
const defaultStart = 30 * time.Second

// Config says what to open.
type Config struct {
	Launch   launch.Config     // its Stderr is set by the session
	Name     string            // the provider's name
	Expected manifest.Manifest // what the plugin must be; the zero value expects nothing (development)
	// Services is offered to a plugin that keeps data at the host; nil offers none.
	Services provider.HostServices
	Redactor *Redactor
	Log      *slog.Logger
	// Logging bounds what the plugin logs; nil: a new one.
	Logging *Logging
	// OnCrash gets a report of each crash, secrets masked; OnEnd gets how the
	// process ended, once it has; OnSpan gets each finished span of the plugin
	// and reports whether it was taken. They must be quick. nil discards.
	OnCrash func(crash.Report)
	OnEnd   func(launch.End)
	OnSpan  func(f trace.Finished, pid int) bool
	// Stamp may complete the envelope of a request before it is sent; nil: it
	// stays as it is.
	Stamp func(ctx context.Context, call *pb.Call)
	// StartTimeout bounds the handshake; default 30 s.
	StartTimeout time.Duration
}

// Session is one live connection. Make it with [Open].
type Session struct {
	proc        *launch.Process
	plugin      *goplugin.Client
	conn        *grpc.ClientConn
	calls       *client.Client
	name        string
	version     string // that its manifest promises
	logs        *forwarder
	redact      *Redactor
	logging     *Logging
	onCrash     func(crash.Report)
	onEnd       func(launch.End)
	stamp       func(context.Context, *pb.Call)
	times       []PhaseTime // of the start
	description provider.Description
	flight      inFlight
	figures     atomic.Pointer[procfs.Figures] // the last ones
	linkCancel  context.CancelFunc
	link        sync.WaitGroup
	watcher     sync.WaitGroup

	broken sync.Once
	down   chan struct{} // closed when the connection or the process is lost

	mu        sync.Mutex
	lostCalls []crash.Call // at work when the session was lost
}

// Open launches the plugin and returns when it can serve. ctx bounds the whole
// start; when it ends the process is killed. The error is a [*StartError].
func Open(ctx context.Context, cfg Config) (*Session, error) {
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = defaultStart
	}
	s, log := newSession(cfg)
	pid := &pidHandler{Handler: log.Handler()}
	s.logs = newForwarder(context.WithoutCancel(ctx), forwarding{
		log: slog.New(pid), redact: s.redact, logging: s.logging, onSpan: s.spans(cfg.OnSpan), onCrash: s.reportPanic,
	})
	cfg.Launch.Stderr, cfg.Launch.Log = s.logs.writer(slog.LevelInfo), log

	watch := newStopwatch()
	own, proc, err := prepare(cfg.Launch)
	watch.lap(PhaseVerify)
	if err != nil {
		s.logs.close()
		return nil, startError(PhaseVerify, watch.done, cfg.Redactor, "", err)
	}
	s.proc, pid.proc = proc, proc
	s.plugin = goplugin.NewClient(s.clientConfig(cfg.StartTimeout, own))
	unwatch := context.AfterFunc(ctx, proc.Signal)
	defer unwatch()
	phase, err := s.connect(ctx, cfg, watch)
	s.times = watch.done
	if err == nil {
		s.Sample()
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
	return nil, startError(phase, s.times, s.redact, s.proc.Report(s.redact.Text), errors.Join(err, closeErr))
}

// prepare makes what a start needs before anything runs.
func prepare(cfg launch.Config) (*identity.Identity, *launch.Process, error) {
	own, err := identity.New()
	if err != nil {
		return nil, nil, errors.Join(err, cfg.Binary.Close())
	}
	proc, err := launch.New(cfg)
	return own, proc, err
}

// newSession makes a session that has no process yet.
func newSession(cfg Config) (*Session, *slog.Logger) {
	s := &Session{
		name: cfg.Name, version: cfg.Expected.Description.Version, redact: cfg.Redactor, logging: cfg.Logging,
		onCrash: cfg.OnCrash, onEnd: cfg.OnEnd, stamp: cfg.Stamp, down: make(chan struct{}),
	}
	if s.logging == nil {
		s.logging = NewLogging()
	}
	if s.onCrash == nil {
		s.onCrash = func(crash.Report) {}
	}
	if s.onEnd == nil {
		s.onEnd = func(launch.End) {}
	}
	if s.stamp == nil {
		s.stamp = func(context.Context, *pb.Call) {}
	}
	return s, cfg.Log.With("plugin", cfg.Name, "version", s.version)
}

// spans adds the pid to what take gets.
func (s *Session) spans(take func(trace.Finished, int) bool) func(trace.Finished) bool {
	if take == nil {
		return nil
	}
	return func(f trace.Finished) bool { return take(f, s.PID()) }
}

// startError makes a StartError without secrets in its text.
func startError(phase Phase, times []PhaseTime, redact *Redactor, report string, err error) *StartError {
	return &StartError{Phase: phase, Times: times, Message: redact.Text(err.Error()), Report: report, Err: err}
}

// clientConfig holds go-plugin's settings; each is there for a reason given in
// the host's README.
func (s *Session) clientConfig(timeout time.Duration, own *identity.Identity) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			return s.proc.Runner(append(cmd.Env, own.Variable())), nil
		},
		TLSConfig:        own.Host(),
		SkipHostEnv:      true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     timeout,
		SyncStdout:       s.logs.writer(slog.LevelInfo),
		SyncStderr:       s.logs.writer(slog.LevelInfo),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: s.proc.Folder()},
		GRPCDialOptions:  []grpc.DialOption{dialOptions(), grpc.WithIdleTimeout(0)},
	}
}

// connect performs the phases after verify and times them.
func (s *Session) connect(ctx context.Context, cfg Config, watch *stopwatch) (phase Phase, err error) {
	defer func() { watch.lap(phase) }()
	_, err = s.plugin.Start()
	begun, took := s.proc.Executed()
	if begun.IsZero() {
		return PhaseExec, err
	}
	watch.split(PhaseExec, took)
	if err != nil {
		return PhaseHandshake, err
	}
	watch.lap(PhaseHandshake)
	protocol, err := s.plugin.Client()
	if err != nil {
		return PhaseDial, err
	}
	wire, ok := protocol.(*goplugin.GRPCClient)
	if !ok {
		return PhaseDial, fmt.Errorf("plugin speaks %T instead of gRPC", protocol)
	}
	s.conn, s.calls = wire.Conn, client.New(wire.Conn)
	if err := s.calls.HealthAt(ctx, s.logging.word()); err != nil {
		return PhaseDial, err
	}
	watch.lap(PhaseDial)
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

func (s *Session) report() string { return s.proc.Report(s.redact.Text) }

// StartTimes returns how long the phases of the start took.
func (s *Session) StartTimes() []PhaseTime { return s.times }

// Isolation tells what of the isolation holds for the process.
func (s *Session) Isolation() launch.Applied { return s.proc.Applied() }

// Sample reads what the process takes now; false when it has ended, or is just
// ending and has given its memory back.
func (s *Session) Sample() (procfs.Figures, bool) {
	f, err := procfs.Read(s.proc.PID())
	if err != nil || f.ResidentBytes == 0 {
		return procfs.Figures{}, false
	}
	s.figures.Store(&f)
	return f, true
}

// Figures returns what the process took when it was last looked at.
func (s *Session) Figures() (procfs.Figures, bool) {
	if f := s.figures.Load(); f != nil {
		return *f, true
	}
	return procfs.Figures{}, false
}

// Probe asks the plugin whether it can serve, and dials its socket. A missing
// answer wraps [supervise.ErrNoAnswer], memory beyond the isolation's bound
// [supervise.ErrExceeded]. Secrets in what the plugin says are masked.
func (s *Session) Probe(ctx context.Context) error {
	if err := s.greedy(); err != nil {
		return err
	}
	err := probe(ctx, s.address(), func(ctx context.Context) error { return s.calls.HealthAt(ctx, s.logging.word()) })
	return maskError(s.redact, err)
}

// greedy looks at the process's memory: its bound is hard only in a cgroup.
func (s *Session) greedy() error {
	f, ok := s.Sample()
	if most := s.proc.Applied().MemoryBytes; ok && most > 0 && f.ResidentBytes > most {
		return fmt.Errorf("%w: it has %d MiB of memory, and may have %d MiB", supervise.ErrExceeded, f.ResidentBytes>>20, most>>20)
	}
	return nil
}

// Close ends the plugin: it asks it to shut down, waits while ctx lasts, then
// kills its process group. It returns within 5 s of ctx's end, with an error
// when even then the process has not gone. An end that nobody asked for leaves a
// report: ctx's cause tells when a probe condemned the plugin.
func (s *Session) Close(ctx context.Context) error {
	end := func() {}
	if s.Ended() {
		end = func() { s.reportEnd(crash.KindExit, nil) }
	} else if cause := context.Cause(ctx); errors.Is(cause, supervise.ErrNoAnswer) || errors.Is(cause, supervise.ErrExceeded) {
		end = func() { s.reportEnd(crash.KindLost, cause) }
	}
	if ctx.Err() == nil && !s.Ended() {
		_ = s.calls.Shutdown(ctx) // an unwilling plugin is killed below
	}
	stop := context.AfterFunc(ctx, s.proc.Signal)
	defer stop()
	return s.putAway(ctx, end)
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
	return s.putAway(ctx, func() { s.reportEnd(crash.KindStart, nil) })
}

// putAway lets go-plugin end its side, which blocks until the process is gone,
// and then ends ours; last of all it calls report. The goroutine ends with the
// process at the latest.
func (s *Session) putAway(ctx context.Context, report func()) error {
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
		if end, ended := s.proc.End(); ended {
			s.onEnd(end)
		}
		report()
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
