package catalog

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"tradewind.example/host/archive"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/fault"
)

// MaxBinary bounds the size of a plugin binary.
const MaxBinary = archive.MaxBinary // bytes

const (
	stagingPrefix = ".staging-"
	// binary is the staged file's name before it is moved to its place.
	binary = "binary"
)

// Staged is a copy of a version on its way into the catalogue. Commit it, and
// discard it in any case. It is for one goroutine.
type Staged struct {
	SHA256 string // of the binary, lower-case hex

	c            *Catalog
	folder       string // inside the plugin folder
	unlock       func() error
	manifest     manifest.Manifest // zero until it is delivered or described
	manifestText []byte
	signature    []byte
	signedBy     string
}

// Stage copies the binary or the archive at path into the plugin folder, checks
// what came with it, and runs nothing. want, when not "", is the hash that the
// file at path must have.
//
// Invalid faults tell: a file that cannot be read, another hash, an archive or a
// manifest that cannot be used, a manifest of another binary, a plugin for
// another host (wrapping [manifest.ErrContract]), and a signature that trust
// refuses (wrapping the sentinels of package signature).
func (c *Catalog) Stage(ctx context.Context, path, want string) (_ *Staged, err error) {
	src, err := openRegular(path)
	if err != nil {
		return nil, fault.Invalid("file", "cannot be read: %v", cause(err)).From(fault.SourceHost).With(err)
	}
	defer func() { _ = src.Close() }()
	unlock, err := c.lock(stagingLock, shared)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(c.plugins.Name(), stagingPrefix)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("staging a plugin: %w", err), unlock())
	}
	s := &Staged{c: c, folder: filepath.Base(folder), unlock: unlock}
	if err := s.fill(ctx, src, want); err != nil {
		return nil, errors.Join(err, s.Discard())
	}
	return s, nil
}

// openRegular opens a file that somebody dropped. Pipes and devices, which could
// block for ever, are refused.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// cause leaves out the path, which is the host's own business.
func cause(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// fill copies the file and checks what came with it.
func (s *Staged) fill(ctx context.Context, src *os.File, want string) error {
	dst, err := s.c.plugins.OpenFile(filepath.Join(s.folder, binary), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return fmt.Errorf("staging a plugin: %w", err)
	}
	// A plugin with a user of its own must be able to execute it. Nobody but the
	// host finds it: that is up to the folders.
	if err := dst.Chmod(0o555); err != nil {
		return fmt.Errorf("staging a plugin: %w", errors.Join(err, dst.Close()))
	}
	sum := sha256.New()
	got, err := copyBinary(dst, bufio.NewReader(io.TeeReader(contextReader{ctx, src}, sum)))
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return fmt.Errorf("staging a plugin: %w", err)
	}
	if hash := hex.EncodeToString(sum.Sum(nil)); want != "" && hash != want {
		return fault.Invalid("sha256", "the file has %s", hash).From(fault.SourceHost)
	}
	if got.Name == "" {
		if err := beside(src.Name(), &got); err != nil {
			return unusable(err)
		}
	}
	s.SHA256 = got.SHA256
	return s.deliver(got)
}

// copyBinary reads a binary, or the archive around it, to its end and writes the
// binary to dst. Of a bare binary only the hash is known.
func copyBinary(dst io.Writer, in *bufio.Reader) (archive.Contents, error) {
	if head, _ := in.Peek(2); archive.Is(head) { // a failed read fails again below
		got, err := archive.Read(in, dst)
		if errors.Is(err, archive.ErrInvalid) {
			err = unusable(err)
		}
		return got, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(dst, h), io.LimitReader(in, MaxBinary+1))
	if err == nil && n > MaxBinary {
		err = unusable(fmt.Errorf("it is larger than %d bytes", int64(MaxBinary)))
	}
	return archive.Contents{SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// beside reads the manifest and the signature in the folder of a bare binary.
func beside(path string, to *archive.Contents) (err error) {
	dir := filepath.Dir(path)
	if to.Manifest, err = readOptional(openRegular, filepath.Join(dir, manifest.FileName), manifest.MaxBytes); err != nil {
		return fmt.Errorf("reading %s beside it: %w", manifest.FileName, err)
	}
	if to.Signature, err = readOptional(openRegular, filepath.Join(dir, signature.FileName), signature.MaxBytes); err != nil {
		return fmt.Errorf("reading %s beside it: %w", signature.FileName, err)
	}
	return nil
}

// deliver takes the manifest that came with the binary, if one did.
func (s *Staged) deliver(got archive.Contents) error {
	if len(got.Manifest) == 0 {
		if s.c.cfg.Trust.Required {
			return unusable(fmt.Errorf("%w; it needs a manifest and its signature", signature.ErrUnsigned))
		}
		return nil
	}
	m, err := manifest.Parse(got.Manifest)
	if errors.Is(err, manifest.ErrContract) {
		err = s.c.orOlder(m, err)
	}
	if err == nil && m.SHA256 != got.SHA256 {
		err = fmt.Errorf("%w: it is of another binary, %s instead of %s", manifest.ErrInvalid, m.SHA256, got.SHA256)
	}
	if err == nil && m.Platform != "" && m.Platform != manifest.Platform() {
		err = fmt.Errorf("it is for %s and this host runs on %s", m.Platform, manifest.Platform())
	}
	if err == nil && got.Name != "" && got.Name != m.Description.Name {
		err = fmt.Errorf("%w: it is of plugin %q and the binary is named for %q", manifest.ErrInvalid, m.Description.Name, got.Name)
	}
	if err == nil {
		s.signedBy, err = s.c.cfg.Trust.Verify(got.Manifest, got.Signature)
	}
	if err != nil {
		return unusable(err)
	}
	s.manifest, s.manifestText, s.signature = m, got.Manifest, got.Signature
	return nil
}

// orOlder adds to the error of a plugin for a newer host which version would do.
func (c *Catalog) orOlder(m manifest.Manifest, err error) error {
	entries := c.Entries(m.Description.Name)
	for _, e := range slices.Backward(entries) {
		if _, problem := c.Manifest(e); problem == nil && manifest.CompareVersions(e.Version, m.Description.Version) < 0 {
			return fmt.Errorf("%w or stay with plugin <= %s", err, e.Version)
		}
	}
	return fmt.Errorf("%w or install a plugin < %s", err, m.Description.Version)
}

// unusable is the fault of a file that is not installed.
func unusable(err error) error {
	return fault.Invalid("file", "is not a usable plugin: %v", err).From(fault.SourceHost).With(err)
}

// Described reports whether the version has a manifest: it came with the binary,
// or [Staged.Describe] gave it one.
func (s *Staged) Described() bool { return s.manifest.Format != 0 }

// Binary opens the staged binary for reading.
func (s *Staged) Binary() (*os.File, error) {
	return s.c.plugins.Open(filepath.Join(s.folder, binary))
}

// Discard removes what is left of the staged copy: all of it, unless it was
// committed. It does nothing when done again.
func (s *Staged) Discard() error {
	unlock := s.unlock
	if unlock == nil {
		return nil
	}
	s.unlock = nil
	return errors.Join(s.c.plugins.RemoveAll(s.folder), unlock())
}
