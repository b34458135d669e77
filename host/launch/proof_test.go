package launch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// written makes a file with a content and a mode, and opens it.
func written(t *testing.T, content string, mode os.FileMode) (path string, f *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path, opened(t, path)
}

func opened(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// remembered tells the hash and whether it is known now without hashing.
func remembered(t *testing.T, p *proofs, f *os.File) (hash string, known bool) {
	t.Helper()
	v, err := p.hash(f)
	if err != nil {
		t.Fatal(err)
	}
	return v.hash, v.proof != nil && !v.refuted()
}

func ours(t *testing.T) *proofs {
	t.Helper()
	p := &proofs{}
	t.Cleanup(p.close)
	_, f := written(t, "probe", 0o500)
	if _, known := remembered(t, p, f); !known {
		t.Skip("the file system of the temporary folder has no leases")
	}
	return p
}

func TestWhatIsRemembered(t *testing.T) {
	t.Parallel()
	p := ours(t)
	path, f := written(t, "one", 0o500)
	first, known := remembered(t, p, f)
	if want, err := Hash(f); err != nil || first != want || !known {
		t.Fatalf("hash %s, known %v, %v; want %s, known", first, known, err, want)
	}
	link := path + "-link"
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	before := len(p.known)
	if again, known := remembered(t, p, opened(t, link)); again != first || !known || len(p.known) != before {
		t.Error("another name of the same file is another file")
	}
	_, open := written(t, "two", 0o700)
	if _, known := remembered(t, p, open); known {
		t.Error("the hash of a file that may be written is remembered")
	}
}

// TestWritersEndAProof: whatever is done to the file, the hash that is told is
// that of what it holds.
func TestWritersEndAProof(t *testing.T) {
	t.Parallel()
	p := ours(t)
	for name, write := range map[string]func(path string) error{
		"Open":     func(path string) error { return os.WriteFile(path, []byte("changed"), 0o600) },
		"Truncate": func(path string) error { return os.Truncate(path, 1) },
		"Map":      scribble,
		"Append": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("more")
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, f := written(t, "first", 0o500)
			told, err := p.hash(f)
			if err != nil || told.refuted() {
				t.Fatal("refuted from the start", err)
			}
			if err := os.Chmod(path, 0o700); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- write(path) }() // waits until the lease is given up
			eventually(t, "the witness sees the writer", func() bool { return told.refuted() })
			told.proof.mu.Lock()
			told.proof.drop() // as the next start does, after which the writer goes on
			told.proof.mu.Unlock()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if now, _ := remembered(t, p, f); now == told.hash || !told.refuted() {
				t.Error("the old hash is told of a changed file")
			}
		})
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	over, tick := time.NewTimer(20*time.Second), time.NewTicker(time.Millisecond)
	defer over.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-over.C:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// scribble changes a file through memory.
func scribble(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	m, err := unix.Mmap(int(f.Fd()), 0, 5, unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	m[0] = 'X'
	return unix.Munmap(m)
}

// TestAWriterBeforeTheHash: while somebody can write, nothing is remembered.
func TestAWriterBeforeTheHash(t *testing.T) {
	t.Parallel()
	p := ours(t)
	path, f := written(t, "first", 0o700)
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := unix.Mmap(int(w.Fd()), 0, 5, unix.PROT_WRITE, unix.MAP_SHARED)
	if err := errors.Join(err, w.Close(), os.Chmod(path, 0o500)); err != nil {
		t.Fatal(err)
	}
	first, known := remembered(t, p, f)
	if known {
		t.Error("the hash of a file that is mapped for writing is remembered")
	}
	m[0] = 'X'
	if now, _ := remembered(t, p, f); now == first {
		t.Error("what was written through memory is not seen")
	}
	if err := unix.Munmap(m); err != nil {
		t.Fatal(err)
	}
	if _, known := remembered(t, p, f); !known {
		t.Error("the hash is not remembered after the writer left")
	}
}

func TestRemovedFilesAreForgotten(t *testing.T) {
	t.Parallel()
	p := ours(t)
	path, f := written(t, "old", 0o500)
	remembered(t, p, f)
	id, _ := lasting(f)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, other := written(t, "new", 0o500)
	remembered(t, p, other)
	if p.known[id] != nil {
		t.Error("a removed file is kept open")
	}
	for range maxProofs + 10 {
		_, f := written(t, "many", 0o500)
		remembered(t, p, f)
		_ = f.Close()
	}
	if len(p.known) > maxProofs {
		t.Errorf("%d files are kept open", len(p.known))
	}
}

func TestStartsAtOnceShareAHash(t *testing.T) {
	t.Parallel()
	p := ours(t)
	path, _ := written(t, string(bytes.Repeat([]byte("x"), 1<<20)), 0o500)
	var group sync.WaitGroup
	for range 16 {
		f := opened(t, path)
		group.Go(func() {
			if _, err := p.hash(f); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(p.known) != 2 {
		t.Errorf("%d files are known, want the probe and one", len(p.known))
	}
}

// TestWrittenBetweenHashAndStart: the bytes that run are those that were hashed,
// whatever is tried with the file between the two.
func TestWrittenBetweenHashAndStart(t *testing.T) {
	t.Parallel()
	ours(t)
	raw, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Skip("there is no /bin/true to start")
	}
	for name, tc := range map[string]struct {
		reason string
		mode   os.FileMode
		meddle bool
		want   error
	}{
		"Untouched": {"nobody wanted to write", 0o500, false, nil},
		"Opened":    {"whoever opens it for writing may have written", 0o500, true, ErrHash},
		"NoWitness": {"a file that may be written is hashed at each start, and no more is promised", 0o700, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := OpenDir(filepath.Join(t.TempDir(), "r"), nil)
			if err != nil {
				t.Skip(err) // the temporary folder's path is too long
			}
			t.Cleanup(func() { _ = dir.Close() })
			path, f := written(t, string(raw), tc.mode)
			p, err := New(Config{Dir: dir, Name: "true", Binary: f})
			if err != nil {
				t.Fatal(err)
			}
			if tc.meddle {
				if fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
					_ = unix.Close(fd)
				}
			}
			if err := p.Start(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, tc.want)
			}
			p.Signal()
			<-p.Done()
		})
	}
}
