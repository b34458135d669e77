// Package hosttest builds the misbehaving programs that the host's tests run,
// and looks at processes the way the kernel sees them. It is for tests only.
package hosttest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Bound is how long [Eventually] waits: long enough for a busy machine.
const Bound = 20 * time.Second

// Build compiles the program tradewind.example/host/hosttest/<name> into dir
// and returns its path. Call it once per test binary, from TestMain.
func Build(dir, name string) (string, error) {
	out := filepath.Join(dir, name)
	return out, BuildAs(out, name, "")
}

// BuildAs compiles such a program to path with further flags for the linker. It
// is as an installed plugin is: without debug information, and nobody may write
// it, so that a host need not hash it at every start.
func BuildAs(path, name, link string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "-ldflags", "-s -w "+link, "tradewind.example/host/hosttest/"+name)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, msg)
	}
	return os.Chmod(path, 0o555)
}

// ShortDir returns a fresh folder with a path short enough for sockets in it;
// it is removed when the test ends.
func ShortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "tw") //nolint:usetesting // TempDir's paths are too long for sockets
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Alive reports whether pid is a process that has not ended. A zombie has
// ended, also where nobody reaps it.
func Alive(pid int) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	rest := string(raw[strings.LastIndexByte(string(raw), ')')+1:])
	fields := strings.Fields(rest)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// Stopped reports whether pid is stopped by a signal.
func Stopped(pid int) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	return len(fields) > 0 && fields[0] == "T"
}

// Eventually waits until cond holds and fails the test when it does not within
// [Bound].
func Eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.NewTimer(Bound)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			tb.Fatalf("did not happen within %s: %s", Bound, what)
		case <-tick.C:
		}
	}
}

// Children returns the processes that this one started and has not reaped,
// zombies among them.
func Children(tb testing.TB) []int {
	tb.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	var out []int
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			out = append(out, pid)
		}
	}
	return out
}

// OpenFiles counts this process's open descriptors.
func OpenFiles(tb testing.TB) int {
	tb.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(entries)
}

// Marked returns the living processes whose environment names dir: plugins that
// were launched from a run folder below it, and what they started, wherever that
// is now.
func Marked(tb testing.TB, dir string) []int {
	tb.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		tb.Fatal(err)
	}
	var out []int
	for _, path := range environs {
		raw, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(raw), "TRADEWIND_LAUNCH="+dir+"/") {
			continue // it has ended meanwhile, or is somebody else's
		}
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))); Alive(pid) {
			out = append(out, pid)
		}
	}
	return out
}
