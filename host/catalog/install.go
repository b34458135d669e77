package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
)

// CommitOptions says what becomes of an installed version.
type CommitOptions struct {
	// Activate makes the version the active one. The first version of a plugin
	// becomes active in any case; a later one stands by until then.
	Activate bool
	Edit     Edit
}

// Describe gives a bare binary the manifest made from what it said of itself.
func (s *Staged) Describe(m manifest.Manifest) error {
	if err := m.Verify(); err != nil {
		return unusable(err)
	}
	if m.SHA256 != s.SHA256 {
		return unusable(fmt.Errorf("%w: it is of another binary", manifest.ErrInvalid))
	}
	raw, err := m.Encode()
	if err != nil {
		return err
	}
	s.manifest, s.manifestText = m, raw
	return nil
}

// Commit moves the staged version to its final place and adds its entry. A
// version that is there with the same binary stays as it is, but that its files
// are made whole and that it gets a signature that it had not; with another
// binary it is a conflict, as is a plugin that is declared.
func (s *Staged) Commit(opts CommitOptions) (Entry, error) {
	if !s.Described() {
		return Entry{}, fault.Internal(nil, "a binary without a manifest cannot be installed").From(fault.SourceHost)
	}
	name := s.manifest.Description.Name
	e := Entry{
		Name: name, Version: s.manifest.Description.Version, SHA256: s.SHA256, SignedBy: s.signedBy, Source: installedFile(name),
	}
	e.Path = installedPath(e.Name, e.Version, e.SHA256)
	_, err := s.c.update(name, opts.Edit, func(r *record) (work, error) {
		if old, err := r.entry(""); err == nil { // an operator's settings outlive a version
			e.Args, e.Env = slices.Clone(old.Args), maps.Clone(old.Env)
		}
		w := work{place: func() error { return s.place(e) }}
		if s.stands(filepath.Dir(e.Path), filepath.Base(e.Path)) {
			w.place = nil
			if old, err := r.entry(e.Version); err == nil && len(s.signature) == 0 {
				e.SignedBy = old.SignedBy
			}
		}
		w.ops = append(w.ops, Operation{Action: ActionInstall, Entry: e})
		if opts.Activate {
			w.ops = append(w.ops, Operation{Action: ActionActivate, Version: e.Version})
		}
		return w, nil
	})
	if err != nil {
		return Entry{}, err
	}
	return s.c.Entry(e.Name, e.Version)
}

// installedPath is where the binary of an installed version is.
func installedPath(name, version, hash string) string {
	return filepath.Join(name, version, hash, handshake.BinaryPrefix+name)
}

// place completes the staged folder and moves it to where the entry expects it.
func (s *Staged) place(e Entry) error {
	folder, plugins := filepath.Dir(e.Path), s.c.plugins
	s.c.step("install: complete")
	if err := plugins.Rename(filepath.Join(s.folder, binary), filepath.Join(s.folder, filepath.Base(e.Path))); err != nil {
		return err
	}
	files := map[string][]byte{manifest.FileName: s.manifestText, signature.FileName: s.signature}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := s.write(name, files[name]); err != nil {
			return err
		}
	}
	if err := s.c.syncInside(s.folder); err != nil {
		return err
	}
	if err := plugins.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	s.c.step("install: rename")
	if err := s.moveTo(folder); err != nil {
		return err
	}
	s.c.step("install: sync")
	for dir := filepath.Dir(folder); dir != "."; dir = filepath.Dir(dir) {
		if err := s.c.syncInside(dir); err != nil {
			return err
		}
	}
	return s.c.syncInside(".")
}

// write writes a file into the staged folder; nothing for an empty one.
func (s *Staged) write(name string, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	s.c.step("install: " + name)
	f, err := s.c.plugins.OpenFile(filepath.Join(s.folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncInside makes the names in a folder of the plugin folder durable.
func (c *Catalog) syncInside(folder string) error {
	f, err := c.plugins.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// moveTo moves the staged folder to its final place, and what was there to where
// the staged one was.
func (s *Staged) moveTo(folder string) error {
	plugins := s.c.plugins
	err := plugins.Rename(s.folder, folder)
	if !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	if err := s.exchange(folder); !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	// This file system cannot exchange two folders in one step.
	if err := plugins.RemoveAll(folder); err != nil {
		return err
	}
	return plugins.Rename(s.folder, folder)
}

func (s *Staged) exchange(folder string) error {
	from, err := s.c.plugins.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := s.c.plugins.Open(filepath.Dir(folder))
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }()
	return unix.Renameat2(int(from.Fd()), s.folder, int(to.Fd()), filepath.Base(folder), unix.RENAME_EXCHANGE)
}

// stands reports whether the folder holds already what the staged one would
// bring: the same binary, a manifest that says the same, and the signature, if
// one is brought.
func (s *Staged) stands(folder, name string) bool {
	hash, err := s.c.hash(filepath.Join(folder, name))
	if err != nil || hash != s.SHA256 {
		return false
	}
	text, err := readOptional(s.c.plugins.Open, filepath.Join(folder, manifest.FileName), manifest.MaxBytes)
	if err != nil {
		return false
	}
	if len(s.signature) > 0 {
		sig, err := readOptional(s.c.plugins.Open, filepath.Join(folder, signature.FileName), signature.MaxBytes)
		return err == nil && bytes.Equal(text, s.manifestText) && bytes.Equal(sig, s.signature)
	}
	m, err := manifest.Parse(text)
	return err == nil && m.SHA256 == s.SHA256 && m.Check(s.manifest.Description) == nil
}

func (c *Catalog) hash(path string) (string, error) {
	f, err := c.plugins.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
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
