package launch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrHash means that the opened binary is not the one that was pinned.
var ErrHash = errors.New("binary does not match its pinned sha-256")

// ErrEnded means that the process ended, or was killed, before it could be used.
var ErrEnded = errors.New("process has ended")

// killWait bounds how long [Process.Kill] waits for a killed process to be gone.
const killWait = 5 * time.Second

// pipeWait is how long after the process's end its pipes may still be read
// before they are closed under a descendant that holds them.
const pipeWait = 300 * time.Millisecond

// Config says what to launch.
type Config struct {
	Dir    *Dir     // run folder; must stay open while the process lives
	Name   string   // becomes argv[0]; for messages
	Binary *os.File // opened for reading; owned by the Process from New on
	SHA256 string   // lower-case hex the binary must have; "" accepts any (development)
	Args   []string
	Env    []string  // the whole environment, see [Environment]
	Stderr io.Writer // gets the process's standard error as it comes; must not block; nil discards
	// Isolation bounds what the process may take.
	Isolation Isolation
	Log       *slog.Logger
}

// Process is one launch of one binary. Make it with [New].
type Process struct {
	cfg    Config
	folder string
	binary verified
	log    *slog.Logger

	stdout *pipe
	stderr *pipe
	tail   tail

	// Written by the launching goroutine before Start returns.
	leaf      *leaf
	applied   Applied
	oomBefore int // processes that the system had killed for memory at the start

	mu       sync.Mutex // guards what follows
	begun    time.Time
	execTook time.Duration
	endedAt  time.Time
	// killedFirst tells that the host's kill came before the end.
	killedFirst bool
	starved     bool // ended for taking more memory than its cgroup may
	shortage    bool // the system killed processes for memory while it ran
	started     bool
	killed      bool
	reaped      bool
	pid         int
	state       *os.ProcessState
	lifeline    *os.File

	exited chan struct{}
	done   chan struct{}
}

// New verifies the binary and makes the private folder; nothing runs yet. It
// returns an error wrapping [ErrHash] when the binary is not the pinned one. On
// an error the binary is closed. A Process that is not started must be killed.
func New(cfg Config) (*Process, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Stderr == nil {
		cfg.Stderr = io.Discard
	}
	if cfg.Isolation.OpenFiles == 0 {
		cfg.Isolation.OpenFiles = DefaultOpenFiles
	}
	binary, err := prepare(cfg)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("verifying %q: %w", cfg.Name, err), cfg.Binary.Close())
	}
	folder, err := cfg.Dir.newLaunch(cfg.Isolation)
	if err != nil {
		return nil, errors.Join(err, cfg.Binary.Close())
	}
	return &Process{
		cfg: cfg, folder: folder, binary: binary, log: cfg.Log,
		applied: Applied{Isolation: cfg.Isolation}, oomBefore: oomKills(),
		exited: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// prepare checks that cfg can be launched and returns the binary's hash.
func prepare(cfg Config) (verified, error) {
	if err := cfg.Isolation.Validate(); err != nil {
		return verified{}, fmt.Errorf("reading its isolation: %w", err)
	}
	if cfg.Isolation.UID != 0 {
		if err := reachable(cfg.Dir.path, cfg.Binary); err != nil {
			return verified{}, err
		}
	}
	return verify(&cfg.Dir.proofs, cfg.Binary, cfg.SHA256)
}

// hashBuffer is how many bytes are read at once for a hash.
const hashBuffer = 256 << 10

// Hash returns the SHA-256 of everything f holds, in lower-case hex, read
// through the descriptor and without moving its offset.
func Hash(f *os.File) (string, error) {
	st, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("hashing: %w", err)
	}
	h := sha256.New()
	// The reader alone: a larger buffer makes hashing a binary noticeably faster.
	from := struct{ io.Reader }{io.NewSectionReader(f, 0, st.Size())}
	if _, err := io.CopyBuffer(h, from, make([]byte, hashBuffer)); err != nil {
		return "", fmt.Errorf("hashing: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func verify(known *proofs, f *os.File, want string) (verified, error) {
	st, err := f.Stat()
	if err != nil {
		return verified{}, err
	}
	if !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
		return verified{}, fmt.Errorf("not an executable file (mode %s)", st.Mode())
	}
	got, err := known.hash(f)
	if err != nil {
		return verified{}, err
	}
	if want != "" && got.hash != want {
		return verified{}, fmt.Errorf("%w: file has %s, pinned is %s", ErrHash, got.hash, want)
	}
	return got, nil
}

// Start executes the binary. ctx bounds the start only. It may be called once;
// after a Kill it returns an error wrapping [ErrEnded].
func (p *Process) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("starting %q: %w", p.cfg.Name, err)
	}
	p.mu.Lock()
	if p.started || p.killed {
		p.mu.Unlock()
		return fmt.Errorf("starting %q: %w", p.cfg.Name, ErrEnded)
	}
	p.started = true
	p.mu.Unlock()

	ready := make(chan error, 1)
	go p.run(ready)
	if err := <-ready; err != nil {
		<-p.done
		return fmt.Errorf("starting %q: %w", p.cfg.Name, err)
	}
	return nil
}

// Folder returns the launch's private folder; the plugin's sockets live in it.
func (p *Process) Folder() string { return p.folder }

// SHA256 returns the hash of the binary as it was opened.
func (p *Process) SHA256() string { return p.binary.hash }

// PID returns the process id, 0 before the start.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Stdout returns the process's standard output. Reading it after the end gives
// end-of-file. Valid after Start.
func (p *Process) Stdout() io.ReadCloser { return p.stdout }

// Exited is closed as soon as the process has ended and is reaped.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Done is closed when, after the end, also pipes and folder are put away.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the process's end and tells how it ended: nil for exit
// status 0. It returns ctx's error when that comes first.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.exitError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Process) exitError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil || p.state.Success() {
		return nil
	}
	return fmt.Errorf("%w: %s%s", ErrEnded, describeExit(p.state), p.hint())
}

// Kill sends SIGKILL to the whole process group and waits, at most 5 s and no
// longer than ctx, until the process is reaped. It may be called at any time and
// any number of times.
func (p *Process) Kill(ctx context.Context) error {
	p.Signal()
	ctx, cancel := context.WithTimeout(ctx, killWait)
	defer cancel()
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("killing %q (pid %d): %w", p.cfg.Name, p.PID(), ctx.Err())
	}
}

// Signal sends SIGKILL to the whole process group and does not wait. A Process
// that has not started never will.
func (p *Process) Signal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed && !p.started {
		return
	}
	p.killed = true
	if !p.started {
		p.discard()
		return
	}
	p.killGroup()
}

// killGroup needs the lock: as long as the leader is not reaped its pid, and so
// the group's id, cannot mean anyone else.
func (p *Process) killGroup() {
	if p.pid != 0 && !p.reaped {
		_ = unix.Kill(-p.pid, unix.SIGKILL)
		if p.leaf != nil {
			_ = p.leaf.kill() // tried again, and told of, when the leaf is removed
		}
	}
}

// discard puts a launch away that never became a process.
func (p *Process) discard() {
	_ = p.cfg.Binary.Close()
	p.removeFolder()
	close(p.exited)
	close(p.done)
}

func (p *Process) removeFolder() {
	if err := os.RemoveAll(p.folder); err != nil {
		p.log.Warn("removing a launch folder failed", "folder", p.folder, "error", err)
	}
}
