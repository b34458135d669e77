package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func openAt(path string, logBytes int) (*DB, error) {
	return Open(Options{Path: path, Logger: slog.New(slog.DiscardHandler), NoSync: true, LogBytes: logBytes})
}

func mustOpen(t *testing.T, path string, logBytes int) *DB {
	t.Helper()
	db, err := openAt(path, logBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// number writes the update number n: its own row, and its number over that of
// the one before.
func number(db *DB, n uint64) func() error {
	return func() error {
		return db.Update(context.Background(), func(tx store.Tx) error {
			if err := tx.Put("row", store.Key(n), make([]byte, 40)); err != nil {
				return err
			}
			if err := tx.Delete("row", store.Key(n-3)); err != nil {
				return err
			}
			return tx.Put("last", []byte("n"), binary.BigEndian.AppendUint64(nil, n))
		})
	}
}

func writeNumbers(t *testing.T, db *DB, from, to uint64) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := number(db, n)(); err != nil {
			t.Fatal(err)
		}
	}
}

// numbered returns the number of the last update in a store, after it has made
// sure that exactly that one's and the two rows before are there.
func numbered(db *DB) (last uint64, err error) {
	err = db.View(context.Background(), func(r store.Reader) error {
		raw, err := r.Get("last", []byte("n"))
		if err != nil || raw == nil {
			return err
		}
		last = binary.BigEndian.Uint64(raw)
		rows := uint64(0)
		err = r.Scan("row", store.Prefix().All(), func(k, _ []byte) error {
			if rows++; string(k) != string(store.Key(last-min(3, last)+rows)) {
				return fmt.Errorf("after %d there is row %x", last, k)
			}
			return nil
		})
		if err == nil && rows != min(3, last) {
			err = fmt.Errorf("after %d there are %d rows", last, rows)
		}
		return err
	})
	return last, err
}

// crashed copies a store's files as they are now, as if its process had died.
func crashed(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "crashed.db")
	for from, to := range map[string]string{path: to, walPaths(path)[0]: walPaths(to)[0], walPaths(path)[1]: walPaths(to)[1]} {
		if err := copyFile(to, from); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func lastAfterCrash(t *testing.T, path string) uint64 {
	t.Helper()
	db := mustOpen(t, path, 0)
	last, err := numbered(db)
	if err != nil {
		t.Error(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	return last
}

// TestTornLog: whatever a power cut leaves of the last record, the store opens
// with all records before it and nothing of the last.
func TestTornLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 9)
	before := db.journal.wal.end
	writeNumbers(t, db, 10, 10)
	end := db.journal.wal.end
	crash := crashed(t, path)
	whole, err := os.ReadFile(walPaths(crash)[0])
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(crash)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(at int64) []byte{
		"cut":     func(at int64) []byte { return whole[:at] },
		"zeros":   func(at int64) []byte { return append(append([]byte(nil), whole[:at]...), make([]byte, end-at)...) },
		"flipped": func(at int64) []byte { b := append([]byte(nil), whole...); b[at] ^= 0x10; return b },
	}
	for name, of := range damage {
		for at := before; at < end; at += 3 {
			if bytes.Equal(of(at), whole) {
				continue // it was zero
			}
			for name, content := range map[string][]byte{crash: file, walPaths(crash)[0]: of(at), walPaths(crash)[1]: nil} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if last := lastAfterCrash(t, crash); last != 9 {
				t.Fatalf("%s at byte %d of the last record: the store opens with update %d, want 9", name, at-before, last)
			}
		}
	}
}

// TestStaleRecordsEndTheLog: a turn of a log file is written over an earlier
// one, whose records are whole and must not come back.
func TestStaleRecordsEndTheLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	last := uint64(0)
	for turn := range 9 {
		to := last + 1 + uint64(10-turn)
		writeNumbers(t, db, last+1, to) // each turn shorter than the one before
		last = to
		if got := lastAfterCrash(t, crashed(t, path)); got != last {
			t.Fatalf("turn %d: opened with update %d, want %d", turn, got, last)
		}
		if err := db.journal.checkpoint(false, nil); err != nil {
			t.Fatal(err)
		}
		if got := lastAfterCrash(t, crashed(t, path)); got != last {
			t.Fatalf("turn %d after its checkpoint: opened with update %d, want %d", turn, got, last)
		}
	}
}

