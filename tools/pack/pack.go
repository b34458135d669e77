// Package pack builds the archive in which a plugin travels, the same bytes
// from the same sources and the same Go: the binary, the manifest that says
// what the binary says of itself, their hashes, and on request a signature. The
// layout is host/archive's; what was written is read back by it before it counts.
//
// It runs the go command and the plugin's "describe", nothing else. Functions
// keep no state.
package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tradewind.example/host/archive"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// describeTime bounds the run that asks a binary for its description.
const describeTime = 20 * time.Second

// Config says what to pack.
type Config struct {
	Dir     string             // of the plugin's main package
	Out     string             // folder for the archive; made when missing
	Version string             // set as main.version; "": what the sources say
	Minor   int                // oldest minor of the contract that the plugin needs, if its description does not say it
	Key     ed25519.PrivateKey // signs the manifest; nil: not signed
	Log     io.Writer          // what the go command says; nil: dropped
}

// Packed is what was written.
type Packed struct {
	File     string // the archive
	SHA256   string // of the archive
	Manifest manifest.Manifest
	KeyID    string // of the key that signed, "" for none
}

// Pack builds the plugin and writes its archive.
func Pack(ctx context.Context, cfg Config) (packed Packed, err error) {
	work, err := os.MkdirTemp("", "tw-pack-")
	if err != nil {
		return packed, fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	built := filepath.Join(work, "plugin")
	if err := Build(ctx, cfg.Dir, built, cfg.Version, cfg.Log); err != nil {
		return packed, err
	}
	files, m, err := contents(ctx, built, cfg)
	if err != nil {
		return packed, err
	}
	raw, err := write(files)
	if err != nil {
		return packed, err
	}
	if packed.KeyID, err = verify(raw, cfg.Key); err != nil {
		return packed, fmt.Errorf("reading the archive back: %w", err)
	}
	d := m.Description
	name := fmt.Sprintf("%s%s_%s_%s_%s.tar.gz", handshake.BinaryPrefix, d.Name, d.Version, runtime.GOOS, runtime.GOARCH)
	packed.File, packed.SHA256, packed.Manifest = filepath.Join(cfg.Out, name), hash(raw), m
	return packed, save(packed.File, raw)
}

// Build builds the plugin at dir into the file out, without paths, times or
// ids of the machine in it.
func Build(ctx context.Context, dir, out, version string, log io.Writer) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("finding where to build: %w", err)
	}
	flags := "-s -w -buildid="
	if version != "" {
		if strings.ContainsAny(version, " \t\n\"'") {
			return fmt.Errorf("version %q: use a semantic version like 1.2.3", version)
		}
		flags += " -X main.version=" + version
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %q: %w", dir, err)
	}
	return nil
}

// Describe runs the binary once and returns what it says of itself.
func Describe(ctx context.Context, binary string) (provider.Description, error) {
	var d provider.Description
	binary, err := filepath.Abs(binary)
	if err != nil {
		return d, fmt.Errorf("finding the binary: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, handshake.DescribeArg)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{}, &out, &says
	if err := cmd.Run(); err != nil {
		return d, fmt.Errorf("describing %s: %w%s", filepath.Base(binary), err, tail(says.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		return d, fmt.Errorf("%s printed no description: %w", filepath.Base(binary), err)
	}
	return d, nil
}

// tail is the end of what a program said, for an error.
func tail(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	if len(text) > 400 {
		text = text[len(text)-400:]
	}
	return ": " + text
}

// file is one file of the archive.
type file struct {
	name string
	mode int64
	raw  []byte
}

// contents makes the archive's files, sorted by name.
func contents(ctx context.Context, built string, cfg Config) ([]file, manifest.Manifest, error) {
	binary, err := os.ReadFile(built)
	if err != nil {
		return nil, manifest.Manifest{}, fmt.Errorf("reading what was built: %w", err)
	}
	d, err := Describe(ctx, built)
	if err != nil {
		return nil, manifest.Manifest{}, err
	}
	m, err := manifest.New(hash(binary), d)
	m.ContractMinor = max(m.ContractMinor, cfg.Minor)
	if err = errors.Join(err, m.Verify()); err != nil {
		return nil, m, fmt.Errorf("the plugin cannot be packed: %w", err)
	}
	text, err := m.Encode()
	if err != nil {
		return nil, m, err
	}
	files := []file{{handshake.BinaryPrefix + d.Name, 0o755, binary}, {manifest.FileName, 0o644, text}}
	if cfg.Key != nil {
		files = append(files, file{signature.FileName, 0o644, Sign(cfg.Key, text)})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var sums strings.Builder
	for _, f := range files {
		fmt.Fprintf(&sums, "%s  %s\n", hash(f.raw), f.name)
	}
	return slices.Insert(files, 0, file{archive.SumsName, 0o644, []byte(sums.String())}), m, nil
}

func hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// write packs the files, all of them as old as Unix time itself.
func write(files []file) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	tarred := tar.NewWriter(packed)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.raw)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := tarred.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("packing %q: %w", f.name, err)
		}
		if _, err := tarred.Write(f.raw); err != nil {
			return nil, fmt.Errorf("packing %q: %w", f.name, err)
		}
	}
	if err := errors.Join(tarred.Close(), packed.Close()); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return out.Bytes(), nil
}

// verify reads the archive as a host does and returns the id of the key that
// signed it.
func verify(raw []byte, key ed25519.PrivateKey) (string, error) {
	got, err := archive.Read(bytes.NewReader(raw), io.Discard)
	if err != nil || key == nil {
		return "", err
	}
	public, err := trusted(key)
	if err != nil {
		return "", err
	}
	return signature.Trust{Keys: []signature.Key{public}, Required: true}.Verify(got.Manifest, got.Signature)
}

// save writes the archive whole or not at all.
func save(name string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return fmt.Errorf("making the folder for the archive: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".packing-*")
	if err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the archive: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}
