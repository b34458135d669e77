// Package secretfile reads files that hold secrets, and refuses those that
// others than their owner can read. It keeps nothing of what it read.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Read reads a file with secrets of at most most bytes. A file that
// others than its owner can read or write is refused.
func Read(file string, most int64) (raw []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening a file with secrets: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening a file with secrets: %w", err)
	}
	if mode := st.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%q holds secrets and others can read it (mode %s): chmod 600 it", file, mode)
	}
	raw, err = io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading a file with secrets: %w", err)
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("%q is longer than %d bytes", file, most)
	}
	return raw, nil
}
