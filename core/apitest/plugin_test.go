package apitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
)

// nextVersion is the sandbox as its next release, built once for all tests.
var nextVersion = sync.OnceValues(func() (string, error) {
	first, err := binary()
	if err != nil {
		return "", err
	}
	folder, err := filepath.Abs(filepath.Join("..", "..", "examples", "sandbox"))
	if err != nil {
		return "", err
	}
	source := filepath.Join(folder, "provider.go")
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(filepath.Dir(first), "provider.go")
	if err := os.WriteFile(changed, bytes.ReplaceAll(text, []byte(`"1.0.0"`), []byte(`"1.1.0"`)), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(filepath.Dir(first), "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(first), "sandbox-next")
	cmd := exec.Command("go", "build", "-overlay", list, "-o", path, ".")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{out, err}
	}
	return path, nil
})

// drop puts a binary into the drop folder and returns the body that installs it.
func (b *broker) drop(t testing.TB, from string) fields {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.cfg.Plugins.DropDir, filepath.Base(from)), raw, 0o700); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return fields{"file": filepath.Base(from), "sha256": hex.EncodeToString(sum[:])}
}

// inspected is what these tests look at.
type inspected struct {
	State, Version, Active, Previous string
	PID                              int
	LogLevel                         string `json:"log_level"`
	Revision                         uint64
	Versions                         []struct {
		Version, Signature string
		Active, Disabled   bool
	}
	Pins []struct {
		Group    string
		Isolated bool
	}
	Runs []struct {
		Role, Version string
		Health        struct{ Process, Connection, Provider string }
		Process       *struct {
			ResidentBytes int64 `json:"resident_bytes"`
		}
	}
	Changes []struct {
		Kind, State string
		Phases      []struct{ Phase, Outcome string }
	}
}

const sandboxPath = "/v1/plugins/sandbox"

func (b *broker) inspect(t testing.TB) (p inspected) {
	t.Helper()
	b.first.must(t, http.MethodGet, sandboxPath, nil, &p)
	return p
}

// ask sends a request of the first superadmin from a revision.
func (b *broker) ask(t testing.TB, method, path, etag, key string, in fields) answer {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b.client.send(t, request{method: method, path: path, bearer: b.first.bearer, body: raw, header: map[string]string{"If-Match": etag, "Idempotency-Key": key}})
}

func want(t testing.TB, what string, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: want %d, got %d %s", what, status, a.status, a.body)
	}
}

func TestPluginVersionsOverREST(t *testing.T) {
	b := start(t)
	next, err := nextVersion()
	if err != nil {
		t.Fatal(err)
	}
	b.first.must(t, http.MethodPost, "/v1/plugins", b.drop(t, next), nil)
	p := b.inspect(t)
	if p.Active != "1.0.0" || len(p.Versions) != 2 || p.Versions[1].Version != "1.1.0" || p.Versions[1].Signature != "none" {
		t.Fatalf("a later version waits beside the active one: %+v", p)
	}
	if r := p.Runs[0]; r.Role != "active" || r.Health.Process != "ok" || r.Process == nil || r.Process.ResidentBytes == 0 {
		t.Errorf("the run tells what it takes: %+v", r)
	}
	old := strconv.Quote(strconv.FormatUint(p.Revision, 10))
	up := fields{"version": "1.1.0", "reason": "the next release"}
	want(t, "an upgrade without a revision", b.ask(t, http.MethodPost, sandboxPath+"/upgrade?wait=true", "", "k0", up), http.StatusUnprocessableEntity)
	want(t, "an upgrade from an old revision", b.ask(t, http.MethodPost, sandboxPath+"/upgrade?wait=true", `"1000"`, "k1", up), http.StatusPreconditionFailed)
	want(t, "an upgrade to what is not there", b.ask(t, http.MethodPost, sandboxPath+"/upgrade", old, "k2", fields{"version": "9.9.9"}), http.StatusUnprocessableEntity)
	want(t, "the upgrade", b.ask(t, http.MethodPost, sandboxPath+"/upgrade?wait=true", old, "k3", up), http.StatusOK)
	b.served(t, "1.1.0")
	want(t, "the upgrade again", b.ask(t, http.MethodPost, sandboxPath+"/upgrade?wait=true", old, "k3", up), http.StatusOK)
	want(t, "another request under its key", b.ask(t, http.MethodPost, sandboxPath+"/upgrade", old, "k3", fields{"version": "1.0.0"}), http.StatusConflict)
	want(t, "the rollback", b.ask(t, http.MethodPost, sandboxPath+"/rollback?wait=true", "*", "k4", fields{"reason": "we try it"}), http.StatusOK)
	b.served(t, "1.0.0")
	want(t, "the rollback again", b.ask(t, http.MethodPost, sandboxPath+"/rollback?wait=true", "*", "k4", fields{"reason": "we try it"}), http.StatusOK)
	b.served(t, "1.0.0")
	b.pins(t)
	b.first.must(t, http.MethodPut, sandboxPath+"/versions/1.1.0/state", fields{"state": "disabled"}, nil)
	want(t, "an upgrade to what is disabled", b.ask(t, http.MethodPost, sandboxPath+"/upgrade", "*", "k5", up), http.StatusPreconditionFailed)
	want(t, "removing what is active", b.ask(t, http.MethodDelete, sandboxPath+"/versions/1.0.0", "*", "", nil), http.StatusPreconditionFailed)
	want(t, "removing the other", b.ask(t, http.MethodDelete, sandboxPath+"/versions/1.1.0", "*", "", nil), http.StatusNoContent)
	if p := b.inspect(t); len(p.Versions) != 1 {
		t.Errorf("a removed version is gone: %+v", p.Versions)
	}
	b.audited(t, "plugin.install", "plugin.upgrade", "plugin.upgrade_end", "plugin.rollback", "plugin.rollback_end", "plugin.pin", "plugin.unpin", "plugin.disable", "plugin.remove")
}

