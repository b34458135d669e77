package pluginstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/pluginstore"
	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest/storagetest"
	"tradewind.example/sdk/provider"
)

// world is one service on a store of its own, with root orgs "one" and "two".
type world struct {
	*pluginstore.Service
	store  store.Store
	clock  *clock.Fake
	keys   *seal.Keyring
	events []pluginstore.Event
}

func open(t *testing.T, change func(*pluginstore.Config)) *world {
	t.Helper()
	keys, err := seal.New(seal.Config{Path: filepath.Join(t.TempDir(), "keyset"), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: storetest.Open(t), keys: keys, clock: clock.NewFake(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))}
	cfg := pluginstore.Config{
		Store: w.store, Clock: w.clock, Sealer: keys,
		RootExists: func(_ store.Reader, id string) (bool, error) { return id == "one" || id == "two", nil },
		Event: func(_ store.Tx, e pluginstore.Event) error {
			w.events = append(w.events, e)
			return nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	if w.Service, err = pluginstore.New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

var one = provider.Scope{RootOrg: "one"}

func put(t *testing.T, a *pluginstore.Area, w ...provider.Write) {
	t.Helper()
	if err := a.Apply(t.Context(), one, provider.Transaction{Writes: w}); err != nil {
		t.Fatal(err)
	}
}

func TestAreaKeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storagetest.Fixture {
		return storagetest.Fixture{Services: open(t, nil).Area("cpcc"), Roots: [2]string{"one", "two"}}
	})
}

func TestPluginsAreApart(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	put(t, w.Area("cpcc"), provider.Write{Key: "k", Value: []byte("mine")})
	// "cpc" + "cone" and the like must not meet the area of "cpcc" and "one".
	for _, name := range []string{"other", "cpc", "cpcco", ""} {
		a := w.Area(name)
		if _, _, err := a.Get(t.Context(), one, "k"); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("plugin %q reads another's key: %v", name, err)
		}
		err := a.Scan(t.Context(), one, provider.KeyRange{}, func(kv provider.KeyValue) error {
			t.Errorf("plugin %q scans another's %q", name, kv.Key)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAnUnknownRootOrgIsMissing(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a, nowhere := w.Area("cpcc"), provider.Scope{RootOrg: "three"}
	_, _, err := a.Get(t.Context(), nowhere, "k")
	for what, err := range map[string]error{
		"get":   err,
		"scan":  a.Scan(t.Context(), nowhere, provider.KeyRange{}, nil),
		"apply": a.Apply(t.Context(), nowhere, provider.Transaction{Writes: []provider.Write{{Key: "k"}}}),
		"emit":  a.Emit(t.Context(), nowhere, provider.Event{Cursor: "1", Type: "x"}),
	} {
		if !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("%s for a root org that does not exist: %v", what, err)
		}
	}
}

func usage(t *testing.T, w *world) []pluginstore.Usage {
	t.Helper()
	var out []pluginstore.Usage
	err := w.EachUsage(t.Context(), func(u pluginstore.Usage) error { out = append(out, u); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUsageCountsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a := w.Area("cpcc")
	put(t, a, provider.Write{Key: "ab", Value: []byte("123")}, provider.Write{Key: "c", Value: nil})
	put(t, a, provider.Write{Key: "ab", Value: []byte("1")})
	if diff := cmp.Diff([]pluginstore.Usage{{Plugin: "cpcc", RootOrg: "one", Keys: 2, Bytes: 4, Revision: 3}}, usage(t, w)); diff != "" {
		t.Errorf("after three writes (-want +got):\n%s", diff)
	}
	put(t, a, provider.Write{Key: "ab", Delete: true}, provider.Write{Key: "c", Delete: true}, provider.Write{Key: "never", Delete: true})
	if diff := cmp.Diff([]pluginstore.Usage{{Plugin: "cpcc", RootOrg: "one", Revision: 3}}, usage(t, w)); diff != "" {
		t.Errorf("after deleting all (-want +got):\n%s", diff)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *pluginstore.Config) { c.Quota = pluginstore.Quota{Keys: 2, Bytes: 10} })
	a := w.Area("cpcc")
	write := func(w ...provider.Write) error {
		return a.Apply(t.Context(), one, provider.Transaction{Writes: w})
	}
	put(t, a, provider.Write{Key: "a", Value: []byte("12345678")})
	if err := write(provider.Write{Key: "b", Value: []byte("x")}); !fault.Is(err, fault.ClassQuota) || !strings.Contains(err.Error(), "11 bytes of at most 10") {
		t.Errorf("too many bytes: %v", err)
	}
	if err := write(provider.Write{Key: "b"}, provider.Write{Key: "c"}, provider.Write{Key: "a"}); !fault.Is(err, fault.ClassQuota) || !strings.Contains(err.Error(), "3 keys of at most 2") {
		t.Errorf("too many keys: %v", err)
	}
	if err := write(provider.Write{Key: "a", Value: []byte("1")}, provider.Write{Key: "b", Value: []byte("x")}); err != nil {
		t.Errorf("making room and using it: %v", err)
	}
	if got := usage(t, w)[0]; got.Keys != 2 || got.Bytes != 4 {
		t.Errorf("refused writes are counted: %+v", got)
	}
}

func TestAFullAreaMayShrink(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	put(t, w.Area("cpcc"), provider.Write{Key: "a", Value: make([]byte, 100)}, provider.Write{Key: "b", Value: make([]byte, 100)})
	smaller, err := pluginstore.New(pluginstore.Config{
		Store: w.store, Clock: w.clock, Sealer: w.keys, Quota: pluginstore.Quota{Keys: 1, Bytes: 10},
		RootExists: func(store.Reader, string) (bool, error) { return true, nil },
		Event:      func(store.Tx, pluginstore.Event) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, smaller.Area("cpcc"), provider.Write{Key: "a", Value: make([]byte, 50)})
}

func TestSealedValuesAreNotInTheStore(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	const marker = "marker-kubeconfig"
	put(t, w.Area("cpcc"), provider.Write{Key: "s", Value: []byte(marker), Sealed: true}, provider.Write{Key: "p", Value: []byte("open-text")})
	var copied bytes.Buffer
	if _, err := w.store.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(copied.Bytes(), []byte(marker)) || !bytes.Contains(copied.Bytes(), []byte("open-text")) {
		t.Error("the store's file shows the sealed value, or not the open one")
	}
}

func TestResealRenewsEverySealedValue(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a := w.Area("cpcc")
	const n = 450 // more than two pages
	for i := range n {
		put(t, a, provider.Write{Key: fmt.Sprintf("k%03d", i), Value: fmt.Append(nil, i), Sealed: true})
	}
	put(t, a, provider.Write{Key: "k000", Value: []byte("open now")}, provider.Write{Key: "k001", Delete: true})
	old := w.keys.Keys()[0].ID
	if _, err := w.keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Reseal(t.Context()); err != nil || got != n-2 {
		t.Fatalf("sealed again: %d, %v; want %d", got, err, n-2)
	}
	if got, err := w.Reseal(t.Context()); err != nil || got != 0 {
		t.Errorf("a second pass: %d, %v", got, err)
	}
	if err := w.keys.Retire(old); err != nil {
		t.Fatal(err)
	}
	if v, _, err := a.Get(t.Context(), one, "k449"); err != nil || string(v) != "449" {
		t.Errorf("after retiring the old key: %q, %v", v, err)
	}
}

func TestTokensAreKeptLongEnoughAndNotForEver(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a := w.Area("cpcc")
	take := func(token string) {
		t.Helper()
		err := a.Apply(t.Context(), one, provider.Transaction{Token: token, Writes: []provider.Write{{Key: token, Value: []byte(w.clock.Now().String())}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	take("early")
	w.clock.Advance(provider.MinTokenLife / 2)
	take("late")
	w.clock.Advance(provider.MinTokenLife / 2)
	if n, err := w.Trim(t.Context()); err != nil || n != 0 {
		t.Errorf("at the end of its time a token is forgotten: %d, %v", n, err)
	}
	w.clock.Advance(time.Second)
	if n, err := w.Trim(t.Context()); err != nil || n != 1 {
		t.Errorf("trimmed %d, %v; want the early one", n, err)
	}
	_, before, _ := a.Get(t.Context(), one, "late")
	take("late")
	if _, after, _ := a.Get(t.Context(), one, "late"); after != before {
		t.Error("the late token was forgotten too")
	}
}

func TestEventsAreKeptOnceAndBounded(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *pluginstore.Config) { c.EventsPerSecond = 1 })
	a := w.Area("cpcc")
	emit := func(cursor string) error {
		return a.Emit(t.Context(), one, provider.Event{Cursor: cursor, Type: "resource.changed"})
	}
	for i := range 10 {
		if err := emit(fmt.Sprint(i / 2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := emit("more"); !fault.Is(err, fault.ClassThrottled) {
		t.Errorf("an eleventh event at once: %v", err)
	}
	if len(w.events) != 5 || w.events[0].Plugin != "cpcc" || w.events[0].RootOrg != "one" || !w.events[0].Time.Equal(w.clock.Now()) {
		t.Errorf("kept: %+v", w.events)
	}
	w.clock.Advance(time.Second)
	if err := emit("later"); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

var errSink = errors.New("sink")

func TestAnEventThatIsNotKeptMayBeRepeated(t *testing.T) {
	t.Parallel()
	fail := true
	w := open(t, func(c *pluginstore.Config) {
		c.Event = func(store.Tx, pluginstore.Event) error {
			if fail {
				return errSink
			}
			return nil
		}
	})
	e := provider.Event{Cursor: "1", Type: "x"}
	if err := w.Area("cpcc").Emit(t.Context(), one, e); !errors.Is(err, errSink) {
		t.Fatal(err)
	}
	fail = false
	if err := w.Area("cpcc").Emit(t.Context(), one, e); err != nil {
		t.Error(err)
	}
}

func TestBackupHoldsTheAreas(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	put(t, w.Area("cpcc"), provider.Write{Key: "k", Value: []byte("v")}, provider.Write{Key: "s", Value: []byte("secret"), Sealed: true})
	path := filepath.Join(t.TempDir(), "copy.db")
	restored := restore(t, w.store, path)
	again, err := pluginstore.New(pluginstore.Config{
		Store: restored, Clock: w.clock, Sealer: w.keys,
		RootExists: func(store.Reader, string) (bool, error) { return true, nil },
		Event:      func(store.Tx, pluginstore.Event) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"k": "v", "s": "secret"} {
		if got, _, err := again.Area("cpcc").Get(t.Context(), one, key); err != nil || string(got) != want {
			t.Errorf("%q after the restore: %q, %v", key, got, err)
		}
	}
}

// restore opens a backup of st.
func restore(t *testing.T, st store.Store, path string) store.Store {
	t.Helper()
	copied, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = st.Backup(t.Context(), copied)
	if err := errors.Join(err, copied.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
