package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asProgram makes the test binary behave as the program, so that it can be killed for real.
const asProgram = "RAINBOND_SIM_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

const key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

const configText = `
users:
  - {name: one, key: ` + key + `, admin: true}
teams:
  - {name: blue, regions: [rainbond]}
transition_ms: 5
`

func writeConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim.yaml")
	if err := os.WriteFile(path, []byte(configText), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// program is a running rainbond-sim in its own process.
type program struct {
	cmd        *exec.Cmd
	api, admin string
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.CommandContext(t.Context(), exe, args...)} //nolint:gosec // this very test
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	p.api = lines.Text()
	lines.Scan()
	p.admin = lines.Text()
	if !strings.HasPrefix(p.api, "http://127.0.0.1:") || !strings.HasPrefix(p.admin, "http://127.0.0.1:") {
		t.Fatalf("it prints two URLs: got %q, %q", p.api, p.admin)
	}
	return p
}

func (p *program) end(t *testing.T, sig os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return p.cmd.Wait()
}

// create makes an app and tells whether the console confirmed it.
func (p *program) create(ctx context.Context, client *http.Client, name string) bool {
	body := strings.NewReader(fmt.Sprintf(`{"app_name":%q}`, name))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.api+"/openapi/v1/teams/blue/regions/rainbond/apps", body)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", key)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusCreated
}

func (p *program) made(t *testing.T, client *http.Client) map[string]struct{ Orders int } {
	t.Helper()
	res, err := client.Get(p.admin + "/state?limit=100000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		Bought map[string]map[string]struct{ Orders int } `json:"bought"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bought["app.name"]
}

func newClient(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 5 * time.Second}
}

func TestKilledConsoleKeepsApps(t *testing.T) {
	t.Parallel()
	client, config := newClient(t), writeConfig(t)
	state := filepath.Join(t.TempDir(), "state")
	confirmed := []string{}
	for round := range 3 {
		p := start(t, "-config", config, "-state", state)
		enough, done := make(chan struct{}), make(chan []string)
		go func() { done <- createUntilKilled(t.Context(), p, client, round, enough) }()
		<-enough
		if err := p.end(t, syscall.SIGKILL); err == nil {
			t.Fatal("a killed process has no clean end")
		}
		confirmed = append(confirmed, <-done...)
	}
	p := start(t, "-config", config, "-state", state)
	made := p.made(t, client)
	for _, name := range confirmed {
		if made[name].Orders != 1 {
			t.Errorf("%s was confirmed once and is there %d times", name, made[name].Orders)
		}
	}
	if extra := len(made) - len(confirmed); extra < 0 || extra > 3 {
		t.Errorf("%d confirmed, %d made: at most the call in flight may differ per kill", len(confirmed), len(made))
	}
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM ends it cleanly: %v", err)
	}
}

func createUntilKilled(ctx context.Context, p *program, client *http.Client, round int, enough chan<- struct{}) []string {
	var out []string
	for i := 0; ; i++ {
		name := fmt.Sprintf("r%d-%d", round, i)
		if !p.create(ctx, client, name) {
			if i <= 20 {
				close(enough)
			}
			return out
		}
		out = append(out, name)
		if i == 20 {
			close(enough)
		}
	}
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- run(ctx, []string{"-config", writeConfig(t), "-ready-file", ready}, w, io.Discard) }()
	lines := bufio.NewScanner(r)
	lines.Scan()
	api := lines.Text()
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatalf("the file is there before the URL is printed: %v", err)
	}
	var got struct {
		URL string `json:"url"`
		PID int    `json:"pid"`
	}
	if err := json.Unmarshal(b, &got); err != nil || got.URL != api || got.PID != os.Getpid() {
		t.Errorf("got %s, printed %q: %v", b, api, err)
	}
	lines.Scan()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the end of the context is a clean end: %v", err)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("usres: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoConfig":   {"keys must come from somewhere", nil, "-config"},
		"Misspelled": {"unknown fields are refused", []string{"-config", bad}, "usres"},
		"Missing":    {"the file is named", []string{"-config", "none.yaml"}, "none.yaml"},
		"Argument":   {"only flags are taken", []string{"-config", bad, "x"}, `"x"`},
		"Speed":      {"the speed is bounded", []string{"-config", bad, "-speed", "0"}, "-speed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), c.args, &out, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

func TestFastClock(t *testing.T) {
	t.Parallel()
	start := time.Now().Add(-time.Second)
	if got := fastClock(start, 3600)().Sub(start); got < time.Hour {
		t.Errorf("a second at 3600 times the speed is an hour: %v", got)
	}
}