// served wants a version active, brought there by a change with all its phases.
func (b *broker) served(t *testing.T, version string) {
	t.Helper()
	p := b.inspect(t)
	last := p.Changes[len(p.Changes)-1]
	swapped := slices.ContainsFunc(last.Phases, func(x struct{ Phase, Outcome string }) bool { return x.Phase == "swap" && x.Outcome == "done" })
	if p.Active != version || p.Version != version || p.State != "ready" || !swapped {
		t.Fatalf("want %s active and serving, got %+v", version, p)
	}
}

// pins isolates an org, and takes that back.
func (b *broker) pins(t *testing.T) {
	t.Helper()
	path := sandboxPath + "/pins/alone"
	a := b.ask(t, http.MethodPut, path, "*", "", fields{"orgs": []string{b.first.org, missing(1)}, "isolated": true})
	if p, err := a.problem(); a.status != http.StatusUnprocessableEntity || err != nil || len(p.Errors) != 1 || p.Errors[0].Path != "body.orgs[1]" {
		t.Errorf("a pin for an org that is none: %d %s", a.status, a.body)
	}
	b.first.must(t, http.MethodPut, path, fields{"orgs": []string{b.first.org}, "isolated": true, "reason": "a large one"}, nil)
	if p := b.inspect(t); len(p.Pins) != 1 || !p.Pins[0].Isolated {
		t.Errorf("the pin is shown: %+v", p.Pins)
	}
	want(t, "unpinning", b.ask(t, http.MethodDelete, path+"?reason=enough", "*", "", nil), http.StatusOK)
	want(t, "unpinning again", b.ask(t, http.MethodDelete, path, "*", "", nil), http.StatusNotFound)
}

// audited wants a record of each action, newest first.
func (b *broker) audited(t *testing.T, actions ...string) {
	t.Helper()
	var page struct{ Items []struct{ Action string } }
	b.first.must(t, http.MethodGet, "/v1/audit?limit=200", nil, &page)
	for _, want := range actions {
		if !slices.ContainsFunc(page.Items, func(x struct{ Action string }) bool { return x.Action == want }) {
			t.Errorf("the audit log has no %s: %v", want, page.Items)
		}
	}
}

