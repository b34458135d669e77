// Package archive reads the archive in which a plugin travels: a gzip'd tar with
// these regular files at its root and nothing else, in any order, each once:
//
//	tradewind-provider-<name>   the binary
//	manifest.json               what the binary says of itself, see package manifest
//	SHA256SUMS                  "<64 hex digits>  <file name>" for each other file; for manifest.sig it may be left out
//	manifest.sig                optional, see package signature
//
// It trusts nothing: number, names, kinds and sizes of the files are bounded, and
// no path of the archive is ever used as a path. It installs nothing and judges
// no signature. Functions keep no state and are safe for concurrent use.
package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/handshake"
)

const (
	// SumsName is the name of the file with the hashes of the others.
	SumsName = "SHA256SUMS"
	// MaxBinary bounds the size of a plugin binary.
	MaxBinary = 1 << 30 // bytes

	maxSums    = 4 << 10
	maxTrailer = 1 << 20 // padding after the last file
)

// ErrInvalid means that an archive cannot be used.
var ErrInvalid = errors.New("invalid plugin archive")

// Contents is what an archive holds beside its binary.
type Contents struct {
	Name      string // of the plugin, from the binary's name
	SHA256    string // of the binary, lower-case hex
	Manifest  []byte // as it was packed: signatures are over these bytes
	Signature []byte // nil when there is none
}

// Is reports whether a file that begins with head is an archive; two bytes tell.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

// Read reads the whole archive from r, writes the binary to binary and returns
// the rest. The hashes have been compared with SHA256SUMS; after an error what
// was written must not be used. Errors wrap [ErrInvalid] unless reading r or
// writing failed.
func Read(r io.Reader, binary io.Writer) (Contents, error) {
	files := &outside{r: r, w: binary}
	c, err := read(files)
	if files.err != nil {
		return Contents{}, fmt.Errorf("reading the archive: %w", files.err)
	}
	return c, err
}

func read(from *outside) (Contents, error) {
	packed, err := gzip.NewReader(bufio.NewReader(from))
	if err != nil {
		return Contents{}, broken(err)
	}
	a := &reader{binary: from, sums: map[string]string{}, texts: map[string][]byte{}}
	files := tar.NewReader(packed)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Contents{}, broken(err)
		}
		if err := a.take(header, files); err != nil {
			return Contents{}, err
		}
	}
	if err := end(packed); err != nil {
		return Contents{}, err
	}
	return a.contents()
}

// end reads what follows the last file, so that gzip's own sum is checked.
func end(packed io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(packed, maxTrailer+1))
	if err != nil {
		return broken(err)
	}
	if n > maxTrailer {
		return fmt.Errorf("%w: more than %d bytes follow the last file", ErrInvalid, maxTrailer)
	}
	return nil
}

func broken(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, err) }

// outside remembers the first error of what lies outside the archive's text: the
// file that it is read from and the one that the binary is written to.
type outside struct {
	r   io.Reader
	w   io.Writer
	err error
}

// Read reads from the file.
func (o *outside) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = cmp.Or(o.err, err)
	}
	return n, err
}

// Write writes to the file.
func (o *outside) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.err = cmp.Or(o.err, err)
	return n, err
}

// reader collects the files of one archive.
type reader struct {
	binary io.Writer
	name   string            // of the plugin, once its binary was seen
	sums   map[string]string // hash by file name
	texts  map[string][]byte // the small files
}

// limits of the small files, by name.
func limit(name string) int64 {
	switch name {
	case manifest.FileName:
		return manifest.MaxBytes
	case signature.FileName:
		return signature.MaxBytes
	case SumsName:
		return maxSums
	}
	return 0
}

// take reads one file.
func (a *reader) take(h *tar.Header, content io.Reader) error {
	if h.Typeflag != tar.TypeReg {
		return fmt.Errorf("%w: %q is no regular file; links and folders are refused", ErrInvalid, h.Name)
	}
	if _, twice := a.sums[h.Name]; twice {
		return fmt.Errorf("%w: %q is in it twice", ErrInvalid, h.Name)
	}
	if most := limit(h.Name); most > 0 {
		var text bytes.Buffer
		err := a.copy(&text, h, content, most)
		a.texts[h.Name] = text.Bytes()
		return err
	}
	name, ok := strings.CutPrefix(h.Name, handshake.BinaryPrefix)
	if !ok || !manifest.ValidName(name) {
		return fmt.Errorf("%w: file %q does not belong into it; it holds %s<name>, %s, %s and %s at its root",
			ErrInvalid, h.Name, handshake.BinaryPrefix, manifest.FileName, SumsName, signature.FileName)
	}
	if a.name != "" {
		return fmt.Errorf("%w: it has two binaries, of %q and of %q", ErrInvalid, a.name, name)
	}
	a.name = name
	return a.copy(a.binary, h, content, MaxBinary)
}

func (a *reader) copy(to io.Writer, h *tar.Header, content io.Reader, most int64) error {
	if h.Size > most {
		return fmt.Errorf("%w: %q is larger than %d bytes", ErrInvalid, h.Name, most)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), content); err != nil {
		return broken(err)
	}
	a.sums[h.Name] = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// contents checks that the archive is complete and its hashes agree.
func (a *reader) contents() (Contents, error) {
	binary := handshake.BinaryPrefix + a.name
	wanted := []string{binary, manifest.FileName, SumsName}
	if a.name == "" {
		wanted[0] = binary + "<name>"
	}
	for _, name := range wanted {
		if a.sums[name] == "" {
			return Contents{}, fmt.Errorf("%w: %s is missing", ErrInvalid, name)
		}
	}
	told, err := parseSums(a.texts[SumsName])
	if err != nil {
		return Contents{}, err
	}
	for name, sum := range told {
		if a.sums[name] != sum {
			return Contents{}, fmt.Errorf("%w: %s says %s of %q, which is missing or has another hash", ErrInvalid, SumsName, sum, name)
		}
	}
	for _, name := range []string{binary, manifest.FileName} {
		if told[name] == "" {
			return Contents{}, fmt.Errorf("%w: %s does not name %q", ErrInvalid, SumsName, name)
		}
	}
	return Contents{
		Name: a.name, SHA256: a.sums[binary], Manifest: a.texts[manifest.FileName], Signature: a.texts[signature.FileName],
	}, nil
}

var sumForm = regexp.MustCompile(`^([0-9a-f]{64})  ([^ /\\]{1,255})$`)

func parseSums(text []byte) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		m := sumForm.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			return nil, fmt.Errorf("%w: %s has the line %q; each is a hash, two blanks and a file name", ErrInvalid, SumsName, line)
		}
		if out[m[2]] != "" {
			return nil, fmt.Errorf("%w: %s names %q twice", ErrInvalid, SumsName, m[2])
		}
		out[m[2]] = m[1]
	}
	return out, nil
}
