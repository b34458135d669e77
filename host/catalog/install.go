package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tradewind.example/host/manifest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
)

// MaxBinary bounds the size of a plugin binary.
const MaxBinary = 1 << 30 // bytes

const stagingPrefix = ".staging-"

// Staged is a copy of a binary on its way into the catalogue. Commit or discard it.
type Staged struct {
	c      *Catalog
	name   string // of the folder inside the plugin folder
	SHA256 string // of the copy, lower-case hex
}

// Stage copies the binary at path into the plugin folder and hashes the copy.
// When want is not "" the hash must be that one, else an invalid fault tells the
// real one.
func (c *Catalog) Stage(ctx context.Context, path, want string) (*Staged, error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("file", "cannot be read: %v", errors.Unwrap(err)).From(fault.SourceHost).With(err)
	}
	defer func() { _ = src.Close() }()
	folder, err := os.MkdirTemp(filepath.Join(c.dir, pluginsFolder), stagingPrefix)
	if err != nil {
		return nil, fmt.Errorf("staging a plugin: %w", err)
	}
	s := &Staged{c: c, name: filepath.Base(folder)}
	if s.SHA256, err = s.copy(ctx, src); err == nil && want != "" && s.SHA256 != want {
		err = fault.Invalid("sha256", "the file has %s", s.SHA256).From(fault.SourceHost)
	}
	if err != nil {
		return nil, errors.Join(err, s.Discard())
	}
	return s, nil
}

// binary is the staged file's name before the plugin's name is known.
const binary = "binary"

func (s *Staged) copy(ctx context.Context, src *os.File) (string, error) {
	dst, err := s.c.plugins.OpenFile(filepath.Join(s.name, binary), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return "", fmt.Errorf("staging a plugin: %w", err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(dst, h), io.LimitReader(contextReader{ctx, src}, MaxBinary+1))
	if err == nil && n > MaxBinary {
		err = fault.Invalid("file", "is larger than %d bytes", MaxBinary).From(fault.SourceHost)
	}
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return "", fmt.Errorf("staging a plugin: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// contextReader ends a long copy when ctx ends. It lives for one copy only.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads unless ctx has ended.
func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// Binary opens the staged binary for reading.
func (s *Staged) Binary() (*os.File, error) {
	return s.c.plugins.Open(filepath.Join(s.name, binary))
}

// Discard removes the staged copy; after a commit it does nothing.
func (s *Staged) Discard() error { return s.c.plugins.RemoveAll(s.name) }

// Commit moves the staged binary to its final place, writes the manifest beside
// it and the entry that lets it run, replacing an earlier installed version of
// the same plugin. Installing the same binary again changes nothing.
func (s *Staged) Commit(m manifest.Manifest) (Entry, error) {
	if err := m.Verify(); err != nil {
		return Entry{}, fault.Invalid("file", "is not a usable plugin: %v", err).From(fault.SourceHost).With(err)
	}
	name := m.Description.Name
	folder := filepath.Join(name, m.Description.Version, s.SHA256)
	e := Entry{
		Name: name, Version: m.Description.Version, SHA256: s.SHA256,
		Path: filepath.Join(folder, handshake.BinaryPrefix+name), Source: installedFile(name),
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	old, exists := s.c.entries[name]
	if exists && old.Source != e.Source {
		return Entry{}, fault.Conflict("plugin %q is declared in %s; remove it there to install one", name, old.Source).From(fault.SourceHost)
	}
	if exists {
		e.Args, e.Env, e.Disabled = old.Args, old.Env, old.Disabled
	}
	if err := s.place(folder, e, m); err != nil {
		return Entry{}, err
	}
	s.c.entries[name] = e
	return e.clone(), nil
}

func installedFile(name string) string { return "installed-" + name + ".json" }

// place writes everything in an order in which a crash leaves either the old
// entry or the new one, with its files complete.
func (s *Staged) place(folder string, e Entry, m manifest.Manifest) error {
	raw, err := m.Encode()
	if err != nil {
		return err
	}
	if err := s.c.plugins.Rename(filepath.Join(s.name, binary), filepath.Join(s.name, filepath.Base(e.Path))); err != nil {
		return fmt.Errorf("installing plugin %q: %w", e.Name, err)
	}
	if err := s.c.plugins.WriteFile(filepath.Join(s.name, manifest.FileName), raw, 0o400); err != nil {
		return fmt.Errorf("installing plugin %q: %w", e.Name, err)
	}
	if err := s.c.plugins.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return fmt.Errorf("installing plugin %q: %w", e.Name, err)
	}
	if err := s.moveTo(folder, filepath.Base(e.Path)); err != nil {
		return fmt.Errorf("installing plugin %q: %w", e.Name, err)
	}
	return s.c.writeEntry(e)
}

// moveTo moves the staged folder to its final place. What is there already is
// kept when it is the same binary, and replaced when it is not any more.
func (s *Staged) moveTo(folder, name string) error {
	err := s.c.plugins.Rename(s.name, folder)
	if !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	if s.c.holds(filepath.Join(folder, name), s.SHA256) {
		return s.Discard()
	}
	if err := s.c.plugins.RemoveAll(folder); err != nil {
		return err
	}
	return s.c.plugins.Rename(s.name, folder)
}

// holds reports whether the file in the plugin folder has that hash.
func (c *Catalog) holds(path, hash string) bool {
	f, err := c.plugins.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == hash
}

// writeEntry writes the installed entry's file by temporary file and rename.
func (c *Catalog) writeEntry(e Entry) error {
	e.Source = "" // the file itself is the source
	raw, err := json.MarshalIndent(file{Plugins: []Entry{e}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the entry of plugin %q: %w", e.Name, err)
	}
	final := filepath.Join(c.dir, catalogFolder, installedFile(e.Name))
	temp := filepath.Join(filepath.Dir(final), "."+filepath.Base(final))
	if err := writeSynced(temp, append(raw, '\n')); err != nil {
		return fmt.Errorf("writing the entry of plugin %q: %w", e.Name, err)
	}
	if err := os.Rename(temp, final); err != nil {
		return fmt.Errorf("writing the entry of plugin %q: %w", e.Name, err)
	}
	return nil
}

func writeSynced(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("longer than %d bytes", limit)
	}
	return raw, err
}
