package bolt

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"

	"tradewind.example/sdk/fault"
)

// journal makes batches durable: each first in the log and in memory, many of
// them together later in the store's file, by a checkpoint.
//
// Its locks are taken in this order: checkpoints, appends, that of the memory.
type journal struct {
	file   *bbolt.DB
	memory *memory
	log    *slog.Logger
	limit  int // bytes of one turn of the log
	commit func(*bbolt.Tx) error

	checkpoints sync.Mutex // held by the one that runs
	applied     uint64     // number of the last batch that the file has; guarded by checkpoints
	sealedTo    uint64     // of the last batch that is sealed; guarded by checkpoints
	running     sync.WaitGroup
	busy        atomic.Bool // a checkpoint runs by itself
	whole       atomic.Bool // the file says that it needs no log; set with checkpoints locked

	appends sync.Mutex // guards wal
	wal     *wal
	write   func(*layer) error // to the log

	broken atomic.Pointer[error] // why nothing may be written any more
}

// The store's own bucket has what ties the file and its log together.
const (
	ownBucket = "store.log"
	ownKey    = "file"
)

// ownRow is the content of that row.
type ownRow struct {
	id      uint64 // of the store, in every record of its log
	applied uint64 // number of the last batch that the file has
	// whole means that the log had nothing more when this was written: the file
	// may be opened without it.
	whole bool
}

func (r ownRow) encode() []byte {
	out := binary.BigEndian.AppendUint64(nil, r.id)
	out = binary.BigEndian.AppendUint64(out, r.applied)
	if r.whole {
		return append(out, 1)
	}
	return append(out, 0)
}

func (r ownRow) put(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists([]byte(ownBucket))
	if err != nil {
		return err
	}
	return b.Put([]byte(ownKey), r.encode())
}

// readOwn returns the row; a file that has none yet is whole.
func readOwn(tx *bbolt.Tx) (ownRow, error) {
	b := tx.Bucket([]byte(ownBucket))
	if b == nil {
		return ownRow{whole: true}, nil
	}
	raw := b.Get([]byte(ownKey))
	if len(raw) != 17 {
		return ownRow{}, fault.Precondition("the store does not say which log belongs to it: restore a backup")
	}
	return ownRow{
		id: binary.BigEndian.Uint64(raw), applied: binary.BigEndian.Uint64(raw[8:]), whole: raw[16] == 1,
	}, nil
}

func newID() uint64 {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return binary.BigEndian.Uint64(raw[:]) | 1
}

// openJournal brings the file up to what its log has.
func openJournal(file *bbolt.DB, o Options) (*journal, error) {
	j := &journal{file: file, memory: newMemory(), log: o.Logger, limit: o.LogBytes, commit: (*bbolt.Tx).Commit}
	l, missing, err := openWAL(o.Path, o.NoSync)
	if err != nil {
		return nil, err
	}
	j.wal, j.write = l, l.append
	if err := j.recover(missing); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return j, nil
}

func (j *journal) recover(missing bool) error {
	var own ownRow
	err := j.file.View(func(tx *bbolt.Tx) (err error) {
		own, err = readOwn(tx)
		return err
	})
	if err != nil {
		return err
	}
	if missing && !own.whole {
		return fault.Precondition("the log of the store %q is missing: put %q and %q beside it, or restore a backup",
			j.file.Path(), walPaths(j.file.Path())[0], walPaths(j.file.Path())[1])
	}
	if own.id == 0 {
		own.id = newID()
		err = j.file.Update(own.put)
	}
	if j.wal.id = own.id; err == nil {
		own, err = j.replay(own)
	}
	if err != nil {
		return err
	}
	j.whole.Store(own.whole)
	j.applied, j.sealedTo = own.applied, own.applied
	return nil
}

// replay brings to the file what only the log has.
func (j *journal) replay(own ownRow) (ownRow, error) {
	all := newLayer()
	err := j.wal.replay(own.applied, func(rows *layer) { all.take(rows) })
	if err != nil || j.wal.number == own.applied {
		return own, err
	}
	own.applied, own.whole = j.wal.number, false
	j.wal.change() // the file is about to have both
	return own, j.apply(own, all)
}

// apply brings a layer to the file, in one transaction.
func (j *journal) apply(own ownRow, rows *layer) (err error) {
	tx, err := j.file.Begin(true)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			_ = tx.Rollback() // the commit that failed may have done it
		}
	}()
	if err := rows.apply(tx); err != nil {
		return err
	}
	if err := own.put(tx); err != nil {
		return err
	}
	return j.commit(tx)
}

// open returns the committed state.
func (j *journal) open() (state, error) { return j.memory.open(j.file) }

