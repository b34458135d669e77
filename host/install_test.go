package host_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/archive/archivetest"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// manifestOf returns the text of the manifest that the fake plugin gets when it
// is asked.
func manifestOf(t *testing.T) []byte {
	t.Helper()
	dir := hosttest.ShortDir(t)
	h, _ := open(t, host.Config{Dir: dir, Lazy: true})
	e, err := h.Install(t.Context(), fakeBinary, host.InstallOptions{AcceptComputed: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "plugins", filepath.Dir(e.Path), manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// archived writes the archive of a binary and returns its path.
func archived(t *testing.T, binary, text, sig []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fake.tar.gz")
	if err := os.WriteFile(path, archivetest.Pack(t, archivetest.Files("fake", binary, text, sig)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInstallSignedArchive(t *testing.T) {
	t.Parallel()
	signer, text := archivetest.NewSigner(t, 1), manifestOf(t)
	binary, err := os.ReadFile(fakeBinary)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := open(t, host.Config{Trust: signature.Trust{Keys: []signature.Key{signer.Key}, Required: true}})
	_, err = h.Install(t.Context(), archived(t, binary, text, nil), host.InstallOptions{AcceptComputed: true})
	if !fault.Is(err, fault.ClassInvalid) || !errors.Is(err, signature.ErrUnsigned) {
		t.Errorf("an unsigned archive: got %v", err)
	}
	_, err = h.Install(t.Context(), fakeBinary, host.InstallOptions{AcceptComputed: true})
	if !errors.Is(err, signature.ErrUnsigned) {
		t.Errorf("a bare binary: got %v", err)
	}
	if n := len(h.Entries()); n != 0 {
		t.Fatalf("%d entries after refusals", n)
	}
	path := archived(t, binary, text, signer.Sign(text))
	e, err := h.Install(t.Context(), path, host.InstallOptions{SHA256: hashOf(t, path), Edit: catalog.Edit{Who: "ann", Reason: "first"}})
	if err != nil || e.SHA256 != hashOf(t, fakeBinary) || e.SignedBy != signer.Key.ID() {
		t.Fatalf("installed %+v, %v", e, err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t.Context(), p, "echo", "hello"); err != nil || got.ID != "hello" {
		t.Errorf("a call: %q, %v", got.ID, err)
	}
}

// TestDeliveredManifestIsNotRun: what comes with a manifest is described without
// being run, and compared when it first shakes hands.
func TestDeliveredManifestIsNotRun(t *testing.T) {
	t.Parallel()
	binary := []byte("#!/bin/sh\nexit 3\n")
	text := archivetest.Manifest(t, binary, provider.Description{Name: "fake", Version: "7.0.0", Title: "Told"})
	h, _ := open(t, host.Config{Lazy: true})
	if _, err := h.Install(t.Context(), archived(t, binary, text, nil), host.InstallOptions{AcceptComputed: true}); err != nil {
		t.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := p.Description(); !ok || d.Title != "Told" || d.Version != "7.0.0" {
		t.Errorf("described as %+v", d)
	}
}

func TestDeliveredManifestIsCompared(t *testing.T) {
	t.Parallel()
	binary, err := os.ReadFile(fakeBinary)
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Replace(manifestOf(t), []byte(`"1.0.0"`), []byte(`"1.0.1"`), 1)
	h, _ := open(t, host.Config{Lazy: true, Policy: supervise.Policy{Backoff: time.Hour}})
	if _, err := h.Install(t.Context(), archived(t, binary, text, nil), host.InstallOptions{AcceptComputed: true}); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), "fake"); err == nil || !strings.Contains(err.Error(), "differs from its manifest in its version") {
		t.Errorf("a manifest of another version: got %v", err)
	}
}

// TestLaterVersionStandsBy: an installation alone changes nothing for anybody.
func TestLaterVersionStandsBy(t *testing.T) {
	t.Parallel()
	dir := hosttest.ShortDir(t)
	h, _ := open(t, host.Config{Dir: dir})
	for _, file := range []string{fakeBinary, otherBinary} {
		if _, err := h.Install(t.Context(), file, host.InstallOptions{AcceptComputed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Restart(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if st := status(h); st.Version != "1.0.0" {
		t.Errorf("the later version came into use by itself: %+v", st)
	}
	var have []string
	for _, e := range h.Entries() {
		have = append(have, e.Name+" "+e.Version+" "+e.Source)
	}
	if got := strings.Join(have, ", "); got != "fake 1.0.0 installed-fake.json, fake 2.0.0 installed-fake.json" {
		t.Errorf("entries: %s", got)
	}
	_, err := h.Install(t.Context(), fakeBinary, host.InstallOptions{AcceptComputed: true, Edit: catalog.Edit{Revision: 1}})
	if !fault.Is(err, fault.ClassConflict) {
		t.Errorf("an installation on the ground of an old revision: got %v", err)
	}
}
