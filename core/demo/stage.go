package demo

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stage is the processes of one performance and what is known of them.
type stage struct {
	cfg       Config
	work      string // absolute path of the work folder
	api       string // base URL of the broker
	providers []*provider
	first     string        // the superadmin's password, printed once
	sockets   string        // folder of the plugins' sockets: its path must be short, the work folder's may be long
	offset    time.Duration // by which the broker's clock runs ahead
	broker    *process
}

// keys are the operator's credentials at a simulated cloud, made for this run.
type keys struct{ public, secret string }

func (s *stage) open(ctx context.Context) error {
	var err error
	if s.work, err = filepath.Abs(s.cfg.Work); err != nil {
		return err
	}
	if s.sockets, err = os.MkdirTemp("", "tw"); err != nil {
		return fmt.Errorf("making a folder for the plugins' sockets: %w", err)
	}
	for _, at := range s.providers {
		at.keys = keys{public: "demo-" + token(8), secret: token(20)}
		if err := s.startCloud(ctx, at); err != nil {
			return fmt.Errorf("starting the simulator of %s: %w", at.title, err)
		}
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	if err := s.startBroker(ctx); err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	return nil
}

func (s *stage) close() error {
	err := s.broker.stop()
	for _, at := range s.providers {
		err = errors.Join(err, at.simulator.stop())
	}
	if s.sockets != "" {
		err = errors.Join(err, os.RemoveAll(s.sockets))
	}
	return err
}

func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its contract
	return hex.EncodeToString(b)
}

// ending is how a program ended.
type ending struct{ err error }

// process is one running program whose output goes to a log file.
type process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan ending
}

func (s *stage) start(name string, args ...string) (*process, io.Reader, error) {
	log, err := os.OpenFile(filepath.Join(s.cfg.Work, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	//nolint:noctx // the process outlives the call; stop and kill end it
	cmd := exec.Command(filepath.Join(s.cfg.Bin, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.cfg.Work, "TMPDIR=" + os.TempDir()}
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	p := &process{cmd: cmd, log: log, done: make(chan ending, 1)}
	return p, out, nil
}

// follow hands each line of the program's output to fn and waits for its end.
func (p *process) follow(out io.Reader, fn func(line string)) {
	go func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			fn(sc.Text())
		}
		p.done <- ending{p.cmd.Wait()}
	}()
}

// stop ends the program politely, and after ten seconds not.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	defer p.log.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case end := <-p.done:
		return end.err
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not stop when asked: %w", filepath.Base(p.cmd.Path), (<-p.done).err)
	}
}

// kill ends the program as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	p.log.Close()
}

// await waits for the first value of ch.
func await[T any](ctx context.Context, ch <-chan T, p *process, what string) (T, error) {
	var zero T
	select {
	case v := <-ch:
		return v, nil
	case end := <-p.done:
		p.done <- end
		return zero, fmt.Errorf("it ended before it told %s: %w", what, end.err)
	case <-ctx.Done():
		return zero, ctx.Err()
	case <-time.After(30 * time.Second):
		return zero, fmt.Errorf("it did not tell %s in 30 s", what)
	}
}

func (s *stage) startBroker(ctx context.Context) error {
	addressFile := filepath.Join(s.cfg.Work, "address")
	_ = os.Remove(addressFile)
	p, out, err := s.start("tradewind", "serve", "--config", filepath.Join(s.cfg.Work, "tradewind.yaml"), "--address-file", addressFile, "--set", "dev.clock_offset="+s.offset.String())
	if err != nil {
		return err
	}
	s.broker = p
	ready, passwords := make(chan string, 1), make(chan string, 1)
	p.follow(out, func(line string) {
		if url, ok := strings.CutPrefix(line, "serving at "); ok {
			offer(ready, url)
		}
		if pw, ok := strings.CutPrefix(line, "superadmin password: "); ok {
			offer(passwords, pw)
		}
	})
	if s.api, err = await(ctx, ready, p, "its address"); err != nil {
		return err
	}
	if s.first == "" {
		if s.first, err = await(ctx, passwords, p, "the first password"); err != nil {
			return err
		}
	}
	return poll(ctx, 20*time.Second, "the broker to be ready", func() (bool, error) {
		return s.ok(ctx, s.api+"/readyz"), nil
	})
}

func offer(ch chan string, v string) {
	select {
	case ch <- v:
	default:
	}
}

func (s *stage) ok(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// poll asks until done says yes.
func poll(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) error {
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("waited %s for %s", limit, what)
		}
	}
}

// writeConfig writes the broker's configuration: the same file an operator
// would write, with the plugins' checksums in the drop folder left to the API.
func (s *stage) writeConfig() error {
	for _, at := range s.providers {
		if err := os.Link(filepath.Join(s.cfg.Bin, at.pluginBinary()), filepath.Join(s.work, "drop", at.pluginBinary())); err != nil {
			return fmt.Errorf("putting the plugin %s into the drop folder: %w", at.name, err)
		}
	}
	listen := s.cfg.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	text, err := json.MarshalIndent(brokerConfig(s.work, listen, s.sockets), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.work, "tradewind.yaml"), text, 0o600)
}
