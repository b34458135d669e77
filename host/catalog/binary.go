package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
)

// ErrUnsafe means that a binary may be changed by others than its owner.
var ErrUnsafe = errors.New("binary is writable by others")

// Binary opens the entry's binary for reading. A path, or a symlink on it, that
// leads out of the plugin folder is refused, and so, outside development, is a
// file that the group or others may write.
func (c *Catalog) Binary(e Entry) (*os.File, error) {
	f, err := c.open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the binary of plugin %q: %w", e.Name, err)
	}
	if err := c.checkMode(f); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the binary of plugin %q: %w", e.Name, err), f.Close())
	}
	return f, nil
}

func (c *Catalog) open(path string) (*os.File, error) {
	if c.cfg.Dev && filepath.IsAbs(path) {
		return os.Open(path)
	}
	return c.plugins.Open(path)
}

func (c *Catalog) checkMode(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%q is no regular file", st.Name())
	}
	if !c.cfg.Dev && st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: mode %s; take the write permission away", ErrUnsafe, st.Mode().Perm())
	}
	return nil
}

// Manifest returns the manifest beside the entry's binary. An entry without one
// gets the zero Manifest, which expects nothing. A manifest of another binary
// than the pinned one is an error, and so, where trust requires signatures, is
// one that no trusted key has signed. Asking again costs little.
func (c *Catalog) Manifest(e Entry) (manifest.Manifest, error) {
	f, err := c.open(filepath.Join(filepath.Dir(e.Path), manifest.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Manifest{}, c.unsigned(e)
	}
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("opening the manifest of plugin %q: %w", e.Name, err)
	}
	defer func() { _ = f.Close() }()
	m, err := c.manifests.get(f, e.SHA256, func() (manifest.Manifest, error) { return c.verified(f, e) })
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("reading the manifest of plugin %q: %w", e.Name, err)
	}
	return m, nil
}

// unsigned is the error of an entry without a manifest, where one is required.
func (c *Catalog) unsigned(e Entry) error {
	if c.cfg.Trust.Required {
		return fmt.Errorf("plugin %q: %w; install a signed archive of it", e.Name, signature.ErrUnsigned)
	}
	return nil
}

// verified reads a manifest and compares it with its entry.
func (c *Catalog) verified(f *os.File, e Entry) (manifest.Manifest, error) {
	raw, err := readBounded(f, manifest.MaxBytes)
	if err != nil {
		return manifest.Manifest{}, err
	}
	m, err := manifest.Parse(raw)
	if err != nil {
		return manifest.Manifest{}, err
	}
	if e.SHA256 != "" && m.SHA256 != e.SHA256 {
		return manifest.Manifest{}, fmt.Errorf("%w: it is of another binary", manifest.ErrInvalid)
	}
	if c.cfg.Trust.Required {
		_, err = c.signedBy(filepath.Dir(e.Path), raw)
	}
	return m, err
}

// signedBy verifies the signature in a folder over the manifest raw.
func (c *Catalog) signedBy(folder string, raw []byte) (string, error) {
	sig, err := readOptional(c.open, filepath.Join(folder, signature.FileName), signature.MaxBytes)
	if err != nil {
		return "", err
	}
	return c.cfg.Trust.Verify(raw, sig)
}

// SignedBy returns the id of the key that signed an entry's manifest. For what
// was installed it was found out then; for what is declared the signature beside
// the binary is looked at now: "" when there is none, or none that trust knows.
func (c *Catalog) SignedBy(e Entry) string {
	if e.SignedBy != "" {
		return e.SignedBy
	}
	folder := filepath.Dir(e.Path)
	raw, err := readOptional(c.open, filepath.Join(folder, manifest.FileName), manifest.MaxBytes)
	if err != nil || raw == nil {
		return ""
	}
	if m, err := manifest.Parse(raw); err != nil || e.SHA256 != "" && m.SHA256 != e.SHA256 {
		return ""
	}
	key, err := c.signedBy(folder, raw)
	if err != nil {
		return ""
	}
	return key
}

// readOptional reads a file of at most limit bytes; nil when there is none.
func readOptional(open func(string) (*os.File, error), path string, limit int64) ([]byte, error) {
	f, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readBounded(f, limit)
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("longer than %d bytes", limit)
	}
	return raw, err
}

// maxCached bounds how many manifests are kept in memory.
const maxCached = 256

// manifestCache keeps verified manifests while their files stay as they were.
// The zero value is ready.
type manifestCache struct {
	mu    sync.Mutex
	known map[string]cachedManifest // by the hash of the binary
}

type cachedManifest struct {
	file     os.FileInfo
	manifest manifest.Manifest
}

// get returns the manifest in f, from memory when it was read before.
func (c *manifestCache) get(f *os.File, hash string, read func() (manifest.Manifest, error)) (manifest.Manifest, error) {
	now, err := f.Stat()
	if err != nil {
		return manifest.Manifest{}, err
	}
	c.mu.Lock()
	have, ok := c.known[hash]
	c.mu.Unlock()
	if ok && os.SameFile(have.file, now) && have.file.ModTime().Equal(now.ModTime()) && have.file.Size() == now.Size() {
		return have.manifest, nil
	}
	m, err := read()
	if err != nil || hash == "" {
		return m, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCached {
		c.known = map[string]cachedManifest{}
	}
	c.known[hash] = cachedManifest{file: now, manifest: m}
	return m, nil
}