// TestCrashInACheckpoint: a death before the file has what was sealed, and one
// after, while updates went on beside it.
func TestCrashInACheckpoint(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	j := db.journal
	writeNumbers(t, db, 1, 20)
	j.commit = func(tx *bbolt.Tx) error {
		writeNumbers(t, db, 21, 30)
		if last := lastAfterCrash(t, crashed(t, path)); last != 30 {
			t.Errorf("death before the commit of a checkpoint: update %d, want 30", last)
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		writeNumbers(t, db, 31, 40)
		if last := lastAfterCrash(t, crashed(t, path)); last != 40 {
			t.Errorf("death after the commit of a checkpoint: update %d, want 40", last)
		}
		return nil
	}
	if err := j.checkpoint(false, nil); err != nil {
		t.Fatal(err)
	}
	j.commit = (*bbolt.Tx).Commit
	if last, err := numbered(db); err != nil || last != 40 {
		t.Errorf("the store itself is at update %d, error %v", last, err)
	}
	if last := lastAfterCrash(t, crashed(t, path)); last != 40 {
		t.Errorf("death after a checkpoint: update %d, want 40", last)
	}
}

// TestDeathWhileRecovering: a process that dies while it brings the log to the
// file leaves both as they were or the file complete.
func TestDeathWhileRecovering(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 12)
	crash := crashed(t, path)
	again := mustOpen(t, crash, 0) // brings the log to the file
	writeNumbers(t, again, 13, 14)
	if last := lastAfterCrash(t, crashed(t, crash)); last != 14 {
		t.Errorf("opened with update %d, want 14", last)
	}
}

func TestCheckpointOnAFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 2<<10)
	j := db.journal
	var full atomic.Bool
	j.commit = func(tx *bbolt.Tx) error {
		if full.Load() {
			return fmt.Errorf("writing: %w", syscall.ENOSPC)
		}
		return tx.Commit()
	}
	writeNumbers(t, db, 1, 1) // the file says that it needs its log from now on
	full.Store(true)
	n, err := uint64(1), error(nil)
	for err == nil && n < 1000 {
		if err = number(db, n+1)(); err == nil {
			n++
		}
	}
	if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("with %d updates in the log: %v; want the disk to be full", n, err)
	}
	if last, err := numbered(db); err != nil || last != n {
		t.Errorf("reading on a full disk: update %d of %d, error %v", last, n, err)
	}
	if last := lastAfterCrash(t, crashed(t, path)); last != n {
		t.Errorf("death on a full disk: update %d, want %d", last, n)
	}
	full.Store(false)
	writeNumbers(t, db, n+1, n+50)
	if last, err := numbered(db); err != nil || last != n+50 {
		t.Errorf("after there was room: update %d of %d, error %v", last, n+50, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if last := lastAfterCrash(t, path); last != n+50 {
		t.Errorf("opened again: update %d, want %d", last, n+50)
	}
}

func TestFailedCheckpointLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 7)
	db.journal.commit = func(*bbolt.Tx) error { return syscall.EIO }
	if err := db.journal.checkpoint(false, nil); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the checkpoint ended with %v", err)
	}
	err := number(db, 8)()
	if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("an update after it ends with %v; want it refused and certainly not done", err)
	}
	if last, err := numbered(db); err != nil || last != 7 {
		t.Errorf("reading after it: update %d, error %v", last, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if last := lastAfterCrash(t, path); last != 7 {
		t.Errorf("opened again: update %d, want 7", last)
	}
}

// TestUnsyncedRecordIsUnknown: a record that was written and could not be
// synced may be found after a crash, whatever the reason.
func TestUnsyncedRecordIsUnknown(t *testing.T) {
	t.Parallel()
	db := openPlain(t)
	failOnce(db, fmt.Errorf("%w: %w", errNotSynced, syscall.ENOSPC))
	if err := write(t, db, "a"); fault.OutcomeOf(err) != fault.OutcomeUnknown {
		t.Errorf("got %v, want an unknown outcome", err)
	}
	if err := write(t, db, "b"); fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestLogsThatDoNotBelong(t *testing.T) {
	t.Parallel()
	make9 := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "a.db")
		db := mustOpen(t, path, 0)
		writeNumbers(t, db, 1, 4)
		if err := db.journal.checkpoint(false, nil); err != nil {
			t.Fatal(err)
		}
		writeNumbers(t, db, 5, 9)
		return crashed(t, path)
	}
	cases := map[string]struct {
		reason  string
		change  func(t *testing.T, path string)
		refused bool
		last    uint64
	}{
		"Whole": {"the log continues the file", func(*testing.T, string) {}, false, 9},
		"Missing": {"a file whose log is lost has not everything that was promised",
			func(t *testing.T, path string) { remove(t, walPaths(path)[0], walPaths(path)[1]) }, true, 0},
		"OneMissing": {"nor one that has lost one file of it",
			func(t *testing.T, path string) { remove(t, walPaths(path)[1]) }, true, 0},
		"OtherStore": {"the log of another store is not read",
			func(t *testing.T, path string) { setOwn(t, path, ownRow{id: newID(), applied: 4}) }, false, 4},
		"Gap": {"a log that begins later than the file ends is not the file's",
			func(t *testing.T, path string) { setOwn(t, path, ownRow{id: readID(t, path), applied: 2}) }, true, 0},
		"NoOwnRow": {"a file that does not say which log it has is damaged",
			func(t *testing.T, path string) { setRaw(t, path, []byte("?")) }, true, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := make9(t)
			tc.change(t, path)
			db, err := openAt(path, 0)
			if tc.refused {
				if !fault.Is(err, fault.ClassPrecondition) {
					t.Fatalf("%s: opening ends with %v", tc.reason, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if last, err := numbered(db); err != nil || last != tc.last {
				t.Errorf("%s: update %d, error %v; want %d", tc.reason, last, err, tc.last)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func plain(t *testing.T, path string, fn func(*bbolt.DB) error) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fn(file), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func setOwn(t *testing.T, path string, row ownRow) { t.Helper(); setRaw(t, path, row.encode()) }

func setRaw(t *testing.T, path string, raw []byte) {
	t.Helper()
	plain(t, path, func(file *bbolt.DB) error {
		return file.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(ownBucket)).Put([]byte(ownKey), raw) })
	})
}

func readID(t *testing.T, path string) (id uint64) {
	t.Helper()
	plain(t, path, func(file *bbolt.DB) error {
		return file.View(func(tx *bbolt.Tx) error {
			own, err := readOwn(tx)
			id = own.id
			return err
		})
	})
	return id
}

// saved makes a backup of a store.
func saved(t *testing.T, db *DB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Backup(t.Context(), out)
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAloneWhenWhole: a closed store and a backup are one file; a store that
// goes on after a backup needs its log again.
func TestAloneWhenWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 5)
	saved := saved(t, db)
	if last := lastAfterCrash(t, saved); last != 5 {
		t.Errorf("the backup alone is at update %d, want 5", last)
	}
	writeNumbers(t, db, 6, 8)
	alone := filepath.Join(t.TempDir(), "alone.db")
	if err := copyFile(alone, path); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(alone, 0); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a store that was written after a backup opens without its log: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("a closed store is more than one file: %v", left)
	}
}

// TestRestoreOverACrashedStore: the log of the store that is replaced is not
// for the backup, and is kept with it.
func TestRestoreOverACrashedStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 5)
	saved := saved(t, db)
	writeNumbers(t, db, 6, 9)
	crash := crashed(t, path)
	if err := Restore(t.Context(), RestoreOptions{Backup: crash, Path: crash + ".new"}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a store that needs its log passes for a backup: %v", err)
	}
	if err := Restore(t.Context(), RestoreOptions{Backup: saved, Path: crash}); err != nil {
		t.Fatal(err)
	}
	if last := lastAfterCrash(t, crash); last != 5 {
		t.Errorf("restored: update %d, want 5", last)
	}
	if last := lastAfterCrash(t, crash+".replaced"); last != 9 {
		t.Errorf("the replaced store is kept with update %d, want 9", last)
	}
}

