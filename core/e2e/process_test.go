package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaries are the programs under test.
type binaries struct{ broker, plugin, cloud string }

// build compiles the programs, the broker with its failpoints.
func build(t *testing.T) binaries {
	t.Helper()
	const cloud = "../../plugins/ucloud"
	return binaries{
		broker: programs.program(t, "..", "failpoints", "./cmd/tradewind"),
		plugin: programs.program(t, cloud, "", "."), cloud: programs.program(t, cloud, "", "./cmd/ucloud-sim"),
	}
}

// process is one running program. Its lines on stdout come from lines, which is
// closed at its end; done is closed when it was waited for.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	done  chan struct{}
	ended error // valid after done
	log   *os.File
}

// start runs a program in a group of its own, with nothing of the test's
// environment but what it needs.
func start(t *testing.T, logFile string, env []string, path string, args ...string) *process {
	t.Helper()
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(logFile), "TMPDIR=" + os.TempDir()}, env...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, lines: make(chan string, 16), done: make(chan struct{}), log: log}
	go func() {
		defer close(p.done)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			select {
			case p.lines <- sc.Text():
			default: // nobody asks for more than the first lines
			}
		}
		close(p.lines)
		p.ended = cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the whole group as a power cut would; it may be called twice.
func (p *process) kill() {
	if !p.over(0) {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
	_ = p.log.Close()
}

// stop asks the program to end.
func (p *process) stop(limit time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if !p.over(limit) {
		return fmt.Errorf("%s did not stop within %v", filepath.Base(p.cmd.Path), limit)
	}
	return p.ended
}

// over waits for the program's end and reports whether it came in time.
func (p *process) over(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// killed reports whether the program ended by SIGKILL.
func (p *process) killed() bool {
	var e *exec.ExitError
	if !errors.As(p.ended, &e) {
		return false
	}
	s, ok := e.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// line returns the rest of the next line that begins with prefix.
func (p *process) line(limit time.Duration, prefix string) (string, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				return "", errEnded
			}
			if rest, found := strings.CutPrefix(l, prefix); found {
				return rest, nil
			}
		case <-timer.C:
			return "", fmt.Errorf("%s did not print %q within %v", filepath.Base(p.cmd.Path), prefix, limit)
		}
	}
}

// errEnded means that a program ended before it said what was waited for.
var errEnded = errors.New("the program ended early")

// wait asks until done says yes; every wait of these tests is bounded by one.
func wait(limit time.Duration, done func() (bool, error)) error {
	deadline, tick := time.NewTimer(limit), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("gave up after %v", limit)
		}
	}
}

// failures collects what went wrong in goroutines that must not end the test.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) < 20 {
		f.errs = append(f.errs, fmt.Errorf(format, args...))
	}
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}