func TestPluginIsWatchedOverREST(t *testing.T) {
	b := start(t)
	b.first.must(t, http.MethodPut, sandboxPath+"/log-level", fields{"level": "debug"}, nil)
	p := b.inspect(t)
	if p.LogLevel != "debug" {
		t.Errorf("the log level is shown: %q", p.LogLevel)
	}
	if err := syscall.Kill(p.PID, syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	type report struct {
		ID, Kind, Version string
		Trace             []string
	}
	var list struct{ Items []report }
	eventually(t, "a crash report", func() bool {
		b.first.must(t, http.MethodGet, sandboxPath+"/crashes", nil, &list)
		return len(list.Items) == 1
	})
	var one report
	b.first.must(t, http.MethodGet, sandboxPath+"/crashes/"+list.Items[0].ID, nil, &one)
	if one.Kind != "exit" || one.Version != "1.0.0" {
		t.Errorf("the report: %+v", one)
	}
	eventually(t, "the plugin to serve again", func() bool { return b.inspect(t).State == "ready" })
	b.first.must(t, http.MethodPost, sandboxPath+"/reload", nil, nil)
	var breakers struct{ Items []any }
	b.first.must(t, http.MethodGet, sandboxPath+"/breakers", nil, &breakers)
	if len(breakers.Items) != 0 {
		t.Errorf("nothing has failed: %v", breakers.Items)
	}
	want(t, "resetting what is closed", b.first.do(t, http.MethodPost, sandboxPath+"/breakers/reset", fields{"account": missing(1)}), http.StatusNotFound)
	b.audited(t, "plugin.log_level", "plugin.reload")
	metrics := b.first.do(t, http.MethodGet, "/metrics", nil)
	if metrics.status != http.StatusOK || !bytes.Contains(metrics.body, []byte(`plugin="sandbox"`)) {
		t.Errorf("the metrics tell of plugins: %d", metrics.status)
	}
}

// TestPluginsAreOfWhoRunsTheBroker sends every request about plugins, and the one
// for the metrics, for those who do not run the installation.
func TestPluginsAreOfWhoRunsTheBroker(t *testing.T) {
	s := perform(t)
	doc := read(t, s.client)
	others := []*person{s.b.boss, s.r1.reseller, s.r1.customer}
	others = append(others, s.b.people...)
	n := 0
	for _, o := range doc.operations {
		if !strings.HasPrefix(o.path, "/v1/plugins") {
			continue
		}
		o.path = strings.ReplaceAll(o.path, "{name}", "sandbox")
		for _, p := range others {
			r := doc.compose(t, o, *s.a.actor(p), doc.places(t, o), nil)
			a := s.client.send(t, r)
			n++
			if a.status != http.StatusNotFound && a.status != http.StatusForbidden {
				t.Errorf("%s: %s %s: %d %.200s", p.name, r.method, r.path, a.status, a.body)
			}
		}
	}
	for _, p := range others {
		if a := p.do(t, http.MethodGet, "/metrics", nil); a.status != http.StatusForbidden {
			t.Errorf("%s reads the metrics: %d", p.name, a.status)
		}
	}
	if n < 40 {
		t.Errorf("only %d requests", n)
	}
	s.finish(t)
}

// halt stops a process. The signal is sent at once, but it stops the process
// only when one of its threads runs: until then the others go on.
func halt(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every thread of the process to stand still", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range threads {
			stat, err := os.ReadFile(file)
			state := stat[bytes.LastIndexByte(stat, ')')+1:]
			if err != nil || !bytes.HasPrefix(state, []byte(" T")) {
				return false
			}
		}
		return len(threads) > 0
	})
}

// TestOverloadSaysWhenToComeBack fills the only slot of a plugin that stands still.
func TestOverloadSaysWhenToComeBack(t *testing.T) {
	b := startWith(t, app.Options{}, func(c *config.Config) {
		c.Plugins.Concurrent, c.Plugins.Queue, c.Plugins.QueueWait = 1, 1, 100*time.Millisecond
	})
	boss := b.first
	org := boss.make(t, "/v1/orgs", fields{"kind": "provider", "name": "clouds"})
	var providers []string
	for i := range 4 {
		providers = append(providers, boss.make(t, "/v1/providers", fields{"plugin_name": "sandbox", "org_id": org, "title": strconv.Itoa(i)}))
		enable(t, b, boss, providers[i])
	}
	pid := b.inspect(t).PID
	halt(t, pid)
	answers := make(chan answer, len(providers))
	var asked sync.WaitGroup
	for _, id := range providers {
		asked.Go(func() { answers <- boss.do(t, http.MethodPost, "/v1/providers/"+id+"/sync", nil) })
	}
	for range cap(answers) - 1 {
		a := <-answers
		after, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable || err != nil || after < 1 || !a.isProblem() {
			t.Errorf("want 429 or 503 with Retry-After, got %d %q %s", a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(fmt.Errorf("the plugin was ended before it could go on: %w", err))
	}
	asked.Wait()
}