// TestReadersDuringCheckpoints: every reader sees one state, whatever is
// brought to the file meanwhile, and equal names are equal states.
func TestReadersDuringCheckpoints(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), 300)
	stop := make(chan struct{})
	var group sync.WaitGroup
	seen := sync.Map{}
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := db.View(context.Background(), func(r store.Reader) error {
					raw, err := r.Get("last", []byte("n"))
					if was, loaded := seen.LoadOrStore(store.SnapshotOf(r), string(raw)); loaded && was != string(raw) {
						return fmt.Errorf("one name for the states %x and %x", was, raw)
					}
					return err
				})
				if _, also := numbered(db); err != nil || also != nil {
					t.Error(err, also)
					return
				}
			}
		})
	}
	writeNumbers(t, db, 1, 400)
	close(stop)
	group.Wait()
}

// FuzzLog: whatever a log file holds, reading it ends, without a panic.
func FuzzLog(f *testing.F) {
	rows := newLayer()
	rows.box("a").Set("k", []byte("v"))
	rows.box("b").Set("gone", nil)
	f.Add(appendRecord(nil, 7, 1, rows), uint64(0))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, raw []byte, applied uint64) {
		_, _ = decodeRows(raw)
		l, _, err := openWAL(filepath.Join(t.TempDir(), "a"), true)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.close() }()
		l.id = 7
		if _, err := l.files[0].WriteAt(raw, 0); err != nil {
			t.Fatal(err)
		}
		if err := l.replay(applied, func(rows *layer) { _ = rows.empty() }); err != nil && errors.Is(err, io.EOF) {
			t.Errorf("the end of the file is an error: %v", err)
		}
	})
}

func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	rows := newLayer()
	rows.box("a").Set("k", []byte("v"))
	rows.box("a").Set("empty", []byte{})
	rows.box("b").Set("gone", nil)
	got, err := decodeRows(appendRecord(nil, 7, 1, rows)[recordHead:])
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range rows.boxes {
		b.Scan(func(k string, want []byte) bool {
			v, there := got.boxes[name].get([]byte(k))
			if !there || string(v) != string(want) || (v == nil) != (want == nil) {
				t.Errorf("%s %q: %v, there %t; want %v", name, k, v, there, want)
			}
			return true
		})
	}
}

// TestBulkTakesNoMemory: what is written in bulk goes to the file, after what
// the log has.
func TestBulkTakesNoMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, 0)
	writeNumbers(t, db, 1, 5)
	if db.journal.memory.size() == 0 {
		t.Error("small updates are not kept in memory")
	}
	err := db.Update(t.Context(), func(tx store.Tx) error { return tx.Put("bulk", []byte("k"), make([]byte, 2*bulkUpdate)) })
	if err != nil {
		t.Fatal(err)
	}
	if size := db.journal.memory.size(); size != 0 {
		t.Errorf("after a bulk update %d bytes are in memory", size)
	}
	writeNumbers(t, db, 6, 7)
	if last := lastAfterCrash(t, crashed(t, path)); last != 7 {
		t.Errorf("opened with update %d, want 7", last)
	}
}
