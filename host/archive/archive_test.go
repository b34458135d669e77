package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/archive"
	"tradewind.example/host/archive/archivetest"
)

type file = archivetest.File

var (
	binary = []byte("\x7fELF binary")
	text   = []byte(`{"format":1}`)
)

func good() []file { return archivetest.Files("fake", binary, text, []byte("a signature\n")) }

func read(raw []byte) (archive.Contents, string, error) {
	var out bytes.Buffer
	c, err := archive.Read(bytes.NewReader(raw), &out)
	return c, out.String(), err
}

func TestRead(t *testing.T) {
	t.Parallel()
	want := archive.Contents{Name: "fake", SHA256: archivetest.Hash(binary), Manifest: text, Signature: []byte("a signature\n")}
	files := good()
	for range files { // in any order
		files = append(files[1:], files[0])
		raw := archivetest.Pack(t, files...)
		got, out, err := read(raw)
		if err != nil || out != string(binary) || !archive.Is(raw) {
			t.Errorf("got %q, %v", out, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	got, _, err := read(archivetest.Pack(t, good()[:3]...))
	if err != nil || got.Signature != nil {
		t.Errorf("without a signature: %+v, %v", got, err)
	}
	if archive.Is(binary) || archive.Is(nil) {
		t.Error("a binary is no archive")
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	with := func(more ...file) []file { return append(good(), more...) }
	change := func(name string, f file) []file {
		files := good()
		files[slices.IndexFunc(files, func(f file) bool { return strings.HasPrefix(f.Name, name) })] = f
		return files
	}
	sums := func(lines string) []file {
		return change(archive.SumsName, file{Name: archive.SumsName, Content: []byte(lines)})
	}
	full := string(archivetest.Sums(good()[:2]...))
	cases := map[string]struct {
		reason string
		files  []file
	}{
		"Absolute":     {"no paths", with(file{Name: "/etc/passwd"})},
		"Parent":       {"no paths", with(file{Name: "../tradewind-provider-other"})},
		"Folder":       {"files stand at the root", with(file{Name: "bin/tradewind-provider-other"})},
		"FolderEntry":  {"no folders", with(file{Name: "bin/", Kind: tar.TypeDir})},
		"Symlink":      {"no links", change("manifest", file{Name: "manifest.json", Kind: tar.TypeSymlink, Link: "/etc/passwd"})},
		"HardLink":     {"no links", change("manifest", file{Name: "manifest.json", Kind: tar.TypeLink, Link: "SHA256SUMS"})},
		"Device":       {"no devices", with(file{Name: "manifest.json", Kind: tar.TypeChar})},
		"Pipe":         {"no pipes", with(file{Name: "tradewind-provider-pipe", Kind: tar.TypeFifo})},
		"Stranger":     {"nothing else belongs into it", with(file{Name: "README.md"})},
		"BadName":      {"the name is one", with(file{Name: "tradewind-provider-Fake"})},
		"NoName":       {"the name is one", with(file{Name: "tradewind-provider-"})},
		"TwoBinaries":  {"one plugin in an archive", with(file{Name: "tradewind-provider-other", Content: binary})},
		"Twice":        {"each file once", with(file{Name: "manifest.json", Content: text})},
		"BinaryTwice":  {"each file once", with(file{Name: "tradewind-provider-fake", Content: binary})},
		"NoBinary":     {"the binary is needed", good()[1:]},
		"NoManifest":   {"the manifest is needed", append(good()[:1:1], good()[2:]...)},
		"NoSums":       {"the sums are needed", append(good()[:2:2], good()[3])},
		"OtherBinary":  {"the sums are of these files", change("tradewind", file{Name: "tradewind-provider-fake", Content: []byte("other")})},
		"OtherText":    {"the sums are of these files", change("manifest", file{Name: "manifest.json", Content: []byte("{}")})},
		"SumsShort":    {"all files are summed", sums(strings.SplitAfter(full, "\n")[0])},
		"SumsStranger": {"the sums name what is there", sums(full + archivetest.Hash(nil) + "  other\n")},
		"SumsTwice":    {"each file is summed once", sums(full + full)},
		"SumsForm":     {"the sums have one form", sums(strings.ReplaceAll(full, "  ", " *"))},
		"SumsOfSig":    {"a summed signature must be that one", sums(full + archivetest.Hash(nil) + "  manifest.sig\n")},
		"LongManifest": {"no file without a limit", change("manifest", file{Name: "manifest.json", Content: make([]byte, 8<<20+1)})},
		"LongSig":      {"no file without a limit", change("manifest.sig", file{Name: "manifest.sig", Content: make([]byte, 4<<10+1)})},
		"Empty":        {"an archive holds something", nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := read(archivetest.Pack(t, tc.files...)); !errors.Is(err, archive.ErrInvalid) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
		})
	}
}

// TestHugeBinaryIsRefusedUnread: the size in the header is enough.
func TestHugeBinaryIsRefusedUnread(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	if err := w.WriteHeader(&tar.Header{Name: "tradewind-provider-fake", Size: archive.MaxBinary + 1, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	_ = packed.Close()
	if _, written, err := read(out.Bytes()); !errors.Is(err, archive.ErrInvalid) || !strings.Contains(err.Error(), "larger") || written != "" {
		t.Errorf("got %v", err)
	}
}

func TestDamagedArchives(t *testing.T) {
	t.Parallel()
	raw := archivetest.Pack(t, good()...)
	for cut := range len(raw) {
		if _, _, err := read(raw[:cut]); !errors.Is(err, archive.ErrInvalid) {
			t.Fatalf("the first %d of %d bytes: got %v", cut, len(raw), err)
		}
	}
	want, _, _ := read(raw)
	for at := range raw {
		damaged := bytes.Clone(raw)
		damaged[at] ^= 0x40
		got, out, err := read(damaged)
		harmless := out == string(binary) && cmp.Equal(want, got) // gzip has bits that mean nothing
		if !errors.Is(err, archive.ErrInvalid) && !harmless {
			t.Fatalf("byte %d changed: got %+v, %v", at, got, err)
		}
	}
	for name, more := range map[string][]byte{
		"text":        []byte("more"),
		"zeros":       archivetest.Pack(t, file{Name: "manifest.json"})[:10],
		"a bomb":      bomb(t),
		"half a twin": raw[:len(raw)-1],
	} {
		if _, _, err := read(append(bytes.Clone(raw), more...)); !errors.Is(err, archive.ErrInvalid) {
			t.Errorf("%s behind it: got %v", name, err)
		}
	}
	failed := errors.New("disk is gone")
	_, err := archive.Read(io.MultiReader(bytes.NewReader(raw[:40]), iotest.ErrReader(failed)), io.Discard)
	if !errors.Is(err, failed) || errors.Is(err, archive.ErrInvalid) {
		t.Errorf("a failed read: got %v", err)
	}
	_, err = archive.Read(bytes.NewReader(raw), brokenWriter{failed})
	if !errors.Is(err, failed) || errors.Is(err, archive.ErrInvalid) {
		t.Errorf("a failed write: got %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// bomb is a small text that unpacks to a large one.
func bomb(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzRead: whatever is read, agrees with its sums and stays within its bounds.
func FuzzRead(f *testing.F) {
	for _, files := range [][]file{good(), good()[:3], good()[1:], nil, {{Name: "../x"}}} {
		f.Add(tarOf(f, files))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var packed, out bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(raw)
		_ = w.Close()
		c, err := archive.Read(&packed, &out)
		if err != nil {
			if !errors.Is(err, archive.ErrInvalid) {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		if c.SHA256 != archivetest.Hash(out.Bytes()) || c.Name == "" || len(c.Signature) > 4<<10 {
			t.Errorf("got %+v", c)
		}
	})
}

// tarOf returns the archive before it is packed, which is what is worth mutating.
func tarOf(tb testing.TB, files []file) []byte {
	tb.Helper()
	r, err := gzip.NewReader(bytes.NewReader(archivetest.Pack(tb, files...)))
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}
