package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is one running process whose output lines can be awaited.
type program struct {
	cmd   *exec.Cmd
	lines chan string
	ended chan struct{}
	err   error // how it ended, to be read after ended is closed
}

const patience = 60 * time.Second

// launch starts a program; its standard error goes to the log file.
func launch(log, path string, args ...string) (*program, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd := exec.Command(path, args...) //nolint:noctx // stop and kill end it
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(log), "TMPDIR=" + os.TempDir()}
	cmd.Stderr = f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &program{cmd: cmd, lines: make(chan string, 16), ended: make(chan struct{})}
	go p.follow(out)
	return p, nil
}

func (p *program) follow(out io.Reader) {
	for sc := bufio.NewScanner(out); sc.Scan(); {
		select {
		case p.lines <- sc.Text():
		default:
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
	close(p.lines)
}

// await returns the rest of the first line that begins with prefix.
func (p *program) await(ctx context.Context, prefix string) (string, error) {
	timeout := time.After(patience)
	for {
		select {
		case line, open := <-p.lines:
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest, nil
			}
			if !open {
				return "", fmt.Errorf("%s ended before it printed %q", filepath.Base(p.cmd.Path), prefix)
			}
		case <-timeout:
			return "", fmt.Errorf("%s did not print %q", filepath.Base(p.cmd.Path), prefix)
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// stop ends the program politely and waits for it.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s did not stop", filepath.Base(p.cmd.Path)), p.kill())
	}
}

// kill ends the program at once; one that has ended stays so.
func (p *program) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// broker is a real broker process on a folder of its own.
type broker struct {
	bin, dir string
	settings map[string]any
	process  *program
	url      string
	password string // of the first superadmin, printed once
}

// newBroker prepares the folder; settings are merged over the bench's own.
func (b *bench) newBroker(name string, settings map[string]any) (*broker, error) {
	work, err := filepath.Abs(filepath.Join(b.work, name))
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"data", "drop", "keys"} {
		if err := os.MkdirAll(filepath.Join(work, d), 0o700); err != nil {
			return nil, err
		}
	}
	bin, err := filepath.Abs(b.bin)
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(filepath.Join(bin, sandboxBinary), filepath.Join(work, "drop", sandboxBinary)); err != nil {
		return nil, err
	}
	all := map[string]any{
		"listen": "127.0.0.1:0", "data_dir": filepath.Join(work, "data"), "keyset_file": filepath.Join(work, "keys", "keyset.json"),
		"plugins":   map[string]any{"dir": filepath.Join(work, "plugins"), "drop_dir": filepath.Join(work, "drop")},
		"rate":      map[string]any{"per_second": 0},
		"passwords": map[string]any{"memory_kib": 8, "passes": 1}, // the cast's sign-ins are not measured
		"sign_in":   map[string]any{"ip_every": "1ms", "ip_burst": 10_000},
		"catalogue": map[string]any{"sync_every": "0s"},
	}
	maps.Copy(all, settings)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return &broker{bin: bin, dir: work, settings: all}, os.WriteFile(filepath.Join(work, "tradewind.yaml"), text, 0o600)
}

func (k *broker) pid() int { return k.process.cmd.Process.Pid }

func (k *broker) storePath() string { return filepath.Join(k.dir, "data", "tradewind.db") }

// start starts the broker and returns how long it took until it was ready.
func (k *broker) start(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	p, err := launch(filepath.Join(k.dir, "broker.log"), filepath.Join(k.bin, "tradewind"), "serve", "--config", filepath.Join(k.dir, "tradewind.yaml"))
	if err != nil {
		return 0, err
	}
	k.process = p
	if k.password == "" {
		if k.password, err = p.await(ctx, "superadmin password: "); err != nil {
			return 0, err
		}
	}
	if k.url, err = p.await(ctx, "serving at "); err != nil {
		return 0, err
	}
	c := newClient(k.url, 1)
	for time.Since(begin) < patience {
		if c.get("/readyz", nil) == nil {
			return time.Since(begin), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.New("the broker did not become ready")
}

// clockTicks is how many ticks of /proc make a second on every Linux.
const clockTicks = 100

// cpuTime is what a process has used so far, its own time and the kernel's.
// Unlike a rate, what one thing costs of it hardly depends on who else uses the
// machine.
func cpuTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d has no CPU time", pid)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks, err
}

// memoryMB reads a field of a process's status, such as VmRSS or VmHWM.
func memoryMB(pid int, field string) (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return round3(kb / 1024), err
		}
	}
	return 0, fmt.Errorf("process %d has no %s", pid, field)
}
