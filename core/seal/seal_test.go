package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/seal"
	"tradewind.example/sdk/fault"
)

func newRing(t testing.TB) (*seal.Keyring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "keyset.json")
	k, err := seal.New(seal.Config{Path: path, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func sealed(t testing.TB, k *seal.Keyring, plain string, context []byte) []byte {
	t.Helper()
	out, err := k.Seal([]byte(plain), context)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCreatedFileIsPrivateAndIsKept(t *testing.T) {
	t.Parallel()
	k, path := newRing(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the keyset's mode: %v %v", info.Mode(), err)
	}
	v := sealed(t, k, "secret", seal.Context("credentials", "1"))
	again, err := seal.New(seal.Config{Path: path, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(v, seal.Context("credentials", "1")); err != nil || string(got) != "secret" {
		t.Errorf("Create replaced an existing keyset: %q %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files stay behind: %v %v", left, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	k, _ := newRing(t)
	stranger, _ := newRing(t)
	context := seal.Context("credentials", "1")
	v := sealed(t, k, "secret", context)
	changed := slices.Clone(v)
	changed[len(changed)-1] ^= 1
	cases := map[string]struct {
		reason  string
		value   []byte
		context []byte
	}{
		"OtherID":      {"a value swapped with another owner's", v, seal.Context("credentials", "2")},
		"OtherPurpose": {"a value used for something else", v, seal.Context("storage", "1")},
		"ShiftedParts": {"the border between purpose and id counts", v, seal.Context("credential", "s1")},
		"NoContext":    {"the context is not optional", v, nil},
		"Changed":      {"one bit is different", changed, context},
		"Cut":          {"the end is missing", v[:len(v)-1], context},
		"Empty":        {"nothing was sealed", nil, context},
		"Stranger":     {"another keyset's value", sealed(t, stranger, "secret", context), context},
		"Plain":        {"a value that was never sealed", []byte("secret"), context},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := k.Open(tc.value, tc.context); !fault.Is(err, fault.ClassInternal) || got != nil {
				t.Errorf("%s: got %q, %v", tc.reason, got, err)
			}
		})
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	k, path := newRing(t)
	other, err := seal.New(seal.Config{Path: path}) // a server beside the command
	if err != nil {
		t.Fatal(err)
	}
	context := seal.Context("credentials", "1")
	old := sealed(t, k, "secret", context)
	first := k.Keys()[0]
	fresh, err := k.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	want := []seal.Key{{ID: first.ID}, {ID: fresh.ID, Primary: true}}
	if diff := cmp.Diff(want, k.Keys()); diff != "" {
		t.Errorf("the keys (-want +got):\n%s", diff)
	}
	if got, err := k.Open(old, context); err != nil || string(got) != "secret" {
		t.Errorf("a rotated key opens old values: %q %v", got, err)
	}
	now, did, err := k.Reseal(old, context)
	if err != nil || !did || !k.Stale(old) || k.Stale(now) {
		t.Fatalf("resealing an old value: did %v, %v", did, err)
	}
	if same, did, err := k.Reseal(now, context); err != nil || did || !bytes.Equal(same, now) {
		t.Errorf("resealing a fresh value changes nothing: did %v, %v", did, err)
	}
	if _, _, err := k.Reseal(old, seal.Context("credentials", "2")); err == nil {
		t.Error("resealing under another context would swap values")
	}
	if got, err := other.Open(now, context); err != nil || string(got) != "secret" {
		t.Errorf("another process learns of the new key: %q %v", got, err)
	}
	if err := k.Retire(first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(old, context); err == nil {
		t.Error("a retired key opens nothing")
	}
	if err := k.Retire(fresh.ID); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("the primary key cannot be retired: %v", err)
	}
	if err := k.Retire(first.ID); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a key is retired once: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, path := newRing(t)
	write := func(mode fs.FileMode, body string) func(*testing.T) string {
		return func(t *testing.T) string {
			p := filepath.Join(t.TempDir(), "keyset.json")
			if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(p, mode); err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		path   func(*testing.T) string
		want   fault.Class
	}{
		"GroupReads":  {"the group may read the keys", write(0o640, string(good)), fault.ClassPrecondition},
		"WorldReads":  {"everybody may read the keys", write(0o604, string(good)), fault.ClassPrecondition},
		"GroupWrites": {"the group may replace the keys", write(0o620, string(good)), fault.ClassPrecondition},
		"Broken":      {"not a keyset", write(0o600, `{"primaryKeyId": "marker-of-key-material"`), fault.ClassPrecondition},
		"Empty":       {"nothing in it", write(0o600, ""), fault.ClassPrecondition},
		"Folder":      {"not a file", func(t *testing.T) string { return t.TempDir() }, fault.ClassPrecondition},
		"Good":        {"the control", write(0o600, string(good)), 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := seal.New(seal.Config{Path: tc.path(t)})
			if fault.ClassOf(err) != tc.want {
				t.Errorf("%s: got %v, want %v", tc.reason, err, tc.want)
			}
			if err != nil && bytes.Contains([]byte(err.Error()), []byte("marker-of-key-material")) {
				t.Errorf("%s: the error quotes the file: %v", tc.reason, err)
			}
		})
	}
	if _, err := seal.New(seal.Config{Path: filepath.Join(t.TempDir(), "missing")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing keyset is not made unasked: %v", err)
	}
	if _, err := seal.New(seal.Config{}); err == nil {
		t.Error("a path is required")
	}
}

func TestSealedValuesDiffer(t *testing.T) {
	t.Parallel()
	k, _ := newRing(t)
	a, b := sealed(t, k, "secret", nil), sealed(t, k, "secret", nil)
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("secret")) {
		t.Error("equal secrets must not look equal, nor like themselves")
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	k, _ := newRing(t)
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		purpose, id := rapid.String().Draw(rt, "purpose"), rapid.String().Draw(rt, "id")
		v, err := k.Seal(plain, seal.Context(purpose, id))
		if err != nil {
			rt.Fatal(err)
		}
		got, err := k.Open(v, seal.Context(purpose, id))
		if err != nil || !bytes.Equal(got, plain) {
			rt.Fatalf("got %q, %v", got, err)
		}
	})
}

func TestConcurrentRotation(t *testing.T) {
	t.Parallel()
	k, path := newRing(t)
	context := seal.Context("credentials", "1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			other, err := seal.New(seal.Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if _, err := other.Rotate(); err != nil {
					t.Error(err)
				}
				v, err := other.Seal([]byte("secret"), context)
				if err != nil {
					t.Error(err)
				}
				if _, err := k.Open(v, context); err != nil {
					t.Errorf("a value of a key that another process made: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if err := k.Reload(); err != nil || len(k.Keys()) != 21 {
		t.Errorf("no rotation is lost: %d keys, %v", len(k.Keys()), err)
	}
}