// bulkUpdate is how much an update writes, in bytes, that goes straight to the
// file: its rows lie together there, and would only fill the memory.
const bulkUpdate = 32 << 10

// persist makes a batch of so many updates durable. It is called by one
// goroutine at a time.
func (j *journal) persist(rows *layer, updates int) error {
	if err := j.broken.Load(); err != nil {
		return *err
	}
	if rows.bytes > j.limit || rows.bytes > updates*bulkUpdate {
		return j.straight(rows)
	}
	if err := errors.Join(j.room(), j.needLog()); err != nil {
		return err
	}
	j.appends.Lock()
	defer j.appends.Unlock()
	if err := j.write(rows); err != nil {
		return err
	}
	j.memory.add(rows)
	return nil
}

// needLog has the file say that it is not whole without its log, before the log
// gets the first record that the file has not.
func (j *journal) needLog() error {
	if !j.whole.Load() {
		return nil
	}
	j.checkpoints.Lock()
	defer j.checkpoints.Unlock()
	if err := j.apply(ownRow{id: j.wal.id, applied: j.applied}, newLayer()); err != nil {
		return j.failed(err)
	}
	j.whole.Store(false)
	return nil
}

// room has a checkpoint begin when the log's turn is full, and waits for it
// when the next turn is full as well.
func (j *journal) room() error {
	size := j.memory.size()
	if size >= 2*j.limit {
		return j.checkpoint(false, nil)
	}
	if size < j.limit || j.busy.Swap(true) {
		return nil
	}
	j.running.Go(func() {
		defer j.busy.Store(false)
		if err := j.checkpoint(false, nil); err != nil {
			j.log.Error("store checkpoint failed", "error", err.Error())
		}
	})
	return nil
}

// checkpoint brings everything that was durable when it was called to the file,
// and then calls then, which may be nil, before the file changes again. whole
// is for a file that goes on alone. After a full disk the next one tries again;
// after any other failure nothing may be written.
func (j *journal) checkpoint(whole bool, then func() error) error {
	j.checkpoints.Lock()
	defer j.checkpoints.Unlock()
	if err := j.bring(whole); err != nil || then == nil {
		return err
	}
	return then()
}

// bring is called with checkpoints locked.
func (j *journal) bring(whole bool) error {
	if left := j.memory.waiting(); left != nil {
		if err := j.bringSealed(left, false); err != nil {
			return err
		}
	}
	rows := j.seal()
	if rows.empty() && (!whole || j.whole.Load()) {
		j.memory.forget()
		return nil
	}
	return j.bringSealed(rows, whole)
}

// seal gives the other log file its turn: the file has what that one holds,
// because nothing sealed is waiting.
func (j *journal) seal() *layer {
	j.appends.Lock()
	defer j.appends.Unlock()
	j.wal.change()
	j.sealedTo = j.wal.number
	return j.memory.seal()
}

func (j *journal) bringSealed(rows *layer, whole bool) error {
	if err := j.broken.Load(); err != nil {
		return *err
	}
	if err := j.apply(ownRow{id: j.wal.id, applied: j.sealedTo, whole: whole}, rows); err != nil {
		return j.failed(err)
	}
	j.applied = j.sealedTo
	j.whole.Store(whole)
	j.memory.forget()
	return nil
}

// straight commits a batch to the file, behind everything that the log has.
func (j *journal) straight(rows *layer) error {
	j.checkpoints.Lock()
	defer j.checkpoints.Unlock()
	if err := j.bring(false); err != nil {
		return err
	}
	if err := j.apply(ownRow{id: j.wal.id, applied: j.applied}, rows); err != nil {
		return j.failed(err)
	}
	j.whole.Store(false)
	j.memory.note()
	return nil
}

// failed has nothing written any more after a commit of the file failed, unless
// it is certain to have changed nothing.
func (j *journal) failed(err error) error {
	if !fullDisk(err) {
		refused := error(&brokenError{err})
		j.broken.CompareAndSwap(nil, &refused)
	}
	return err
}

// fullDisk is a failure that has changed nothing: it is met before the page
// that makes a commit valid, and before a record of the log is whole.
func fullDisk(err error) bool {
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	return full && !errors.Is(err, errNotSynced)
}

// brokenError is of a batch that was not written because of an earlier failure.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return "an earlier write failed: " + e.cause.Error() }
func (e *brokenError) Unwrap() error { return e.cause }

// close brings everything to the file, when it is sound, and ends the log.
func (j *journal) close(sound bool) error {
	j.running.Wait()
	if !sound || j.broken.Load() != nil {
		return j.wal.close()
	}
	err := errors.Join(j.checkpoint(true, nil), j.wal.close())
	if err != nil {
		return err
	}
	return removeWAL(j.file.Path())
}
