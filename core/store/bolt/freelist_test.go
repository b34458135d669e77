package bolt

import (
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"tradewind.example/core/store"
)

// TestFreelistIsStoredAtTheEnd: while it is open, a file has no list of free
// pages and can be opened all the same after a crash; Close leaves one.
func TestFreelistIsStoredAtTheEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	open := func(path string) *DB {
		db, err := Open(Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open(path)
	for _, key := range []string{"a", "b"} {
		if err := write(t, db, key); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if hasFreelist(raw) {
		t.Error("commits write the list of free pages")
	}
	crashed := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(crashed, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, name := range walPaths(path) {
		if err := copyFile(walPaths(crashed)[i], name); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if raw, err = os.ReadFile(path); err != nil || !hasFreelist(raw) {
		t.Errorf("a closed file has no list of free pages, error %v", err)
	}
	for _, p := range []string{path, crashed} {
		db := open(p)
		if err := write(t, db, "c"); err != nil {
			t.Error(err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		err := db.View(t.Context(), func(r store.Reader) error {
			for _, key := range []string{"a", "b", "c"} {
				if v, err := r.Get("box", []byte(key)); v == nil || err != nil {
					t.Errorf("%s: %q is %v, error %v", p, key, v, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// hasFreelist reads the newer one of bbolt's two first pages: 16 bytes of page
// header, 16 of magic, version, page size and flags, 16 of the root, then the
// page of the free list, the end of the file and the transaction.
func hasFreelist(raw []byte) bool {
	field := func(page, at int) uint64 {
		size := int(binary.NativeEndian.Uint32(raw[16+8:]))
		return binary.NativeEndian.Uint64(raw[page*size+16+at:])
	}
	newer := 0
	if field(1, 48) > field(0, 48) {
		newer = 1
	}
	return field(newer, 32) != ^uint64(0)
}
