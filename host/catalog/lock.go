package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The lock files, and how they are held. The kernel releases them when their
// process ends in whatever way.
const (
	changeLock  = ".lock"    // by the one change at work
	stagingLock = ".staging" // shared, by everything that stages

	exclusive = unix.LOCK_EX
	shared    = unix.LOCK_SH
	attempt   = unix.LOCK_EX | unix.LOCK_NB
)

// lock takes a lock and returns what releases it.
func (c *Catalog) lock(name string, how int) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(c.cfg.Dir, catalogFolder, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the catalogue's lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the catalogue: %w", err), f.Close())
	}
	return f.Close, nil
}

// sweep removes what an installation left that did not come to its end, unless
// one is at work in another process.
func (c *Catalog) sweep() error {
	unlock, err := c.lock(stagingLock, attempt)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	left, err := os.ReadDir(c.plugins.Name())
	problems := []error{err}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), stagingPrefix) {
			problems = append(problems, c.plugins.RemoveAll(e.Name()))
		}
	}
	return errors.Join(append(problems, unlock())...)
}
