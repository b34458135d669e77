// Package programtest holds the tests that the program of every simulator has
// to pass: its start, its refusals to start, and what is left after a kill.
//
// A simulator's test says how a signed purchase is sent and how the admin API
// counts it; that is the vendor's. A test binary plays the program itself, so
// that it can be killed for real: TestMain calls [PlaysProgram] first.
package programtest

import (
	"bufio"
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

	"tradewind.example/simkit/program"
)

// asProgram in the environment makes a test binary behave as the program.
const asProgram = "SIMKIT_AS_PROGRAM"

// PlaysProgram tells whether TestMain is to call main and return.
func PlaysProgram() bool { return os.Getenv(asProgram) != "" }

// File writes text into a file of the test and returns its path.
func File(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Purchases says how a simulator's purchases are made and found again.
type Purchases struct {
	// Config is the text of a configuration.
	Config string
	// Buy sends one purchase to the API at a URL and tells whether it was confirmed.
	Buy func(ctx context.Context, client *http.Client, api, name string) bool
	// Field is where the admin API's report counts purchases, and Key is the
	// name as it stands there; nil is the name itself.
	Field string
	Key   func(name string) string
}

// SurviveKills buys until the process is killed, three times over, and holds
// that each confirmed purchase is there once, and at most one more a kill.
func SurviveKills(t *testing.T, p Purchases) {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	client, config := &http.Client{Transport: tr, Timeout: 5 * time.Second}, File(t, p.Config)
	state := filepath.Join(t.TempDir(), "state")
	confirmed := []string{}
	for round := range 3 {
		run := start(t, "-config", config, "-state", state)
		enough, done := make(chan struct{}), make(chan []string)
		go func() { done <- p.buyUntilKilled(t.Context(), client, run.api, round, enough) }()
		<-enough
		if err := run.end(t, syscall.SIGKILL); err == nil {
			t.Fatal("a killed process has no clean end")
		}
		confirmed = append(confirmed, <-done...)
	}
	run := start(t, "-config", config, "-state", state)
	bought := run.bought(t, client, p.Field)
	for _, name := range confirmed {
		if n := bought[p.key(name)].Orders; n != 1 {
			t.Errorf("%s was confirmed once and is there %d times", name, n)
		}
	}
	if extra := len(bought) - len(confirmed); extra < 0 || extra > 3 {
		t.Errorf("%d confirmed, %d bought: at most the call in flight may differ per kill", len(confirmed), len(bought))
	}
	if err := run.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM ends it cleanly: %v", err)
	}
}

func (p Purchases) key(name string) string {
	if p.Key == nil {
		return name
	}
	return p.Key(name)
}

// buyUntilKilled returns the confirmed names; it closes enough at the 21st or
// when nothing is confirmed any more.
func (p Purchases) buyUntilKilled(ctx context.Context, client *http.Client, api string, round int, enough chan<- struct{}) []string {
	var out []string
	for i := 0; ; i++ {
		name := fmt.Sprintf("r%d-%d", round, i)
		if !p.Buy(ctx, client, api, name) {
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

// process is the program in a process of its own.
type process struct {
	cmd        *exec.Cmd
	api, admin string
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(t.Context(), exe, args...)} //nolint:gosec // this very test
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
	for _, url := range []*string{&p.api, &p.admin} {
		lines.Scan()
		if *url = lines.Text(); !strings.HasPrefix(*url, "http://127.0.0.1:") {
			t.Fatalf("it prints two URLs: got %q", *url)
		}
	}
	return p
}

func (p *process) end(t *testing.T, sig os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return p.cmd.Wait()
}

func (p *process) bought(t *testing.T, client *http.Client, field string) map[string]struct{ Orders int } {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.admin+"/state?limit=100000", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
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
	return out.Bought[field]
}

// Ready starts the program with a configuration and arguments, holds that the
// ready file is whole before the first URL is printed, that it names url,
// admin_url and pid, and that the end of the context is a clean end. It
// returns the ready file and all lines that were printed.
func Ready[C any](t *testing.T, s func() program.Simulator[C], config string, args ...string) (map[string]any, []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		err := program.Run(ctx, s(), append([]string{"-config", File(t, config), "-ready-file", ready}, args...), w, io.Discard)
		_ = w.Close()
		done <- err
	}()
	lines := bufio.NewScanner(r)
	lines.Scan()
	printed := []string{lines.Text()}
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatalf("the file is there before the URL is printed: %v", err)
	}
	cancel() // the program prints its other lines and ends
	for lines.Scan() {
		printed = append(printed, lines.Text())
	}
	if err := <-done; err != nil {
		t.Errorf("the end of the context is a clean end: %v", err)
	}
	file := map[string]any{}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatalf("reading %s: %v", b, err)
	}
	if len(printed) < 2 || file["url"] != printed[0] || file["admin_url"] != printed[1] || fmt.Sprint(file["pid"]) != fmt.Sprint(os.Getpid()) {
		t.Errorf("the file says %s, the program printed %q", b, printed)
	}
	return file, printed
}

// BadStart is a start that must fail.
type BadStart struct {
	Reason string
	Args   []string
	// Want is what the error names.
	Want string
}

// RefuseBadStarts holds that a program without configuration, with a field
// that is not known, with arguments, or with anything of own, does not start.
// The misspelled configuration names an unknown field. s makes the simulator
// anew for each start.
func RefuseBadStarts[C any](t *testing.T, s func() program.Simulator[C], misspelled, field string, own map[string]BadStart) {
	t.Helper()
	bad := File(t, misspelled)
	cases := map[string]BadStart{
		"NoConfig":   {"the configuration must come from somewhere", nil, "-config"},
		"Misspelled": {"unknown fields are refused", []string{"-config", bad}, field},
		"Missing":    {"the file is named", []string{"-config", "none.yaml"}, "none.yaml"},
		"Argument":   {"only flags are taken", []string{"-config", bad, "x"}, `"x"`},
		"Speed":      {"the speed is bounded", []string{"-config", bad, "-speed", "0"}, "-speed"},
	}
	for name, c := range own {
		cases[name] = c
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := program.Run(t.Context(), s(), c.Args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.Want) {
				t.Errorf("%s: %v, want %s", c.Reason, err, c.Want)
			}
		})
	}
}
