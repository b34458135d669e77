package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// wal is the write-ahead log: what was committed since the last checkpoint, in
// two files that take turns. While a checkpoint brings what one of them has to
// the store's file, commits go to the other. A file is written over from its
// beginning when its turn comes, so that a commit seldom makes it longer.
//
// A record is one batch: checksum, length, identity of the store, number, rows.
// Numbers ascend by one over both files. A record that was written in part, or
// one left from an earlier turn, fails the checksum or has the wrong number and
// ends the log.
//
// It belongs to one goroutine at a time.
type wal struct {
	files  [2]*os.File
	id     uint64 // of the store, so that no other store's log is taken for its own
	turn   int    // the file that is written
	end    int64  // of its last record
	number uint64 // of the last record
	noSync bool
	buf    []byte
}

// recordHead is the length of what stands before a record's rows: checksum of
// the rest (4 bytes), length of the rows (4), identity (8), number (8).
const recordHead = 24

// keptLog is how much of a log file is kept for its next turn, in bytes.
const keptLog = 64 << 20

var checksums = crc32.MakeTable(crc32.Castagnoli)

// walPaths are the names of a store's log files.
func walPaths(path string) [2]string { return [2]string{path + ".log0", path + ".log1"} }

// openWAL opens the log of a store, or makes it. missing says that it was not there.
func openWAL(path string, noSync bool) (l *wal, missing bool, err error) {
	l = &wal{noSync: noSync}
	for i, name := range walPaths(path) {
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			missing = true
		}
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // beside the store, named by the operator
		if err != nil {
			return nil, false, errors.Join(fmt.Errorf("opening the store's log: %w", err), l.close())
		}
		l.files[i] = f
	}
	if missing && !noSync {
		if err := syncDir(filepath.Dir(path)); err != nil {
			return nil, false, errors.Join(err, l.close())
		}
	}
	return l, missing, nil
}

func (l *wal) close() error {
	var err error
	for _, f := range l.files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// removeWAL removes the log of a store that is whole without it.
func removeWAL(path string) error {
	var failed error
	for _, name := range walPaths(path) {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, fmt.Errorf("removing the store's log: %w", err))
		}
	}
	return failed
}

// append makes a batch durable. An error that is a full disk has changed
// nothing; after any other one nobody knows what the log holds.
func (l *wal) append(rows *layer) error {
	l.buf = appendRecord(l.buf[:0], l.id, l.number+1, rows)
	f := l.files[l.turn]
	if _, err := f.WriteAt(l.buf, l.end); err != nil {
		return err
	}
	if !l.noSync {
		if err := syncData(f); err != nil {
			return fmt.Errorf("%w: %w", errNotSynced, err)
		}
	}
	l.number++
	l.end += int64(len(l.buf))
	if cap(l.buf) > maxBatchBytes {
		l.buf = nil
	}
	return nil
}

// errNotSynced keeps a disk that is full too late from passing for one that has
// changed nothing: the record is written and may be found after a crash.
var errNotSynced = errors.New("the store's log could not be synced")

// change gives the other file its turn. What it holds is in the store's file.
func (l *wal) change() {
	l.turn, l.end = 1-l.turn, 0
	f := l.files[l.turn]
	if info, err := f.Stat(); err == nil && info.Size() > keptLog {
		_ = f.Truncate(keptLog) // it only takes room otherwise
	}
}

func appendRecord(out []byte, id, number uint64, rows *layer) []byte {
	out = append(out, make([]byte, recordHead)...)
	for name, b := range rows.boxes {
		if b.Len() > 0 {
			out = appendBox(out, name, b)
		}
	}
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-recordHead)) //nolint:gosec // bounded by largeBatch
	binary.BigEndian.PutUint64(out[8:], id)
	binary.BigEndian.PutUint64(out[16:], number)
	binary.BigEndian.PutUint32(out, crc32.Checksum(out[4:], checksums))
	return out
}

