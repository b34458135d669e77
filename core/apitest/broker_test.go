package apitest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/clock"
)

// counter hands out numbers.
type counter struct{ n atomic.Int64 }

func (c *counter) next() int64 { return c.n.Add(1) }

// moving is the machine's clock, some time ahead.
type moving struct {
	clock.Real
	ahead atomic.Int64
}

func (m *moving) Now() time.Time { return m.Real.Now().Add(time.Duration(m.ahead.Load())) }

func (m *moving) advance(d time.Duration) { m.ahead.Add(int64(d)) }

// journal keeps every log line.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) bytes() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.buf.Bytes())
}

// broker is a running broker of one test.
type broker struct {
	app     *app.App
	cfg     config.Config
	clock   *moving
	log     *journal
	client  *client
	secrets *secrets
	first   *person // superadmin of the first root
	second  *person // superadmin of the second
	stop    func()  // ends it; the test's cleanup does so too
}

// binary is the sandbox plugin, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "apitest-plugin-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tradewind-provider-sandbox")
	cmd := exec.Command("go", "build", "-o", path, "./sandbox")
	cmd.Dir = filepath.Join("..", "..", "examples")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{out, err}
	}
	return path, nil
})

type buildError struct {
	out []byte
	err error
}

func (e *buildError) Error() string {
	return "building the sandbox: " + e.err.Error() + "\n" + string(e.out)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func settings(t testing.TB) config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.DataDir, cfg.KeysetFile = filepath.Join(dir, "data"), filepath.Join(dir, "keys", "keyset.json")
	cfg.Plugins.Dir, cfg.Plugins.DropDir = filepath.Join(dir, "plugins"), filepath.Join(dir, "drop")
	cfg.Operator.Name = markA + " operator"
	cfg.Rate = config.Rate{}
	cfg.SignIn = config.SignIn{LoginEvery: time.Microsecond, LoginBurst: 1 << 20, IPEvery: time.Microsecond, IPBurst: 1 << 20,
		LockAfter: 1 << 20, LockFirst: time.Second, LockMax: time.Second}
	cfg.Sessions = config.Sessions{Idle: 2000 * time.Hour, Life: 2000 * time.Hour, TokenLife: 9000 * time.Hour}
	cfg.Passwords = config.Passwords{MemoryKiB: 64, Passes: 1, Lanes: 1, Concurrency: 2}
	cfg.Jobs.KeepDone, cfg.Jobs.Workers = 2000*time.Hour, 4
	cfg.Quotes.Keep = 2000 * time.Hour
	cfg.Catalogue.SyncEvery = 0
	cfg.Orders.CallTimeout = 10 * time.Second
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start runs a broker with two roots until the test ends.
func start(t testing.TB) *broker {
	t.Helper()
	return startWith(t, app.Options{})
}

// startWith is start with options beside clock and log, and other settings.
func startWith(t testing.TB, opt app.Options, edits ...func(*config.Config)) *broker {
	t.Helper()
	cfg := settings(t)
	for _, edit := range edits {
		edit(&cfg)
	}
	b := &broker{cfg: cfg, clock: &moving{}, log: &journal{}, secrets: newSecrets()}
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	opt.Clock, opt.Logger, opt.Version = b.clock, log, "test"
	if b.app, err = app.Open(ctx, b.cfg, opt); err != nil {
		cancel()
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.app.Serve(ctx, l) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
		if err := b.app.Close(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	t.Cleanup(b.stop)
	b.client = newClient("http://"+l.Addr().String(), b.secrets)
	b.roots(t)
	b.install(t)
	return b
}

// roots makes the two roots and signs their superadmins in.
func (b *broker) roots(t testing.TB) {
	t.Helper()
	login, password, err := b.app.FirstStart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.first = &person{client: b.client, name: "A/superadmin", role: "superadmin", login: login, password: password.Reveal()}
	root, err := b.app.CreateRoot(t.Context(), tenant.RootInput{OperatorName: markB + " operator", Login: "b-admin"})
	if err != nil {
		t.Fatal(err)
	}
	b.second = &person{client: b.client, name: "B/superadmin", role: "superadmin", login: root.User.Login, password: root.Password.Reveal()}
	for _, p := range []*person{b.first, b.second} {
		b.secrets.plant("the first password of "+p.name, p.password)
		p.signIn(t)
	}
}

// install hands the sandbox plugin to the broker through the API.
func (b *broker) install(t testing.TB) {
	t.Helper()
	from, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.cfg.Plugins.DropDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.cfg.Plugins.DropDir, filepath.Base(from)), raw, 0o700); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	b.first.must(t, http.MethodPost, "/v1/plugins", map[string]string{"file": filepath.Base(from), "sha256": hex.EncodeToString(sum[:])}, nil)
	eventually(t, "the plugin to be ready", func() bool {
		var p struct{ State string }
		b.first.must(t, http.MethodGet, "/v1/plugins/sandbox", nil, &p)
		return p.State == "ready"
	})
}

// eventually asks until done says yes.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}
