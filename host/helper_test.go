package host_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var (
	fakeBinary  string // hosttest/fakeplugin
	otherBinary string // the same as version 2.0.0
	noPlugin    string // hosttest/process
)

func TestMain(m *testing.M) {
	flag.Parse()
	if dir := os.Getenv(hostVariable); dir != "" {
		actAsHost(dir)
	}
	dir, err := os.MkdirTemp("", "twbin")
	if err == nil {
		fakeBinary, err = hosttest.Build(dir, "fakeplugin")
	}
	if err == nil {
		noPlugin, err = hosttest.Build(dir, "process")
	}
	if err == nil {
		otherBinary = filepath.Join(dir, "second")
		err = hosttest.BuildAs(otherBinary, "fakeplugin", "-X main.version=2.0.0")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// open opens a host on a fresh folder; it is closed when the test ends.
func open(t *testing.T, cfg host.Config) (*host.Host, *hosttest.LogBook) {
	t.Helper()
	book := &hosttest.LogBook{}
	if cfg.Dir == "" {
		cfg.Dir = hosttest.ShortDir(t)
	}
	cfg.Log = slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := host.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), hosttest.Bound)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		if t.Failed() {
			t.Logf("host log:\n%.20000s", book)
		}
	})
	return h, book
}

// dev is a configuration that runs the fake plugin in the given mode.
func dev(args ...string) host.Config {
	return host.Config{
		Dev: true, Plugins: []catalog.Entry{{Name: "fake", Path: fakeBinary, Args: args}},
		Policy: supervise.Policy{Backoff: 20 * time.Millisecond, StopTimeout: 2 * time.Second},
	}
}

// started opens a host with a serving fake plugin.
func started(t *testing.T, cfg host.Config) (*host.Host, *host.Plugin, *hosttest.LogBook) {
	t.Helper()
	h, book := open(t, cfg)
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	return h, p, book
}

func settings(kv ...string) provider.Call {
	c := provider.Call{Account: provider.Account{ID: "acc", Settings: map[string]string{}}}
	for i := 0; i < len(kv); i += 2 {
		c.Account.Settings[kv[i]] = kv[i+1]
	}
	return c
}

func ask(ctx context.Context, p *host.Plugin, kv ...string) (provider.Region, error) {
	rs, err := p.Regions(ctx, provider.RegionsRequest{Call: settings(kv...)})
	if err != nil {
		return provider.Region{}, err
	}
	return rs[0], nil
}

func status(h *host.Host) host.Status { return h.Statuses()[0] }

func credentials(kv ...string) map[string]secret.Value {
	out := map[string]secret.Value{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = secret.New(kv[i+1])
	}
	return out
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	hash, err := launch.Hash(f)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// tamper adds a byte to an installed binary.
func tamper(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = os.WriteFile(path, append(raw, 0), 0o500)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// goroutines returns one entry for each running goroutine.
func goroutines() []string {
	buf := make([]byte, 4<<20)
	return strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
}

// services is a host whose clock stands in 1999.
type services struct {
	provider.Storage
	plugin string
}

func (s services) Now(context.Context) (time.Time, error) {
	return time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), nil
}

func (s services) Emit(context.Context, provider.Scope, provider.Event) error { return nil }
