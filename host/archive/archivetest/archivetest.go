// Package archivetest makes plugin archives, good and bad ones, for tests only.
package archivetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"

	"tradewind.example/host/archive"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// File is one file of an archive.
type File struct {
	Name    string
	Content []byte
	Kind    byte   // of package tar; 0: a regular file
	Link    string // of a link
}

// Files returns the files of a well-formed archive; sig may be nil.
func Files(name string, binary, manifestText, sig []byte) []File {
	files := []File{{Name: handshake.BinaryPrefix + name, Content: binary}, {Name: manifest.FileName, Content: manifestText}}
	files = append(files, File{Name: archive.SumsName, Content: Sums(files...)})
	if sig != nil {
		files = append(files, File{Name: signature.FileName, Content: sig})
	}
	return files
}

// Sums returns the text of SHA256SUMS for files.
func Sums(files ...File) []byte {
	var out bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&out, "%s  %s\n", Hash(f.Content), f.Name)
	}
	return out.Bytes()
}

// Hash returns the SHA-256 of text in hex.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Pack makes the archive of the files.
func Pack(tb testing.TB, files ...File) []byte {
	tb.Helper()
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	w := tar.NewWriter(packed)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Content)), Typeflag: f.Kind, Linkname: f.Link}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(f.Content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// Manifest returns the text of a manifest of binary.
func Manifest(tb testing.TB, binary []byte, d provider.Description) []byte {
	tb.Helper()
	m, err := manifest.New(Hash(binary), d)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := m.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// Signer is a key pair for tests.
type Signer struct {
	Key     signature.Key
	private ed25519.PrivateKey
}

// NewSigner makes a key pair from one byte, always the same.
func NewSigner(tb testing.TB, seed byte) Signer {
	tb.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		tb.Fatal("no public key")
	}
	key, err := signature.ParseKey([]byte(base64.StdEncoding.EncodeToString(public)))
	if err != nil {
		tb.Fatal(err)
	}
	return Signer{Key: key, private: private}
}

// Sign returns the text of a signature file over text.
func (s Signer) Sign(text []byte) []byte {
	return fmt.Appendf(nil, "ed25519 %s %s\n", s.Key.ID(), base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, text)))
}
