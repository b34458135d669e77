// Package bolt keeps a store in one bbolt file and a write-ahead log beside it,
// with group commit: concurrent updates run one after another, share one write
// to the log and its sync, and each returns only after its own writes are
// durable.
//
// One committer goroutine runs all update functions; that single writer makes
// the store strictly serializable, and an update that fails undoes only
// itself. What a batch writes is kept in memory, in order, until the batch is
// full or nobody waits; another goroutine then writes it to the log, while the
// committer runs the next batch on top of it. When that write fails, the batch
// on top is run again. A checkpoint brings what the log has to the file, some
// thousand rows at a time. Reads run on the caller's goroutine on a snapshot of
// what is durable, in the file and in the log, and block nobody.
//
// The package is for one process: the file is locked while it is open. A [DB]
// is safe for concurrent use and owns its goroutines from [Open] to
// [DB.Close], which leaves the file alone; after a crash the file and its log
// belong together.
//
// # Caveats
//
//   - A file must not shrink or be written by others while it is open.
//   - A View that stays open keeps the pages it sees from being reused: the
//     file grows meanwhile. Do not wait for an Update inside a View.
//   - After a crash, Open reads the headers of all pages to find the free ones:
//     about half a second for each gigabyte that is in memory. It also brings
//     the log to the file.
//   - An update holds what it writes in memory twice until it is durable. Cut
//     work on very many rows into several updates.
//   - After a failed write to the disk the store refuses further updates until
//     it is opened again, because what the disk holds is not known; a full disk
//     is no such failure.
package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Options say where and how to open a file.
type Options struct {
	Path   string       // of the file; made, mode 0600, when absent; its directory exists
	Logger *slog.Logger // required
	// LockTimeout is how long to wait for another process to close the file;
	// default 1 second.
	LockTimeout time.Duration
	// InitialMmap is the address space reserved for the file, in bytes. While
	// the file fits, growing it never waits for readers. It costs no memory.
	// Default 16 GiB, nothing on 32-bit machines.
	InitialMmap int
	// MaxBatch bounds the updates that share one commit; default 512.
	MaxBatch int
	// LogBytes is how much may be committed before the log is brought to the
	// file; default 16 MiB. An update that writes very much goes straight to the
	// file.
	LogBytes int
	// NoSync leaves durability to the operating system. Only for tests.
	NoSync bool
}

const (
	defaultLockTimeout = time.Second
	defaultMmap        = 16 << 30
	defaultMaxBatch    = 512
	maxBatchBytes      = 4 << 20
	defaultLogBytes    = 16 << 20
)

func (o Options) withDefaults() Options {
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	if o.InitialMmap <= 0 && strconv.IntSize == 64 {
		o.InitialMmap = defaultMmap
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = defaultMaxBatch
	}
	if o.LogBytes <= 0 {
		o.LogBytes = defaultLogBytes
	}
	return o
}

// DB is an open file.
type DB struct {
	file    *bbolt.DB
	journal *journal
	log     *slog.Logger
	queue   *queue
	writer  *committer
	closed  atomic.Bool
}

var _ store.Store = (*DB)(nil)

