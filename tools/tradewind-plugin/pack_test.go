package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/host/archive"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
)

// packed runs pack and returns the archive.
func packed(t *testing.T, args ...string) []byte {
	t.Helper()
	out := must(t, "", append([]string{"pack"}, args...)...)
	sum, file, ok := strings.Cut(strings.TrimSpace(out), "  ")
	if !ok {
		t.Fatalf("pack says %q", out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(raw); hex.EncodeToString(got[:]) != sum {
		t.Errorf("the printed hash is not the file's")
	}
	return raw
}

func TestPackIsReproducible(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	first := packed(t, p.module, "--out", t.TempDir())
	second := packed(t, copyModule(t, p.module), "--out", t.TempDir())
	if !bytes.Equal(first, second) {
		t.Errorf("the same sources in another folder gave other bytes: %d and %d", len(first), len(second))
	}
	other := packed(t, p.module, "--out", t.TempDir(), "--version", "2.0.1")
	got, err := archive.Read(bytes.NewReader(other), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(got.Manifest)
	if err != nil || m.Description.Version != "2.0.1" || m.SHA256 != got.SHA256 || got.Name != "skylark" || got.Signature != nil {
		t.Errorf("%+v, %v", m.Description.Version, err)
	}
}

func TestPackSigns(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	key := filepath.Join(t.TempDir(), "sign.key")
	said := must(t, "", "keygen", key)
	raw := packed(t, p.module, "--out", t.TempDir(), "--sign", key)
	got, err := archive.Read(bytes.NewReader(raw), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := signature.ReadKeys(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	trust := signature.Trust{Keys: keys, Required: true}
	if id, err := trust.Verify(got.Manifest, got.Signature); err != nil || !strings.Contains(said, id) {
		t.Errorf("key %q, %v; keygen said %q", id, err, said)
	}
	if _, err := trust.Verify(append(got.Manifest, ' '), got.Signature); err == nil {
		t.Error("a changed manifest was accepted")
	}
}

func TestKeysAreGuarded(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	key := filepath.Join(t.TempDir(), "sign.key")
	must(t, "", "keygen", key)
	if st, err := os.Stat(key); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode: %v, %v", st.Mode(), err)
	}
	if _, _, err := run(t.Context(), "", "keygen", key); err == nil {
		t.Error("a key was overwritten")
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"readable": key, "public": key + ".pub", "missing": key + "x", "no key": write(t, "k", "text", 0o600)} {
		if _, _, err := run(t.Context(), "", "pack", p.module, "--out", t.TempDir(), "--sign", file); err == nil {
			t.Errorf("%s: signed with it", name)
		}
	}
	if _, _, err := run(t.Context(), "", "pack", t.TempDir(), "--out", t.TempDir()); err == nil {
		t.Error("packed a folder without a plugin")
	}
	if _, _, err := run(t.Context(), "", "pack", p.module, "--version", "1 -extld=x", "--out", t.TempDir()); err == nil {
		t.Error("a version with blanks reached the linker")
	}
}
