package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"tradewind.example/host/archive"
	"tradewind.example/host/archive/archivetest"
	"tradewind.example/host/catalog"
	"tradewind.example/host/manifest"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

var plugin = []byte("\x7fELF a plugin")

func described(t *testing.T, version string) []byte {
	t.Helper()
	return archivetest.Manifest(t, plugin, provider.Description{Name: "fake", Version: version, Title: "Fake"})
}

// drop writes files into a fresh folder and returns the path of the first one.
func drop(t *testing.T, files ...archivetest.File) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		write(t, filepath.Join(dir, f.Name), string(f.Content), 0o600)
	}
	return filepath.Join(dir, files[0].Name)
}

func packed(t *testing.T, files ...archivetest.File) archivetest.File {
	t.Helper()
	return archivetest.File{Name: "fake.tar.gz", Content: archivetest.Pack(t, files...)}
}

// tree lists what is below dir, with modes and contents, but for the locks.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Dir(path) == filepath.Join(dir, "catalog") && strings.HasPrefix(d.Name(), ".") {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		out[name] = st.Mode().String()
		if st.Mode().IsRegular() {
			raw, err := os.ReadFile(path)
			out[name] += " " + string(raw)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInstallDelivered(t *testing.T) {
	t.Parallel()
	signer := archivetest.NewSigner(t, 1)
	text := described(t, "1.0.0")
	files := archivetest.Files("fake", plugin, text, signer.Sign(text))
	cases := map[string]struct {
		reason string
		path   func(t *testing.T) string
		trust  signature.Trust
		signed bool
	}{
		"Archive":       {reason: "an archive", path: func(t *testing.T) string { return drop(t, packed(t, files...)) }},
		"SignedArchive": {reason: "a signed archive", path: func(t *testing.T) string { return drop(t, packed(t, files...)) }, trust: signature.Trust{Keys: []signature.Key{signer.Key}, Required: true}, signed: true},
		"Unpacked":      {reason: "a binary with its manifest beside it", path: func(t *testing.T) string { return drop(t, files...) }},
		"SignedFiles":   {reason: "the same, signed", path: func(t *testing.T) string { return drop(t, files...) }, trust: signature.Trust{Keys: []signature.Key{signer.Key}, Required: true}, signed: true},
		"Volunteered":   {reason: "a signature nobody asked for", path: func(t *testing.T) string { return drop(t, packed(t, files...)) }, trust: signature.Trust{Keys: []signature.Key{signer.Key}}, signed: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := t.TempDir(), tc.path(t)
			c := open(t, catalog.Config{Dir: dir, Trust: tc.trust})
			raw, _ := os.ReadFile(path)
			s, err := c.Stage(t.Context(), path, archivetest.Hash(raw))
			if err != nil || !s.Described() {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			e, err := s.Commit(catalog.CommitOptions{})
			if err := errors.Join(err, s.Discard(), s.Discard()); err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			signedBy := ""
			if tc.signed {
				signedBy = signer.Key.ID()
			}
			folder := "fake/1.0.0/" + archivetest.Hash(plugin)
			want := catalog.Entry{
				Name: "fake", Version: "1.0.0", SHA256: archivetest.Hash(plugin), Path: folder + "/tradewind-provider-fake",
				SignedBy: signedBy, Source: "installed-fake.json",
			}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			got := tree(t, filepath.Join(dir, "plugins", folder))
			delete(got, ".")
			files := map[string]string{
				"tradewind-provider-fake": "-r-xr-xr-x " + string(plugin), "manifest.json": "-r-------- " + string(text),
				"manifest.sig": "-r-------- " + string(signer.Sign(text)),
			}
			if diff := cmp.Diff(files, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if m, err := c.Manifest(e); err != nil || m.Description.Title != "Fake" {
				t.Errorf("%s: manifest %+v, %v", tc.reason, m, err)
			}
		})
	}
}

func TestStageRefusesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	signer, stranger := archivetest.NewSigner(t, 1), archivetest.NewSigner(t, 2)
	required := signature.Trust{Keys: []signature.Key{signer.Key}, Required: true}
	text := described(t, "1.0.0")
	newer := bytes.Replace(described(t, "2.0.0"), []byte(`"protocol": 1`), []byte(`"protocol": 1, "contract_minor": 99`), 1)
	foreign := bytes.Replace(text, []byte(`"`+manifest.Platform()+`"`), []byte(`"plan9/mips"`), 1)
	pack := func(name string, text, sig []byte) []archivetest.File {
		return []archivetest.File{packed(t, archivetest.Files(name, plugin, text, sig)...)}
	}
	bare := archivetest.File{Name: "tradewind-provider-fake", Content: plugin}
	cases := map[string]struct {
		reason string
		files  []archivetest.File
		trust  signature.Trust
		want   error  // wrapped
		text   string // in the message
		hash   string
	}{
		"Unsigned":       {reason: "a signature is required", files: pack("fake", text, nil), trust: required, want: signature.ErrUnsigned},
		"BareUnsigned":   {reason: "and it needs a manifest", files: []archivetest.File{bare}, trust: required, want: signature.ErrUnsigned},
		"Stranger":       {reason: "by a trusted key", files: pack("fake", text, stranger.Sign(text)), trust: required, want: signature.ErrUnknownKey, text: stranger.Key.ID()},
		"WrongSignature": {reason: "of this manifest", files: pack("fake", text, signer.Sign([]byte("x"))), trust: required, want: signature.ErrWrong},
		"WrongBeside":    {reason: "wherever it lies", files: []archivetest.File{bare, {Name: "manifest.json", Content: text}, {Name: "manifest.sig", Content: []byte("?")}}, want: signature.ErrMalformed},
		"OtherBinary": {reason: "the manifest is of this binary", want: manifest.ErrInvalid, text: "another binary",
			files: []archivetest.File{{Name: "tradewind-provider-fake", Content: []byte("other")}, {Name: "manifest.json", Content: text}}},
		"OtherPlatform": {reason: "the binary runs here", files: pack("fake", foreign, nil), text: "it is for plan9/mips and this host runs on"},
		"OtherName":     {reason: "the binary has its plugin's name", files: pack("other", text, nil), want: manifest.ErrInvalid, text: `"other"`},
		"NoManifest":    {reason: "a manifest can be read", files: pack("fake", []byte("{}"), nil), want: manifest.ErrInvalid},
		"NewerContract": {reason: "it is told what would do", files: pack("fake", newer, nil), want: manifest.ErrContract, text: "needs contract 1.99, this host speaks 1.0-1.1; update the broker or stay with plugin <= 1.5.0"},
		"BadArchive":    {reason: "an archive is whole", files: []archivetest.File{{Name: "x.tar.gz", Content: []byte("\x1f\x8bgarbage")}}, want: archive.ErrInvalid},
		"Evil":          {reason: "nothing gets out of its folder", files: []archivetest.File{packed(t, archivetest.File{Name: "../../evil", Content: plugin})}, want: archive.ErrInvalid},
		"Hash":          {reason: "the pinned hash is the file's", files: pack("fake", text, nil), hash: archivetest.Hash(plugin), text: "the file has"},
		"BareHash":      {reason: "the pinned hash is the file's", files: []archivetest.File{bare}, hash: hash, text: archivetest.Hash(plugin)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := with(t, catalog.Config{Dir: dir}, "1.5.0")
			if tc.trust.Required {
				_ = c.Close()
				c = open(t, catalog.Config{Dir: dir, Trust: tc.trust})
			}
			before := tree(t, dir)
			_, err := c.Stage(t.Context(), drop(t, tc.files...), tc.hash)
			if !fault.Is(err, fault.ClassInvalid) || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("%s: something was written:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestStageTakesFilesOnly(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	pipe, dir := filepath.Join(t.TempDir(), "pipe"), t.TempDir()
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := drop(t, archivetest.File{Name: "tradewind-provider-fake", Content: plugin})
	if err := unix.Mkfifo(filepath.Join(filepath.Dir(bare), "manifest.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a pipe": pipe, "a folder": dir, "a pipe beside": bare, "nothing": filepath.Join(dir, "none")} {
		_, err := c.Stage(t.Context(), path, "")
		if !fault.Is(err, fault.ClassInvalid) || strings.Contains(fault.As(err).Error(), dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestStageEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	text := described(t, "1.0.0")
	for _, f := range []archivetest.File{packed(t, archivetest.Files("fake", plugin, text, nil)...), {Name: "bare", Content: plugin}} {
		if _, err := c.Stage(ctx, drop(t, f), ""); !errors.Is(err, context.Canceled) || fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: got %v", f.Name, err)
		}
	}
}

// TestRequiredSignaturesHoldForAll: the policy holds for what was installed
// before it and for what was changed since.
func TestRequiredSignaturesHoldForAll(t *testing.T) {
	t.Parallel()
	dir, signer := t.TempDir(), archivetest.NewSigner(t, 1)
	trust := signature.Trust{Keys: []signature.Key{signer.Key}}
	c := open(t, catalog.Config{Dir: dir, Trust: trust})
	install := func(version string, sig []byte) {
		s, err := c.Stage(t.Context(), drop(t, packed(t, archivetest.Files("fake", plugin, described(t, version), sig)...)), "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Commit(catalog.CommitOptions{})
		if err := errors.Join(err, s.Discard()); err != nil {
			t.Fatal(err)
		}
	}
	install("1.0.0", nil)
	install("2.0.0", signer.Sign(described(t, "2.0.0")))
	trust.Required = true
	strict := open(t, catalog.Config{Dir: dir, Trust: trust})
	for version, want := range map[string]error{"1.0.0": signature.ErrUnsigned, "2.0.0": nil} {
		e, err := strict.Entry("fake", version)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := strict.Manifest(e); !errors.Is(err, want) {
			t.Errorf("version %s: got %v, want %v", version, err, want)
		}
	}
	if _, err := strict.Manifest(catalog.Entry{Name: "bare", Path: "none/bare", SHA256: hash}); !errors.Is(err, signature.ErrUnsigned) {
		t.Errorf("a declared binary without a manifest: got %v", err)
	}
}

func TestManifestIsReadOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0")
	e, err := c.Entry("fake", "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plugins", filepath.Dir(e.Path), manifest.FileName)
	if _, err := c.Manifest(e); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(path, 0o600)
	write(t, path, strings.Repeat("x", int(st.Size())), 0o400)
	if err := os.Chtimes(path, st.ModTime(), st.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Manifest(e); err != nil {
		t.Errorf("a file that looks untouched is read again: %v", err)
	}
	_ = os.Remove(path)
	write(t, path, "{}", 0o400)
	if _, err := c.Manifest(e); !errors.Is(err, manifest.ErrInvalid) {
		t.Errorf("a replaced manifest: got %v", err)
	}
}

func TestReinstallAddsASignature(t *testing.T) {
	t.Parallel()
	dir, signer := t.TempDir(), archivetest.NewSigner(t, 1)
	c := open(t, catalog.Config{Dir: dir, Trust: signature.Trust{Keys: []signature.Key{signer.Key}}})
	text := described(t, "1.0.0")
	var entries []catalog.Entry
	for _, sig := range [][]byte{nil, signer.Sign(text), nil} {
		s, err := c.Stage(t.Context(), drop(t, packed(t, archivetest.Files("fake", plugin, text, sig)...)), "")
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Commit(catalog.CommitOptions{})
		if err := errors.Join(err, s.Discard()); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	got := []string{entries[0].SignedBy, entries[1].SignedBy, entries[2].SignedBy}
	if want := []string{"", signer.Key.ID(), signer.Key.ID()}; !slices.Equal(got, want) {
		t.Errorf("signed by %q, want %q", got, want)
	}
	if s := selection(t, c); s.Revision != 2 {
		t.Errorf("an unsigned copy of a signed version changed something: revision %d", s.Revision)
	}
	if _, err := os.Stat(filepath.Join(dir, "plugins", filepath.Dir(entries[2].Path), "manifest.sig")); err != nil {
		t.Error(err)
	}
}

func TestActivateAtOnceAndKeepSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0")
	file := filepath.Join(dir, "catalog", "installed-fake.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `"version": "1.0.0",`, `"version": "1.0.0", "args": ["x"], "env": {"MODE": "y"},`, 1)
	write(t, file, text, 0o600)
	s := stage(t, c, "binary 2.0.0")
	m, err := manifest.New(s.SHA256, provider.Description{Name: "fake", Version: "2.0.0"})
	if err == nil {
		err = s.Describe(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Commit(catalog.CommitOptions{Activate: true, Edit: catalog.Edit{Who: "ann", Revision: 1}})
	if err := errors.Join(err, s.Discard()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Args, []string{"x"}) || e.Env["MODE"] != "y" {
		t.Errorf("an operator's settings are lost: %+v", e)
	}
	if got := selection(t, c); got.Active != "2.0.0" || got.Previous != "1.0.0" || got.Changes[1].What != "install 2.0.0, activate 2.0.0" {
		t.Errorf("got %+v", got)
	}
}

func TestUndescribedIsNotCommitted(t *testing.T) {
	t.Parallel()
	c := open(t, catalog.Config{Dir: t.TempDir()})
	s := stage(t, c, "binary")
	if _, err := s.Commit(catalog.CommitOptions{}); !fault.Is(err, fault.ClassInternal) {
		t.Errorf("without a manifest: got %v", err)
	}
	m, err := manifest.New(hash, provider.Description{Name: "fake", Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Describe(m); !fault.Is(err, fault.ClassInvalid) || !errors.Is(err, manifest.ErrInvalid) {
		t.Errorf("with the manifest of another binary: got %v", err)
	}
	if err := s.Discard(); err != nil {
		t.Error(err)
	}
}

// TestOpenLeavesOthersAlone: a catalogue that opens removes what a dead
// installation left, and nothing of one that is at work.
func TestOpenLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	s := stage(t, c, "binary")
	dead := write(t, filepath.Join(dir, "plugins", ".staging-dead", "binary"), "x", 0o500)
	open(t, catalog.Config{Dir: dir})
	if _, err := commit(t, s, "1.0.0"); err != nil {
		t.Errorf("an installation at work was disturbed: %v", err)
	}
	open(t, catalog.Config{Dir: dir})
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dead installation is left: %v", err)
	}
}

// TestInstallStaysInTheFolder: a link that an operator, or an intruder, put in
// the way leads nowhere.
func TestInstallStaysInTheFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	c := open(t, catalog.Config{Dir: dir})
	if err := os.Symlink(outside, filepath.Join(dir, "plugins", "fake")); err != nil {
		t.Fatal(err)
	}
	if _, err := commit(t, stage(t, c, "binary"), "1.0.0"); err == nil {
		t.Error("the version was installed through the link")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 || len(c.Names()) != 0 {
		t.Errorf("outside: %v, entries: %v", left, c.Names())
	}
}

// TestSignatureOfWhatIsDeclared: what lies beside a declared binary is looked at
// when somebody asks.
func TestSignatureOfWhatIsDeclared(t *testing.T) {
	t.Parallel()
	signer, other := archivetest.NewSigner(t, 1), archivetest.NewSigner(t, 2)
	text := described(t, "1.0.0")
	for name, tc := range map[string]struct {
		reason string
		sig    []byte
		keys   []signature.Key
		want   string
	}{
		"Trusted":  {"its key is known", signer.Sign(text), []signature.Key{signer.Key}, signer.Key.ID()},
		"Foreign":  {"nobody knows its key", signer.Sign(text), []signature.Key{other.Key}, ""},
		"Unsigned": {"there is none", nil, []signature.Key{signer.Key}, ""},
		"NoKeys":   {"nobody is trusted", signer.Sign(text), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := t.TempDir()
			e := install(t, from, text)
			folder := filepath.Join(from, "plugins", filepath.Dir(e.Path))
			if tc.sig != nil {
				write(t, filepath.Join(folder, signature.FileName), string(tc.sig), 0o400)
			}
			e.SignedBy = "" // as an entry of the configuration says
			c := open(t, catalog.Config{Dir: from, Trust: signature.Trust{Keys: tc.keys}})
			if got := c.SignedBy(e); got != tc.want {
				t.Errorf("%s: signed by %q, want %q", tc.reason, got, tc.want)
			}
		})
	}
}

// install puts an unsigned version into a folder and leaves it there.
func install(t *testing.T, dir string, text []byte) catalog.Entry {
	t.Helper()
	c, err := catalog.Open(catalog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Stage(t.Context(), drop(t, packed(t, archivetest.Files("fake", plugin, text, nil)...)), "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Commit(catalog.CommitOptions{})
	if err := errors.Join(err, s.Discard(), c.Close()); err != nil {
		t.Fatal(err)
	}
	return e
}
