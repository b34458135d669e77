package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/core/pluginstore"
	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const shelfCode = "sesame-2718281828-master"

// shelf is the example plugin as a real process of a real host, with its data in
// a real store.
type shelf struct {
	t    *testing.T
	dir  string
	log  *bytes.Buffer
	mu   *sync.Mutex
	host *host.Host
	db   *bolt.DB
}

// Write collects the host's log, which has the plugin's in it.
func (s *shelf) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func buildShelf(t *testing.T, out, version string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version="+version, "-o", out, "./shelf")
	cmd.Dir = filepath.Join("..", "..", "examples")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the shelf: %v\n%s", err, msg)
	}
}

func openShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, dir: hosttest.ShortDir(t), log: &bytes.Buffer{}, mu: &sync.Mutex{}}
	s.open()
	t.Cleanup(s.close)
	file := filepath.Join(s.dir, "tradewind-provider-shelf")
	for _, v := range []string{"1.0.0", "2.0.0"} {
		buildShelf(t, file, v)
		if _, err := s.host.Install(t.Context(), file, host.InstallOptions{AcceptComputed: true}); err != nil {
			t.Fatal(err)
		}
	}
	s.serving()
	return s
}

// open starts the store and a host on what an earlier one left.
func (s *shelf) open() {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(s.dir, "store.db"), Logger: log, LockTimeout: time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	keyset := filepath.Join(s.dir, "keyset")
	_, err = os.Stat(keyset)
	keys, err := seal.New(seal.Config{Path: keyset, Create: os.IsNotExist(err)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.db = db
	s.host = openHost(s.t, filepath.Join(s.dir, "plugins"), log, areasOn(s.t, db, keys))
}

func (s *shelf) serving() {
	s.t.Helper()
	if err := s.host.Start(s.t.Context(), "shelf"); err != nil {
		s.t.Fatal(err)
	}
}

// areasOn is the plugins' storage for the root orgs "root" and "root2".
func areasOn(t *testing.T, db store.Store, keys *seal.Keyring) *pluginstore.Service {
	t.Helper()
	areas, err := pluginstore.New(pluginstore.Config{
		Store: db, Clock: clock.Real{}, Sealer: keys, EventsPerSecond: 1000,
		RootExists: func(_ store.Reader, id string) (bool, error) { return id == "root" || id == "root2", nil },
		Event:      func(store.Tx, pluginstore.Event) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return areas
}

// openHost opens a host whose plugins keep their data in areas.
func openHost(t *testing.T, dir string, log *slog.Logger, areas *pluginstore.Service, plugins ...catalog.Entry) *host.Host {
	t.Helper()
	h, err := host.Open(t.Context(), host.Config{
		Dir: dir, Dev: true, Log: log, Plugins: plugins,
		Services: func(name string) contract.HostServices { return areas.Area(name) },
		Policy:   supervise.Policy{Backoff: 20 * time.Millisecond, StopTimeout: 2 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *shelf) close() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), hosttest.Bound)
	defer cancel()
	if err := s.host.Close(ctx); err != nil {
		s.t.Errorf("closing the host: %v", err)
	}
	if err := s.db.Close(); err != nil {
		s.t.Errorf("closing the store: %v", err)
	}
}

func (s *shelf) plugin() *host.Plugin {
	s.t.Helper()
	p, err := s.host.Plugin("shelf")
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func shelfCall(stock string) contract.Call {
	return contract.Call{Org: "o", RootOrg: "root", RequestID: "r", Account: contract.Account{
		ID: "a", Settings: map[string]string{"stock": stock}, Credentials: map[string]secret.Value{"master": secret.New(shelfCode)},
	}}
}

func (s *shelf) buy(token, article, stock string) (contract.Change, error) {
	s.t.Helper()
	return s.plugin().Create(s.t.Context(), contract.CreateRequest{
		Call: shelfCall(stock), Token: token, Kind: "box", Spec: json.RawMessage(`{"article":"` + article + `"}`),
	})
}

// surely repeats a purchase under its token until the answer is certain, as the
// broker does.
func (s *shelf) surely(token, article, stock string) error {
	deadline := time.NewTimer(hosttest.Bound)
	defer deadline.Stop()
	for {
		_, err := s.buy(token, article, stock)
		if err == nil || fault.Is(err, fault.ClassOutOfStock) {
			return err
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("no certain answer: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *shelf) boxes() map[string]int {
	s.t.Helper()
	out := map[string]int{}
	err := s.plugin().List(s.t.Context(), contract.ListRequest{Call: shelfCall("0"), Kind: "box"}, func(r contract.Resource) error {
		out[r.Token]++
		if bytes.Contains(r.State, []byte(shelfCode)) {
			s.t.Error("a list tells a sealed value")
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// race lets 64 buyers take what is there while disturb happens, and checks that
// each box was sold once.
func (s *shelf) race(article string, stock int, disturb func()) {
	s.t.Helper()
	const buyers = 64
	before := len(s.boxes())
	errs := make([]error, buyers)
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() { errs[i] = s.surely(fmt.Sprintf("%s-%d", article, i), article, fmt.Sprint(stock)) })
	}
	disturb()
	wg.Wait()
	sold := 0
	for i, err := range errs {
		switch {
		case err == nil:
			sold++
		case !fault.Is(err, fault.ClassOutOfStock):
			s.t.Errorf("buyer %d: %v", i, err)
		}
	}
	after := s.boxes()
	if sold != stock || len(after) != before+stock {
		s.t.Errorf("%s: %d of %d were sold, %d boxes are kept", article, sold, stock, len(after)-before)
	}
}

// TestDataOutlivesProcesses: what a plugin keeps at the host is whole after its
// process was killed, after the host was started again, and while two versions
// of it serve side by side; nothing is sold twice meanwhile.
func TestDataOutlivesProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills a plugin")
	}
	s := openShelf(t)
	s.race("lamp", 1, func() {})
	s.race("vase", 20, func() {
		for range 3 {
			pid := s.host.Statuses()[0].PID
			if pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
			}
			hosttest.Eventually(t, "the plugin is back", func() bool {
				now := s.host.Statuses()[0].PID
				return now > 0 && now != pid
			})
		}
	})
	s.race("clock", 20, func() {
		for _, v := range []string{"2.0.0", "1.0.0", "2.0.0"} {
			if err := s.host.Upgrade(t.Context(), "shelf", v, catalog.Edit{}); err != nil {
				t.Errorf("changing to %s: %v", v, err)
			}
		}
	})
	kept := s.boxes()
	s.close()
	s.open()
	s.serving()
	if after := s.boxes(); len(after) != len(kept) || len(after) != 41 {
		t.Errorf("%d boxes were kept, %d are there after a restart", len(kept), len(after))
	}
	s.codeIsSealed()
}

// codeIsSealed: the plugin can read the sealed code; it is nowhere in the clear.
func (s *shelf) codeIsSealed() {
	s.t.Helper()
	var id string
	err := s.plugin().List(s.t.Context(), contract.ListRequest{Call: shelfCall("0"), Kind: "box"}, func(r contract.Resource) error {
		id = r.ID
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := s.plugin().Act(s.t.Context(), contract.ActionRequest{
		Call: shelfCall("0"), Kind: "box", ID: id, Action: "try", Input: json.RawMessage(`{"code":"` + shelfCode + `"}`),
	})
	if err != nil || string(got.Output) != `{"opens":true}` {
		s.t.Errorf("trying the code: %s, %v", got.Output, err)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "store.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(shelfCode)) || !bytes.Contains(raw, []byte("vase-")) {
		s.t.Error("the store's file has a sealed value in the clear, or is not the store's file")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Contains(s.log.Bytes(), []byte(shelfCode)) {
		s.t.Error("the log has a sealed value")
	}
}
