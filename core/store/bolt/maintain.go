package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Check brings the log to the file, reads the whole file and returns the first
// faults of its structure. It works while the store serves.
func (db *DB) Check(ctx context.Context) error {
	tx, err := db.settled()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return checkTx(ctx, tx)
}

const maxReported = 5

func checkTx(ctx context.Context, tx *bbolt.Tx) error {
	var found []error
	// The channel is drained to its end: the check's goroutine waits otherwise.
	for err := range tx.Check() {
		if len(found) < maxReported {
			found = append(found, err)
		}
	}
	if err := ended(ctx.Err()); err != nil {
		return err
	}
	if len(found) > 0 {
		return fault.Internal(errors.Join(found...), "the store's file is damaged: restore a backup")
	}
	return nil
}

// RestoreOptions say what to restore.
type RestoreOptions struct {
	Backup       string // file that Backup wrote
	Path         string // store to replace or make; not open
	NewestSchema int    // a backup with a newer schema is refused
}

// Restore puts a backup in the place of a store, after it has read the whole
// backup and its copy and found them sound. Until that moment the store at Path
// is untouched; it is then kept beside it under its name and ".replaced", with its log if it has one.
func Restore(ctx context.Context, o RestoreOptions) error {
	unlock, err := lockFile(o.Path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := Verify(ctx, o.Backup, o.NewestSchema); err != nil {
		return fmt.Errorf("reading the backup %q: %w", o.Backup, err)
	}
	fresh := o.Path + ".restoring"
	defer func() { _ = os.Remove(fresh) }()
	if err := copyFile(fresh, o.Backup); err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	if err := Verify(ctx, fresh, o.NewestSchema); err != nil {
		return fmt.Errorf("reading the copy of the backup: %w", err)
	}
	if err := rename(fresh); err != nil {
		return fmt.Errorf("giving the copy of the backup an identity: %w", err)
	}
	return replace(o.Path, fresh)
}

// rename makes a store another one than that whose backup it is: the log of the
// one it replaces is not for it.
func rename(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: defaultLockTimeout})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(ownRow{id: newID(), whole: true}.put), db.Close())
}

// lockFile makes sure that no process has the store open until unlock.
func lockFile(path string) (unlock func(), err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return func() {}, nil
	}
	// A damaged store is what a restore is for: a file that bbolt cannot open
	// for another reason than its lock is replaced as well. Reading only, bbolt
	// looks at no more than the first pages and still keeps writers out.
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: defaultLockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, openFault(path, err)
	case err != nil:
		return func() {}, nil //nolint:nilerr // damaged, and so not open elsewhere
	}
	return func() { _ = db.Close() }, nil
}

// checkLength refuses a file that was cut short, which bbolt would only notice
// by a fault of the mapped memory.
func checkLength(path string, timeout time.Duration) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the store file: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: timeout})
	if err != nil {
		return openFault(path, err)
	}
	defer func() { _ = db.Close() }()
	return db.View(func(tx *bbolt.Tx) error { return longEnough(tx, path, info.Size()) })
}

func longEnough(tx *bbolt.Tx, path string, have int64) error {
	if tx.Size() > have {
		return fault.Precondition("%q is cut short: it has %d of %d bytes: restore a backup", path, have, tx.Size())
	}
	return nil
}

// Verify reads a store file that is not open and checks its length, its
// structure and its schema version.
func Verify(ctx context.Context, path string, newestSchema int) (err error) {
	// A file that is cut short makes the mapped memory end early.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fault.Precondition("%q is not a whole store file", path).With(fmt.Errorf("panic: %v", p))
		}
	}()
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("looking for the store file: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fault.Precondition("%q is not a store file", path).With(err)
	}
	defer func() { _ = db.Close() }()
	return db.View(func(tx *bbolt.Tx) error {
		if err := longEnough(tx, path, info.Size()); err != nil {
			return err
		}
		if err := checkTx(ctx, tx); err != nil {
			return err
		}
		if own, err := readOwn(tx); err != nil {
			return err
		} else if !own.whole {
			return fault.Precondition("%q is a store that needs its log, and no backup", path)
		}
		_, err := store.CheckSchema(&reader{state: state{tx: tx}}, newestSchema)
		return err
	})
}

func copyFile(to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

// replace puts fresh in the place of path in one step and keeps the old files.
func replace(path, fresh string) error {
	kept := path + ".replaced"
	for from, to := range map[string]string{path: kept, walPaths(path)[0]: walPaths(kept)[0], walPaths(path)[1]: walPaths(kept)[1]} {
		if err := keep(from, to); err != nil {
			return err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("putting the new store in place: %w", err)
	}
	return errors.Join(removeWAL(path), syncDir(filepath.Dir(path)))
}

func keep(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the file kept from an earlier restore: %w", err)
	}
	if err := os.Link(from, to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keeping the replaced store: %w", err)
	}
	return nil
}

// CompactResult says what a compaction gained.
type CompactResult struct{ Before, After int64 } // bytes of the file

// compactTx bounds the memory of a compaction, in bytes per transaction.
const compactTx = 16 << 20

// Compact rewrites a store that is not open into a file without free pages. A
// compaction that is interrupted leaves the store as it was.
func Compact(path string) (CompactResult, error) {
	src, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: defaultLockTimeout})
	if err != nil {
		return CompactResult{}, openFault(path, err)
	}
	defer func() { _ = src.Close() }()
	fresh := path + ".compacting"
	defer func() { _ = os.Remove(fresh) }()
	if err := compactInto(fresh, src); err != nil {
		return CompactResult{}, fmt.Errorf("compacting the store: %w", err)
	}
	var sizes CompactResult
	if sizes.Before, sizes.After, err = twoSizes(path, fresh); err != nil {
		return CompactResult{}, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return CompactResult{}, fmt.Errorf("putting the compacted store in place: %w", err)
	}
	return sizes, syncDir(filepath.Dir(path))
}

func compactInto(path string, src *bbolt.DB) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dst, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	err = bbolt.Compact(dst, src, compactTx)
	return errors.Join(err, dst.Sync(), dst.Close())
}

func twoSizes(a, b string) (int64, int64, error) {
	ia, err := os.Stat(a)
	if err != nil {
		return 0, 0, err
	}
	ib, err := os.Stat(b)
	if err != nil {
		return 0, 0, err
	}
	return ia.Size(), ib.Size(), nil
}
