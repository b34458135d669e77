package statefile_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tradewind.example/simkit/statefile"
)

var errBad = errors.New("bad change")

// numbers is a state: a set of numbers; a change adds one, or takes it out when negative.
type numbers []int

func (n *numbers) apply(line []byte) error {
	var change int
	if err := json.Unmarshal(line, &change); err != nil {
		return err
	}
	switch {
	case change == 13:
		return errBad
	case change < 0:
		*n = slices.DeleteFunc(*n, func(x int) bool { return x == -change })
	default:
		*n = append(*n, change)
	}
	return nil
}

func (n *numbers) dump(emit func(any) error) error {
	for _, x := range *n {
		if err := emit(x); err != nil {
			return err
		}
	}
	return nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func add(t *testing.T, f *statefile.File, n *numbers, changes ...int) {
	t.Helper()
	for _, c := range changes {
		b, _ := json.Marshal(c)
		if err := errors.Join(n.apply(b), f.Append(c)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenReplaysAndCompacts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	var n numbers
	f, err := statefile.Open(path, n.apply, n.dump)
	if err != nil {
		t.Fatal(err)
	}
	add(t, f, &n, 1, 2, -1, 3)
	if got := read(t, path); got != "1\n2\n-1\n3\n" {
		t.Errorf("each change is there when Append returns: %q", got)
	}
	torn, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = torn.WriteString("4")
	if err := errors.Join(err, torn.Close()); err != nil {
		t.Fatal(err)
	}
	var again numbers
	f2, err := statefile.Open(path, again.apply, again.dump)
	if err != nil || !slices.Equal(again, numbers{2, 3}) {
		t.Fatalf("the torn line was never answered, the others were: %v, %v", again, err)
	}
	if got := read(t, path); got != "2\n3\n" {
		t.Errorf("the file is short again: %q", got)
	}
	add(t, f2, &again, 5)
	if err := f2.Close(); err != nil || read(t, path) != "2\n3\n5\n" {
		t.Errorf("the end leaves the state: %q, %v", read(t, path), err)
	}
	if err := f.Append(6); err != nil {
		t.Errorf("the first writer has its own file: %v", err)
	}
	if err := f2.Append(6); err == nil || !strings.Contains(err.Error(), "writing the state file") {
		t.Errorf("a closed file takes nothing: %v", err)
	}
}

func TestGrowthIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	n := numbers{}
	f, err := statefile.Open(path, n.apply, n.dump)
	if err != nil {
		t.Fatal(err)
	}
	for range 200001 {
		if err := f.Append(1); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); got != "" {
		t.Errorf("the state is empty and so is the compacted file: %d bytes", len(got))
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestResumeAppends(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte("1\n2\n-1\n33"), 0o600); err != nil {
		t.Fatal(err)
	}
	var n numbers
	f, err := statefile.Resume(path, n.apply)
	if err != nil || !slices.Equal(n, numbers{2}) {
		t.Fatalf("whole lines count: %v, %v", n, err)
	}
	add(t, f, &n, 4)
	if err := f.Close(); err != nil || read(t, path) != "1\n2\n-1\n4\n" {
		t.Errorf("the torn line is gone, the history stays: %q, %v", read(t, path), err)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd, malformed := filepath.Join(dir, "odd"), filepath.Join(dir, "malformed")
	for path, text := range map[string]string{odd: "1\n13\n", malformed: "1\nx\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none := func(func(any) error) error { return nil }
	for path, want := range map[string]string{odd: "line 2: bad change", malformed: "line 2: invalid", dir: "state file", filepath.Join(dir, "no", "file"): "state file"} {
		var n numbers
		_, opened := statefile.Open(path, n.apply, none)
		_, resumed := statefile.Resume(path, n.apply)
		for _, err := range []error{opened, resumed} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", path, err, want)
			}
		}
	}
	if b := read(t, odd); b != "1\n13\n" {
		t.Errorf("a file that cannot be read is left as it is: %q", b)
	}
	var n numbers
	if _, err := statefile.Open(filepath.Join(dir, "new"), n.apply, func(func(any) error) error { return errBad }); !errors.Is(err, errBad) {
		t.Errorf("a state that cannot be written is told: %v", err)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "whole")
	for _, text := range []string{"one", "two"} {
		if err := statefile.Replace(path, []byte(text)); err != nil || read(t, path) != text {
			t.Errorf("the file is replaced: %q, %v", read(t, path), err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("nothing else is left: %v, %v", left, err)
	}
	if err := statefile.Replace(filepath.Join(path, "under"), nil); err == nil {
		t.Error("a file is no folder")
	}
}
