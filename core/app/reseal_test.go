package app_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
)

func settings(t *testing.T) config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.DataDir, cfg.KeysetFile = filepath.Join(dir, "data"), filepath.Join(dir, "keys", "keyset.json")
	cfg.Plugins.Dir = filepath.Join(dir, "plugins")
	cfg.Passwords = config.Passwords{MemoryKiB: 64, Passes: 1, Lanes: 1, Concurrency: 1}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// served runs a broker until ctx ends and returns what Serve and Close say.
func served(ctx context.Context, t *testing.T, cfg config.Config, log *slog.Logger) <-chan error {
	t.Helper()
	a, err := app.Open(ctx, cfg, app.Options{Clock: clock.Real{}, Logger: log, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() {
		done <- a.Serve(ctx, l)
		done <- a.Close(context.WithoutCancel(ctx))
	}()
	return done
}

// said is a log that tells when a message was written.
type said struct {
	slog.Handler
	message string
	heard   chan struct{}
}

func (s said) Handle(_ context.Context, r slog.Record) error {
	if r.Message == s.message {
		select {
		case s.heard <- struct{}{}:
		default:
		}
	}
	return nil
}

// Enabled takes all levels.
func (s said) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs keeps the log's ear.
func (s said) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup keeps the log's ear.
func (s said) WithGroup(string) slog.Handler { return s }

func TestRotatedKeysAreNoticedAtTheNextStart(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	primary := func() uint32 {
		ring, err := seal.New(seal.Config{Path: cfg.KeysetFile})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range ring.Keys() {
			if k.Primary {
				return k.ID
			}
		}
		return 0
	}
	run := func(want uint32) {
		log := said{message: "every stored secret is sealed with the primary key; older keys may be retired", heard: make(chan struct{}, 1)}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := served(ctx, t, cfg, slog.New(log))
		if want == 0 {
			want = primary()
		}
		select {
		case <-log.heard:
		case <-time.After(30 * time.Second):
			t.Fatal("the broker did not look for secrets of older keys")
		}
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("ending the broker: %v", err)
			}
		}
		if by := sealedBy(t, cfg); by != want {
			t.Errorf("the store is marked as sealed with key %d, want %d", by, want)
		}
	}
	run(0)
	ring, err := seal.New(seal.Config{Path: cfg.KeysetFile})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := ring.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if sealedBy(t, cfg) == fresh.ID {
		t.Fatal("the mark has a key that did not exist when it was made")
	}
	run(fresh.ID)
}

func sealedBy(t *testing.T, cfg config.Config) uint32 {
	t.Helper()
	db, err := bolt.Open(bolt.Options{Path: app.StorePath(cfg), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var key uint32
	err = db.View(t.Context(), func(r store.Reader) error {
		var all bool
		key, all, err = app.SealedBy(r)
		if !all {
			t.Error("the store has no mark")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}
