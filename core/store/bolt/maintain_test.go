package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/fault"
)

func contextWithTimeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// file makes a closed store with n records of schema version 1.
func file(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db := reopen(t, path)
	step := store.Migration{Version: 1, Name: "first", Run: func(tx store.Tx) error { return fill(tx, n) }}
	if err := store.Migrate(t.Context(), db, []store.Migration{step}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func fill(tx store.Tx, n int) error {
	for i := range n {
		if err := tx.Put("box", store.Key(i), bytes.Repeat([]byte("v"), 200)); err != nil {
			return err
		}
	}
	return nil
}

func reopen(t *testing.T, path string) *bolt.DB {
	t.Helper()
	db, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func count(t *testing.T, path string) int {
	t.Helper()
	db := reopen(t, path)
	defer func() { _ = db.Close() }()
	n := 0
	err := db.View(t.Context(), func(r store.Reader) error {
		return r.Scan("box", store.Prefix().All(), func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func backup(t *testing.T, db *bolt.DB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Backup(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBackupIsConsistentWhileWriting(t *testing.T) {
	t.Parallel()
	db := reopen(t, file(t, 500))
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				err := db.Update(t.Context(), func(tx store.Tx) error {
					return errors.Join(tx.Put("x", store.Key(w, i), nil), tx.Put("y", store.Key(w, i), nil))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	path := backup(t, db)
	close(stop)
	writers.Wait()
	copied := reopen(t, path)
	err := copied.View(t.Context(), func(r store.Reader) error {
		x, y := 0, 0
		err := r.Scan("x", store.Prefix().All(), func(_, _ []byte) error { x++; return nil })
		err = errors.Join(err, r.Scan("y", store.Prefix().All(), func(_, _ []byte) error { y++; return nil }))
		if x != y {
			t.Errorf("the backup holds %d and %d halves", x, y)
		}
		return err
	})
	if err = errors.Join(err, copied.Check(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	path := file(t, 10)
	db := reopen(t, path)
	saved := backup(t, db)
	if err := db.Update(t.Context(), func(tx store.Tx) error { return fill(tx, 300) }); err != nil {
		t.Fatal(err)
	}
	options := bolt.RestoreOptions{Backup: saved, Path: path, NewestSchema: 1}
	if err := bolt.Restore(t.Context(), options); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("restoring over an open store: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bolt.Restore(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if n := count(t, path); n != 10 {
		t.Errorf("the restored store has %d records, want 10", n)
	}
	if n := count(t, path+".replaced"); n != 300 {
		t.Errorf("the replaced store is kept with %d records, want 300", n)
	}
	options.Path = filepath.Join(t.TempDir(), "new.db")
	if err := bolt.Restore(t.Context(), options); err != nil || count(t, options.Path) != 10 {
		t.Errorf("restoring where nothing is: %v", err)
	}
}

func TestRestoreRefusesAndTouchesNothing(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(file(t, 2000))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		backup []byte
		newest int
	}{
		"Empty":   {"an empty file is no backup", nil, 1},
		"Garbage": {"any file is no backup", bytes.Repeat([]byte("garbage!"), 4096), 1},
		"Cut":     {"a copy that was cut short is refused", whole[:200<<10], 1},
		"CutPage": {"a copy that was cut within its first pages is refused", whole[:5000], 1},
		"Damaged": {"a page overwritten in the middle is found", damaged(whole), 1},
		"Newer":   {"data of a newer program is refused", whole, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t, 10)
			saved := filepath.Join(t.TempDir(), "backup.db")
			if err := os.WriteFile(saved, tc.backup, 0o600); err != nil {
				t.Fatal(err)
			}
			err := bolt.Restore(t.Context(), bolt.RestoreOptions{Backup: saved, Path: path, NewestSchema: tc.newest})
			if err == nil {
				t.Errorf("%s: it was restored", tc.reason)
			}
			t.Logf("refused with %v", err)
			if n := count(t, path); n != 10 {
				t.Errorf("%s: the store was touched: %d records", tc.reason, n)
			}
			if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
				t.Errorf("%s: left behind: %v", tc.reason, left)
			}
		})
	}
}

// damaged overwrites the pages of the middle, not the two that say what is valid.
func damaged(whole []byte) []byte {
	out := bytes.Clone(whole)
	for i := 8 << 12; i < len(out)-(4<<12); i += 1 << 12 {
		copy(out[i:], bytes.Repeat([]byte{0xAA}, 64))
	}
	return out
}

func TestRestoreReplacesADamagedStore(t *testing.T) {
	t.Parallel()
	db := reopen(t, file(t, 10))
	saved := backup(t, db)
	whole, err := os.ReadFile(file(t, 2000))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		store  []byte
	}{
		"Garbage": {"a file that is no store", []byte("not a store")},
		"Empty":   {"an empty file", nil},
		"Cut":     {"a store that was cut short", whole[:200<<10]},
		"CutPage": {"a store that was cut within its first pages", whole[:5000]},
		"Damaged": {"a store with overwritten pages", damaged(whole)},
	}
	for name, tc := range cases {
		path := filepath.Join(t.TempDir(), name+".db")
		if err := os.WriteFile(path, tc.store, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := bolt.Restore(t.Context(), bolt.RestoreOptions{Backup: saved, Path: path, NewestSchema: 1}); err != nil {
			t.Errorf("%s is not replaced: %v", tc.reason, err)
			continue
		}
		if n := count(t, path); n != 10 {
			t.Errorf("%s: %d records after the restore, want 10", tc.reason, n)
		}
	}
}

func TestOpenRefusesACutFile(t *testing.T) {
	t.Parallel()
	path := file(t, 2000)
	if err := os.Truncate(path, 200<<10); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("got %v", err)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	path := file(t, 3000)
	db := reopen(t, path)
	err := db.Update(t.Context(), func(tx store.Tx) error {
		return tx.Scan("box", store.Range{From: store.Key(100), Limit: store.NoLimit}, func(k, _ []byte) error { return tx.Delete("box", k) })
	})
	if err == nil {
		err = db.Update(t.Context(), func(tx store.Tx) error { return tx.Put("box", store.Key(-1), nil) })
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Compact(path); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("compacting an open store: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	sizes, err := bolt.Compact(path)
	if err != nil || sizes.After >= sizes.Before/2 {
		t.Errorf("compacted from %d to %d bytes: %v", sizes.Before, sizes.After, err)
	}
	if n := count(t, path); n != 101 {
		t.Errorf("%d records after the compaction, want 101", n)
	}
	if err := bolt.Verify(t.Context(), path, 1); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	path := file(t, 1)
	reopen(t, path)
	_, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler), LockTimeout: time.Millisecond})
	if !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("opening an open store: %v", err)
	}
	for reason, o := range map[string]bolt.Options{
		"a store has a path":              {Logger: slog.New(slog.DiscardHandler)},
		"a store has a logger":            {Path: path},
		"its directory must exist":        {Path: filepath.Join(t.TempDir(), "no", "such", "dir.db"), Logger: slog.New(slog.DiscardHandler)},
		"a directory is not a store file": {Path: t.TempDir(), Logger: slog.New(slog.DiscardHandler)},
	} {
		if db, err := bolt.Open(o); err == nil {
			_ = db.Close()
			t.Errorf("%s: it opened", reason)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(file(t, 1))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestReadOnlyUpdateCommitsNothing(t *testing.T) {
	t.Parallel()
	db := reopen(t, file(t, 1))
	for i := range 10 {
		err := db.Update(t.Context(), func(tx store.Tx) error {
			_, err := tx.Get("box", store.Key(i))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if s := db.Stats(); s.Commits != 0 || s.Updates != 10 {
		t.Errorf("got %+v, want 10 updates and no commit", s)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler), MaxBatch: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			if err := db.Update(t.Context(), func(tx store.Tx) error { return tx.Put("box", store.Key(i), nil) }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if s := db.Stats(); s.Commits < 16 {
		t.Errorf("%d commits for 64 updates of at most 4 each", s.Commits)
	}
}

func ExampleOpen() {
	dir, _ := os.MkdirTemp("", "store")
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(dir, "tradewind.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	err = db.Update(ctx, func(tx store.Tx) error { return tx.Put("greeting", []byte("en"), []byte("hello")) })
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = db.View(ctx, func(r store.Reader) error {
		v, err := r.Get("greeting", []byte("en"))
		fmt.Printf("%s\n", v)
		return err
	})
	// Output: hello
}
