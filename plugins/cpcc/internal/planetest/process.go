package planetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

var errPortTaken = errors.New("a chosen port was taken meanwhile")

// family starts processes from one locked thread that lives as long as they
// do: the kernel ends a child with a parent-death signal when the thread that
// started it ends.
type family struct {
	jobs chan func()
	done chan struct{}

	mu       sync.Mutex
	children []*process
}

func newFamily() *family {
	f := &family{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range f.jobs {
			job()
		}
	}()
	return f
}

// process is one started program.
type process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // set before exited is closed
}

func (f *family) start(name string, cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	f.jobs <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{name: name, log: log, cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	f.mu.Lock()
	f.children = append(f.children, p)
	f.mu.Unlock()
	return p, nil
}

// ended returns nil while the process lives.
func (p *process) ended() error {
	select {
	case <-p.exited:
	default:
		return nil
	}
	if raw, err := os.ReadFile(p.log); err == nil && bytes.Contains(raw, []byte("address already in use")) {
		return errPortTaken
	}
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

func (p *process) kill() error {
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTime):
		return fmt.Errorf("%s did not end", p.name)
	}
}

// end kills every child, the youngest first, and waits for all.
func (f *family) end() error {
	f.mu.Lock()
	children := slices.Clone(f.children)
	f.mu.Unlock()
	slices.Reverse(children)
	var errs []error
	for _, p := range children {
		errs = append(errs, p.kill())
	}
	close(f.jobs)
	<-f.done
	return errors.Join(errs...)
}

// run starts a program that outlives ctx.
func (p *Plane) run(ctx context.Context, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(p.programs, name), args...)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), "HOME="+p.Dir, "KUBECONFIG=", "GOMAXPROCS=2")
	return p.family.start(name, cmd, filepath.Join(p.Dir, name+".log"))
}

// logTails returns the last lines of every program's log, for the error of a
// start that failed.
func (p *Plane) logTails() string {
	logs, err := filepath.Glob(filepath.Join(p.Dir, "*.log"))
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	for _, log := range logs {
		raw, err := tail(log, 2000)
		if err != nil {
			continue
		}
		fmt.Fprintf(&out, "\n--- %s\n%s", filepath.Base(log), raw)
	}
	return out.String()
}

func tail(file string, n int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(max(0, info.Size()-n), io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
