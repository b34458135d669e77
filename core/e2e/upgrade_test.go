package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestUpgrades replaces the plugin under customers who order, by the commands
// that an operator types. No order fails, whatever the new version is like.
func TestUpgrades(t *testing.T) {
	w := newWorld(t, build(t))
	w.takeToken()
	shop := openShop(t.Context(), w)
	next := w.release("1.1.0", nil)
	broken := w.release("1.2.0", map[string]string{
		"all, err := c.projects(ctx)\n": "all, err := c.projects(ctx)\nerr = fault.Unavailable(\"this version is broken\")\n",
	})
	rest := shop.busy(t.Context())
	w.must(w.tool("install", filepath.Base(next), "--sha256", w.sum(next)))
	w.serves("1.0.0")
	w.must(w.tool("upgrade", "ucloud", "1.1.0", "--reason", "a new release"))
	w.serves("1.1.0")
	if err := w.tool("install", filepath.Base(broken), "--sha256", w.sum(broken), "--activate"); err == nil || !strings.Contains(err.Error(), "phase shadow") {
		t.Errorf("a version that cannot read comes into use: %v", err)
	}
	w.serves("1.1.0")
	w.must(w.tool("rollback", "ucloud", "--reason", "the old one was good"))
	w.serves("1.0.0")
	rest()
	w.must(shop.quiet())
	w.isolate(shop)
	w.watch(t)
	if err := w.check(t.Context(), shop); err != nil {
		t.Fatal(err)
	}
	w.allServed(t, shop)
}

// busy keeps all customers ordering until the returned function is called.
func (s *shop) busy(ctx context.Context) (rest func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if s.pending.Load() < int64(len(s.w.customers)) {
				s.allow(len(s.w.customers))
			}
			pause(ctx, 50*time.Millisecond)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// takeToken makes an API token of the operator for the command line.
func (w *world) takeToken() {
	var out struct{ Secret string }
	w.must(w.operator.post(w.t.Context(), "/v1/tokens", "", map[string]any{
		"name": "command line", "scopes": []string{"plugin.read", "plugin.write"}, "expires": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}, &out))
	w.must(os.WriteFile(filepath.Join(w.dir, "token"), []byte(out.Secret), 0o600))
}

// tool runs a plugin command against the running broker.
func (w *world) tool(args ...string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.bin.broker, append(append([]string{"plugin"}, args...), "--url", w.at.get(), "--token-file", filepath.Join(w.dir, "token"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// release builds the plugin in another version, with changes to its source, and
// puts it into the drop folder.
func (w *world) release(version string, edits map[string]string) string {
	folder, err := filepath.Abs(filepath.Join("..", "..", "plugins", "ucloud"))
	w.must(err)
	source := filepath.Join(folder, "provider.go")
	text, err := os.ReadFile(source)
	w.must(err)
	replace := func(old, fresh string) {
		if !bytes.Contains(text, []byte(old)) {
			w.t.Fatalf("the plugin's source has no %q any more", old)
		}
		text = bytes.Replace(text, []byte(old), []byte(fresh), 1)
	}
	replace(`"1.0.0"`, `"`+version+`"`)
	for old, fresh := range edits {
		replace(old, fresh)
	}
	changed, list := filepath.Join(w.dir, version+".go"), filepath.Join(w.dir, version+".json")
	w.must(os.WriteFile(changed, text, 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	w.must(err)
	w.must(os.WriteFile(list, overlay, 0o600))
	path := filepath.Join(w.dir, "drop", "ucloud-"+version)
	cmd := exec.CommandContext(w.t.Context(), "go", "build", "-overlay", list, "-ldflags", "-s -w", "-o", path, ".")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("building version %s: %v\n%s", version, err, out)
	}
	return path
}

func (w *world) sum(path string) string {
	b, err := os.ReadFile(path)
	w.must(err)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// pluginNow is what these tests look at.
type pluginNow struct {
	State, Version, Active string
	PID                    int
	LogLevel               string `json:"log_level"`
	Runs                   []pluginRun
}

type pluginRun struct {
	Role  string
	OrgID string `json:"org_id"`
	PID   int
}

func (w *world) plugin() (now pluginNow) {
	w.must(w.operator.get(w.t.Context(), "/v1/plugins/ucloud", &now))
	return now
}

// serves wants a version active and serving.
func (w *world) serves(version string) {
	w.t.Helper()
	if p := w.plugin(); p.Active != version || p.Version != version || p.State != "ready" {
		w.t.Fatalf("want version %s to serve, got %+v", version, p)
	}
}

// isolate gives a customer a process of its own, and takes it away again.
func (w *world) isolate(s *shop) {
	org := w.customers[0].org
	w.must(w.tool("pin", "ucloud", "alone", "--org", org, "--isolated"))
	s.allow(12)
	w.must(s.quiet())
	w.must(wait(30*time.Second, func() (bool, error) {
		s.allow(1)
		p := w.plugin()
		own := func(r pluginRun) bool { return r.Role == "private" && r.OrgID == org && r.PID != 0 && r.PID != p.PID }
		return slices.ContainsFunc(p.Runs, own), nil
	}))
	w.must(w.tool("unpin", "ucloud", "alone"))
	w.must(s.quiet())
}

// watch turns the log up and lets the plugin crash.
func (w *world) watch(t *testing.T) {
	w.must(w.tool("log-level", "ucloud", "debug"))
	p := w.plugin()
	if p.LogLevel != "debug" {
		t.Errorf("the log level is not shown: %+v", p)
	}
	w.must(syscall.Kill(p.PID, syscall.SIGABRT))
	var reports struct {
		Items []struct{ Kind, Version string }
	}
	w.must(wait(20*time.Second, func() (bool, error) {
		err := w.operator.get(w.t.Context(), "/v1/plugins/ucloud/crashes", &reports)
		return len(reports.Items) > 0, err
	}))
	if r := reports.Items[0]; r.Kind != "exit" || r.Version != "1.0.0" {
		t.Errorf("the crash report: %+v", r)
	}
	w.must(w.tool("crashes", "ucloud"))
}

// allServed wants every order that was accepted to be fulfilled.
func (w *world) allServed(t *testing.T, s *shop) {
	t.Helper()
	if err := s.broken.err(); err != nil {
		t.Error(err)
	}
	orders := 0
	for _, c := range w.customers {
		all, err := list[struct{ ID, State, Kind string }](t.Context(), c, "/v1/orders")
		w.must(err)
		for _, o := range all {
			orders++
			if o.State == "failed" || o.State == "refunded" && o.Kind != "release" {
				t.Errorf("order %s (%s) is %s", o.ID, o.Kind, o.State)
			}
		}
	}
	if orders < 50 {
		w.must(errors.New("there were only a few orders: nothing is proven"))
	}
	s.note(func() { t.Logf("%d orders over two versions, %d requests sent again", orders, s.resent) })
}
