// Package statefile keeps the state of a simulator across a kill of its
// process: a file of changes, one JSON value a line, or a file that is
// replaced whole.
//
// A line is written before the answer to its call leaves, and a line torn by a
// kill is a change that was never answered. Nothing is synced to the disk: a
// file survives a kill of the process, not a power cut. What a line holds is
// the simulator's. Nothing here is safe for concurrent use.
package statefile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrClosed is why a simulator does nothing any more after its end.
var ErrClosed = errors.New("the simulator is closed")

// compactEvery bounds the growth of a file between compactions, in lines.
const compactEvery = 200000

// Dump writes a state in short form: it calls emit with one value a line.
type Dump func(emit func(any) error) error

// File is a file of changes. Make it with [Open] or [Resume].
type File struct {
	path  string
	file  *os.File
	lines int
	dump  Dump // nil never compacts
}

// Open applies the whole lines of the file at path, if there is one, and then
// replaces it by what dump gives, as it will again now and then.
func Open(path string, apply func(line []byte) error, dump Dump) (*File, error) {
	if err := replayFile(path, apply); err != nil {
		return nil, fmt.Errorf("reading the state file: %w", err)
	}
	f := &File{path: path, dump: dump}
	if err := f.compact(); err != nil {
		return nil, fmt.Errorf("writing the state file: %w", err)
	}
	return f, nil
}

// Resume applies the whole lines of the file at path, cuts off a torn one, and
// appends from there. The file is never compacted.
func Resume(path string, apply func(line []byte) error) (*File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("opening the state file: %w", err)
	}
	whole, err := replay(bufio.NewReader(f), apply)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("reading the state file: %w", err)
	}
	return &File{path: path, file: f}, nil
}

// Append writes one change, and compacts the file when it has grown long.
// After an error the file must not be used any more.
func (f *File) Append(change any) error {
	b, err := json.Marshal(change)
	if err == nil {
		f.lines++
		_, err = f.file.Write(append(b, '\n'))
	}
	if err == nil && f.dump != nil && f.lines > compactEvery {
		err = f.compact()
	}
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	return nil
}

// Close writes the file in short form, if it has one, and closes it.
func (f *File) Close() error {
	if f.dump == nil {
		return f.file.Close()
	}
	err := f.compact()
	if cerr := f.file.Close(); err == nil {
		err = cerr
	}
	return err
}

// compact replaces the file by the state as it is.
func (f *File) compact() error {
	tmp := f.path + ".new"
	fresh, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	w := bufio.NewWriter(fresh)
	err = errors.Join(f.dump(json.NewEncoder(w).Encode), w.Flush())
	if err == nil {
		err = os.Rename(tmp, f.path)
	}
	if err != nil {
		_ = fresh.Close()
		return err
	}
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.lines = fresh, 0
	return nil
}

// Replace puts content into a file whole: a kill leaves the old or the new.
func Replace(path string, content []byte) error {
	fresh := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func replayFile(path string, apply func([]byte) error) error {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = replay(bufio.NewReader(f), apply)
	return err
}

// replay applies whole lines and tells how many bytes they are; a last line
// without its end is dropped.
func replay(r *bufio.Reader, apply func([]byte) error) (int64, error) {
	for n, size := 1, int64(0); ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err == nil {
			err = apply(line)
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		size += int64(len(line))
	}
}