// appendBox writes a bucket's name, the number of its rows, and of each row its
// key and, after a byte that says whether there is one, its value.
func appendBox(out []byte, name store.Bucket, b *rows) []byte {
	out = appendText(out, string(name))
	out = binary.AppendUvarint(out, uint64(b.Len())) //nolint:gosec // a length
	b.Scan(func(k string, v []byte) bool {
		out = appendText(out, k)
		if v == nil {
			out = append(out, 0)
			return true
		}
		out = append(out, 1)
		out = binary.AppendUvarint(out, uint64(len(v)))
		out = append(out, v...)
		return true
	})
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// replay calls fn with every batch that the log has after number applied, in
// their order. A log that has batches after a gap is damaged.
func (l *wal) replay(applied uint64, fn func(rows *layer)) error {
	l.number = applied
	for range l.files {
		for i, f := range l.files {
			if err := l.replayFile(i, f, fn); err != nil {
				return fmt.Errorf("reading the store's log %q: %w", f.Name(), err)
			}
		}
	}
	return l.noGap()
}

func (l *wal) replayFile(i int, f *os.File, fn func(*layer)) error {
	r := &recordReader{file: f, id: l.id}
	for {
		payload, number, err := r.next()
		if err != nil || payload == nil {
			return err
		}
		if number != l.number+1 {
			return nil
		}
		rows, err := decodeRows(payload)
		if err != nil {
			return err
		}
		fn(rows)
		l.turn, l.number = i, number
	}
}

// noGap refuses a log one of whose files begins later than the other ends.
func (l *wal) noGap() error {
	for _, f := range l.files {
		payload, number, err := (&recordReader{file: f, id: l.id}).next()
		if err != nil {
			return fmt.Errorf("reading the store's log %q: %w", f.Name(), err)
		}
		if payload != nil && number > l.number+1 {
			return fault.Precondition("the store's log %q goes on at %d, but what is before it ends at %d: put the log files that belong to the store beside it, or restore a backup",
				f.Name(), number, l.number)
		}
	}
	return nil
}

// recordReader reads a log file record by record.
type recordReader struct {
	file *os.File
	id   uint64
	at   int64 // the end of the last record
}

// next returns the rows and the number of the next record of this store; rows
// are nil at the end of what is whole.
func (r *recordReader) next() (payload []byte, number uint64, err error) {
	var head [recordHead]byte
	if whole, err := r.read(head[:], r.at); err != nil || !whole {
		return nil, 0, err
	}
	length := int64(binary.BigEndian.Uint32(head[4:]))
	info, err := r.file.Stat()
	if err != nil || binary.BigEndian.Uint64(head[8:]) != r.id || r.at+recordHead+length > info.Size() {
		return nil, 0, err
	}
	payload = make([]byte, length)
	if whole, err := r.read(payload, r.at+recordHead); err != nil || !whole {
		return nil, 0, err
	}
	if sum := crc32.Update(crc32.Checksum(head[4:], checksums), checksums, payload); sum != binary.BigEndian.Uint32(head[:]) {
		return nil, 0, nil
	}
	r.at += recordHead + length
	return payload, binary.BigEndian.Uint64(head[16:]), nil
}

func (r *recordReader) read(p []byte, at int64) (whole bool, err error) {
	_, err = r.file.ReadAt(p, at)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

// errRecord is of a record whose checksum is right and whose content is not.
var errRecord = errors.New("a record cannot be read")

// decodeRows reads what [appendRecord] wrote behind the head. The layer keeps
// parts of payload.
func decodeRows(payload []byte) (*layer, error) {
	out, p := newLayer(), parser{rest: payload}
	for len(p.rest) > 0 {
		name := store.Bucket(p.text())
		b := out.box(name)
		for n := p.number(); n > 0 && !p.failed; n-- {
			k, v := string(p.text()), []byte(nil)
			if p.flag() {
				v = p.text()
			}
			b.Set(k, v)
			out.bytes += len(k) + len(v)
		}
		if p.failed {
			return nil, errRecord
		}
	}
	return out, nil
}

// parser takes a record apart; after the first thing that does not fit it has failed.
type parser struct {
	rest   []byte
	failed bool
}

func (p *parser) number() uint64 {
	n, w := binary.Uvarint(p.rest)
	if w <= 0 {
		p.failed, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[w:]
	return n
}

// text is never nil.
func (p *parser) text() []byte {
	n := p.number()
	if n > uint64(len(p.rest)) {
		p.failed, p.rest = true, nil
		return []byte{}
	}
	out := p.rest[:n:n]
	p.rest = p.rest[n:]
	return out
}

func (p *parser) flag() bool {
	if len(p.rest) == 0 {
		p.failed = true
		return false
	}
	out := p.rest[0] == 1
	p.rest = p.rest[1:]
	return out
}