// Open opens or makes the file and starts its committer. A file that another
// process has open is an unavailable fault after LockTimeout; one that was cut
// short is a precondition fault.
func Open(o Options) (*DB, error) {
	if o.Path == "" || o.Logger == nil {
		return nil, errors.New("opening a store needs a path and a logger")
	}
	o = o.withDefaults()
	file, err := openFile(o)
	if err != nil {
		return nil, err
	}
	j, err := openJournal(file, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	db := &DB{file: file, journal: j, log: o.Logger, queue: newQueue()}
	db.writer = newCommitter(db.queue, j, o)
	go db.writer.loop()
	return db, nil
}

func openFile(o Options) (*bbolt.DB, error) {
	if err := checkLength(o.Path, o.LockTimeout); err != nil {
		return nil, err
	}
	_, statErr := os.Stat(o.Path)
	file, err := bbolt.Open(o.Path, 0o600, &bbolt.Options{
		Timeout:         o.LockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true, // see Close
		InitialMmapSize: o.InitialMmap,
		NoSync:          o.NoSync,
		NoGrowSync:      o.NoSync,
		NoStatistics:    true,
	})
	if err != nil {
		return nil, openFault(o.Path, err)
	}
	if errors.Is(statErr, os.ErrNotExist) && !o.NoSync {
		if err := syncDir(filepath.Dir(o.Path)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return file, nil
}

func openFault(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fault.Unavailable("the store %q is open in another process: stop it or choose another path", path).With(err)
	}
	return fmt.Errorf("opening the store %q: %w", path, err)
}

// syncDir makes a new name in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the store's directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// View implements [store.Store]. A panic in fn ends the snapshot and goes on.
func (db *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ended(ctx.Err()); err != nil {
		return err
	}
	now, err := db.journal.open()
	if err != nil {
		return closedFault(err)
	}
	defer func() { _ = now.tx.Rollback() }()
	return fn(&reader{state: now})
}

// Update implements [store.Store].
func (db *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	r := &request{fn: fn, ended: ctx.Err, done: make(chan struct{})}
	if !db.queue.add(r) {
		return closedFault(nil)
	}
	<-r.done
	if r.err != nil {
		return r.err
	}
	for _, hook := range r.hooks {
		db.runHook(hook)
	}
	return nil
}

// runHook keeps a panicking hook from turning a durable update into a failed one.
func (db *DB) runHook(hook func()) {
	defer func() {
		if p := recover(); p != nil {
			db.log.Error("commit hook panicked", "panic", fmt.Sprint(p))
		}
	}()
	hook()
}

// Backup implements [store.Store]. The copy is a store file.
func (db *DB) Backup(ctx context.Context, w io.Writer) (int64, error) {
	tx, err := db.settled()
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	out := &stoppable{w: w, ended: ctx.Err}
	if n, err := tx.WriteTo(out); err != nil {
		return n, fmt.Errorf("writing the backup: %w", cmp.Or(out.err, err))
	}
	return out.n, nil
}

// settled reads the file at a moment when it has everything and needs no log.
func (db *DB) settled() (tx *bbolt.Tx, err error) {
	if db.closed.Load() {
		return nil, closedFault(nil)
	}
	err = db.journal.checkpoint(true, func() (err error) {
		tx, err = db.file.Begin(false)
		return err
	})
	if err != nil {
		return nil, fault.Unavailable("the store could not bring its log to its file").With(err)
	}
	return tx, nil
}

// stoppable is a writer that fails once its context has ended. It keeps the
// error of a write, whose chain bbolt cuts.
type stoppable struct {
	w     io.Writer
	ended func() error
	n     int64
	err   error
}

func (s *stoppable) Write(p []byte) (n int, err error) {
	if err = ended(s.ended()); err == nil {
		n, err = s.w.Write(p)
	}
	s.n += int64(n)
	s.err = cmp.Or(s.err, err)
	return n, err
}

// Close implements [store.Store]. Updates that are queued already still run.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	db.queue.close()
	<-db.writer.stopped
	if err := errors.Join(db.journal.close(db.writer.broken == nil), db.storeFreelist(), db.file.Close()); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// storeFreelist writes the list of free pages, so that the next Open need not
// look for them. To write it with every commit would make each commit dearer
// the more pages are free.
func (db *DB) storeFreelist() error {
	if sound := db.writer.broken == nil && db.journal.broken.Load() == nil; !sound || db.writer.commits.Load() == 0 {
		return nil
	}
	db.file.NoFreelistSync = false
	return db.file.Update(func(*bbolt.Tx) error { return nil })
}

// Stats counts since Open.
type Stats struct {
	Updates uint64 // that ran, failed ones included
	Commits uint64 // that wrote to the disk
}

// Stats returns the counters.
func (db *DB) Stats() Stats {
	return Stats{Updates: db.writer.updates.Load(), Commits: db.writer.commits.Load()}
}

// ended turns the end of a context before the work began into a fault.
func ended(err error) error {
	if err == nil {
		return nil
	}
	return fault.Unavailable("the request ended before the store began with it: try again").With(err)
}

func closedFault(cause error) error {
	return fault.Unavailable("the store is closed").With(cause)
}
