package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"tradewind.example/sdk/fault"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
	// maxFile is far above any keyset and keeps a wrong path from being read whole.
	maxFile = 1 << 20
)

// createFile makes the keyset file with one fresh key unless it exists.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return fmt.Errorf("making the folder of the keyset: %w", err)
	}
	return locked(path, func() error {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return fault.Internal(err, "the first key cannot be made")
		}
		return replaceFile(path, h)
	})
}

// readFile reads a keyset that nobody but its owner can.
func readFile(path string) (keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return keys{}, fmt.Errorf("opening the keyset: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return keys{}, fmt.Errorf("looking at the keyset: %w", err)
	}
	if !info.Mode().IsRegular() {
		return keys{}, fault.Precondition("the keyset %q is not a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return keys{}, fault.Precondition("the keyset %q has mode %04o and others may reach it: chmod 600 it", path, mode)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(io.LimitReader(f, maxFile)))
	if err != nil {
		// The parser's message may quote the file, which holds keys.
		return keys{}, fault.Precondition("the keyset %q cannot be read: restore it from its backup", path)
	}
	return newKeys(h)
}

// replaceFile puts a keyset in place in one step: after a crash the file is the
// old or the new one.
func replaceFile(path string, h *keyset.Handle) error {
	var body bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&body)); err != nil {
		return fault.Internal(err, "the keyset cannot be encoded")
	}
	temp, err := writeTemp(path, body.Bytes())
	if err != nil {
		return fmt.Errorf("writing the keyset: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(fmt.Errorf("putting the keyset in place: %w", err), os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

// writeTemp writes a file beside path, durably, and returns its name.
func writeTemp(path string, body []byte) (string, error) {
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of the keyset: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// locked runs fn while no other process changes keysets of the same folder.
func locked(path string, fn func() error) (err error) {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("opening the folder of the keyset: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }() // closing ends the lock
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking the folder of the keyset: %w", err)
	}
	return fn()
}
