package bolt

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes a file's content durable, and of its metadata only what
// reading it back needs.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd())) //nolint:gosec // a descriptor is small
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
