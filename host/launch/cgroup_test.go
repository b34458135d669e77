package launch

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLeafBounds: each bound goes into its file; a missing controller is told.
func TestLeafBounds(t *testing.T) {
	t.Parallel()
	l := &leaf{path: t.TempDir()}
	iso := Isolation{MemoryBytes: 64 << 20, CPUMillis: 250, MaxProcesses: 40}
	for _, file := range []string{"memory.max", "memory.oom.group", "cpu.max"} {
		if err := os.WriteFile(filepath.Join(l.path, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, b := range iso.bounds() {
		if err := l.write(b.file, b.value); err != nil {
			got[b.file] = err.Error()
			continue
		}
		raw, err := os.ReadFile(filepath.Join(l.path, b.file))
		if err != nil {
			t.Fatal(err)
		}
		got[b.file] = string(raw)
	}
	want := map[string]string{
		"memory.max": "67108864", "memory.oom.group": "1", "cpu.max": "25000 100000", "pids.max": errController.Error(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(Isolation{}.bounds()) != 0 {
		t.Error("no isolation sets bounds")
	}
}

func TestEventCount(t *testing.T) {
	t.Parallel()
	const events = "low 0\nhigh 3\nmax 12\noom 2\noom_kill 1\noom_group_kill x\n"
	for name, want := range map[string]int{"oom_kill": 1, "oom": 2, "max": 12, "low": 0, "none": 0, "oom_group_kill": 0} {
		if got := eventCount([]byte(events), name); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}

func TestOutOfMemoryIsSeen(t *testing.T) {
	t.Parallel()
	l := &leaf{path: t.TempDir()}
	if l.outOfMemory() {
		t.Error("a leaf without the controller ran out of memory")
	}
	if err := os.WriteFile(filepath.Join(l.path, "memory.events"), []byte("oom 1\noom_kill 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !l.outOfMemory() {
		t.Error("a kill for lack of memory is not seen")
	}
}
