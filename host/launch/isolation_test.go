package launch_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/sdk/fault"
)

func TestIsolationIsChecked(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		in     launch.Isolation
		want   []string // paths that are wrong
	}{
		"Nothing":   {reason: "no bound is a good isolation"},
		"All":       {reason: "sensible bounds pass", in: launch.Isolation{MemoryBytes: 64 << 20, CPUMillis: 500, MaxProcesses: 64, OpenFiles: 64, UID: 7, GID: 7}},
		"TooLittle": {reason: "no plugin can live with so little", in: launch.Isolation{MemoryBytes: 1, CPUMillis: 1, MaxProcesses: 1, OpenFiles: 1}, want: []string{"memory_bytes", "cpu_millis", "max_processes", "open_files"}},
		"Negative":  {reason: "nothing is less than nothing", in: launch.Isolation{MemoryBytes: -1, UID: -1, GID: -1}, want: []string{"memory_bytes", "uid", "gid"}},
		"HalfUser":  {reason: "a user without a group would keep the host's", in: launch.Isolation{UID: 7}, want: []string{"gid"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			var f *fault.Error
			if errors.As(tc.in.Validate(), &f) {
				for _, field := range f.Fields {
					got = append(got, field.Path)
				}
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestIsolationOver(t *testing.T) {
	t.Parallel()
	all := launch.Isolation{MemoryBytes: 1 << 30, CPUMillis: 2000, MaxProcesses: 99, OpenFiles: 512, UID: 5, GID: 6}
	own := launch.Isolation{MemoryBytes: 1 << 29, UID: 8, GID: 9}
	want := all
	want.MemoryBytes, want.UID, want.GID = own.MemoryBytes, 8, 9
	if diff := cmp.Diff(want, own.Over(all)); diff != "" {
		t.Errorf("what the plugin says wins, the rest is the host's (-want +got):\n%s", diff)
	}
}

// self is what hosttest/process tells of its surroundings.
type self struct {
	Env          []string
	Dir, DirMode string
	Core, Files  uint64
	UID, Procs   int
	Umask        string
	Args         []string
}

func surroundings(t *testing.T, cfg launch.Config) (self, launch.Applied) {
	t.Helper()
	cfg.Args = []string{"self"}
	p, line := start(t, cfg)
	var got self
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	return got, p.Applied()
}

// TestLimitsHoldFromTheFirstInstruction: the program reads its limits at once.
func TestLimitsHoldFromTheFirstInstruction(t *testing.T) {
	t.Parallel()
	for range 20 {
		got, applied := surroundings(t, launch.Config{
			Isolation: launch.Isolation{OpenFiles: 77, MemoryBytes: 100 << 20, CPUMillis: 1500},
			Env:       []string{"A=1"},
		})
		if got.Core != 0 || got.Files != 77 || got.Procs != 2 {
			t.Fatalf("limits are %+v", got)
		}
		if !slices.Contains(got.Env, "GOMEMLIMIT=94371840B") {
			t.Errorf("no soft limit of memory in %q", got.Env)
		}
		if !applied.BeforeExec {
			t.Skip("this system forbids tracing: limits are set after the start")
		}
	}
}

func TestDefaultsOfIsolation(t *testing.T) {
	t.Parallel()
	got, _ := surroundings(t, launch.Config{Env: []string{"GOMAXPROCS=1"}, Isolation: launch.Isolation{CPUMillis: 3000}})
	if got.Core != 0 || got.Files != launch.DefaultOpenFiles {
		t.Errorf("limits are %+v", got)
	}
	if got.Procs != 1 {
		t.Errorf("GOMAXPROCS is %d, but what the entry declares wins", got.Procs)
	}
}

func TestOwnUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	folder := hosttest.ShortDir(t)
	dir, err := launch.OpenDir(filepath.Join(folder, "run"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	binary := filepath.Join(folder, "binary")
	raw, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(binary, raw, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	own := launch.Isolation{UID: 54321, GID: 54321}
	refused := func(want string) {
		t.Helper()
		_, err := launch.New(launch.Config{Dir: dir, Name: "fake", Binary: open(t, binary), Isolation: own})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want an error about %q", err, want)
		}
	}
	refused("may not walk through")
	for _, path := range []string{folder, dir.Path()} {
		if err := os.Chmod(path, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	refused("may not execute the binary")
	if err := os.Chmod(binary, 0o711); err != nil {
		t.Fatal(err)
	}
	got, _ := surroundings(t, launch.Config{Dir: dir, Binary: open(t, binary), Isolation: own})
	if got.UID != 54321 || !strings.HasPrefix(got.DirMode, "drwx------") || got.Umask != "077" {
		t.Errorf("surroundings are %+v", got)
	}
}

// usableCgroup returns a fresh delegated cgroup, or skips.
func usableCgroup(t *testing.T) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		path := filepath.Join(root, "tradewind-test-"+strconv.Itoa(os.Getpid()))
		var fs unix.Statfs_t
		if unix.Statfs(root, &fs) != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC || os.Mkdir(path, 0o700) != nil {
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(path); err != nil {
				t.Errorf("leaves are left in the cgroup: %v", err)
			}
		})
		return path
	}
	t.Skip("no cgroup v2 that this test may use")
	return ""
}

// controlled is a usable cgroup with the controllers for hard bounds, or skips.
func controlled(t *testing.T) string {
	t.Helper()
	path := usableCgroup(t)
	raw, err := os.ReadFile(filepath.Join(path, "cgroup.controllers"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"memory", "pids", "cpu"} {
		if !slices.Contains(strings.Fields(string(raw)), name) {
			t.Skipf("hard bounds are not proved here: cgroup v2 of this machine does not hand the controller %s down to %s (it hands down: %s)",
				name, path, strings.TrimSpace(string(raw)))
		}
	}
	if err := os.WriteFile(filepath.Join(path, "cgroup.subtree_control"), []byte("+memory +pids +cpu"), 0); err != nil {
		t.Skipf("hard bounds are not proved here: the controllers cannot be handed on: %v", err)
	}
	return path
}

// TestHardBounds: in a delegated cgroup the kernel holds a process to its bounds.
func TestHardBounds(t *testing.T) {
	path := controlled(t)
	dir := openDir(t)
	if err := dir.UseCgroup(path); err != nil {
		t.Fatal(err)
	}
	begin := func(t *testing.T, mode string, iso launch.Isolation) (*launch.Process, string) {
		t.Helper()
		p, line := start(t, launch.Config{Dir: dir, Args: []string{mode}, Isolation: iso})
		if got := p.Applied(); len(got.Missing) > 0 {
			t.Fatalf("missing: %v", got.Missing)
		}
		return p, line
	}
	t.Run("Memory", func(t *testing.T) {
		p, _ := begin(t, "hog", launch.Isolation{MemoryBytes: 64 << 20})
		select {
		case <-p.Done():
		case <-time.After(hosttest.Bound):
			t.Fatal("a process that takes ever more memory lives on")
		}
		if end, _ := p.End(); end.Signal != "SIGKILL" || end.Killed || !end.OutOfMemory {
			t.Errorf("it ended with %+v; want an end for lack of memory", end)
		}
	})
	t.Run("Processes", func(t *testing.T) {
		const most = 40
		p, line := begin(t, "breed", launch.Isolation{MaxProcesses: most})
		if n, err := strconv.Atoi(line); err != nil || n == 0 || n >= most {
			t.Errorf("it has %q children, %v; want some, and fewer than %d", line, err, most)
		}
		if err := p.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	})
	t.Run("Processor", func(t *testing.T) {
		p, _ := begin(t, "spin", launch.Isolation{CPUMillis: 100})
		<-time.After(2 * time.Second)
		if err := p.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if end, _ := p.End(); end.CPU > end.Uptime/5 {
			t.Errorf("it took %s of processor time in %s; want about a tenth", end.CPU, end.Uptime)
		}
	})
}

// TestStraysEnd: what leaves the process group ends all the same, with a
// cgroup and without.
func TestStraysEnd(t *testing.T) {
	for name, cgroup := range map[string]bool{"Marked": false, "Cgroup": true} {
		t.Run(name, func(t *testing.T) {
			dir := openDir(t)
			if cgroup {
				if err := dir.UseCgroup(usableCgroup(t)); err != nil {
					t.Fatal(err)
				}
			}
			p, line := start(t, launch.Config{Dir: dir, Args: []string{"stray"}, Isolation: launch.Isolation{MaxProcesses: 64}})
			child, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Applied(); (got.Cgroup != "") != cgroup {
				t.Errorf("isolation is %+v", got)
			}
			if !cgroup && len(p.Applied().Missing) != 1 {
				t.Errorf("the missing limit of processes is not told: %+v", p.Applied())
			}
			if err := p.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-p.Done()
			if hosttest.Alive(child) {
				t.Error("a child in a session of its own is still there")
			}
		})
	}
}

func TestCgroupOfTheWrongKind(t *testing.T) {
	t.Parallel()
	if err := openDir(t).UseCgroup(t.TempDir()); err == nil {
		t.Error("an ordinary folder is taken for a cgroup")
	}
}

// TestLeavesOfADeadHostGo: a host that died left a leaf with a process in it.
func TestLeavesOfADeadHostGo(t *testing.T) {
	cgroup := usableCgroup(t)
	dir := openDir(t)
	if err := dir.UseCgroup(cgroup); err != nil {
		t.Fatal(err)
	}
	p, _ := start(t, launch.Config{Dir: dir, Args: []string{"sleep"}})
	if err := dir.UseCgroup(cgroup); err != nil { // as the next host does
		t.Fatal(err)
	}
	<-p.Done()
	if end, _ := p.End(); end.Signal != "SIGKILL" || end.Killed {
		t.Errorf("it ended with %+v", end)
	}
}

// TestKillDuringStart: whenever the kill comes, nothing is left.
func TestKillDuringStart(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	var all sync.WaitGroup
	for i := range 30 {
		p := newProcess(t, launch.Config{Dir: dir, Args: []string{"sleep"}})
		all.Go(func() { _ = p.Start(t.Context()) })
		all.Go(func() {
			<-time.After(time.Duration(i) * 200 * time.Microsecond)
			if err := p.Kill(t.Context()); err != nil {
				t.Error(err)
			}
			<-p.Done()
			if pid := p.PID(); pid != 0 && hosttest.Alive(pid) {
				t.Error("the process is still there")
			}
		})
	}
	all.Wait()
}

func TestEndIsTold(t *testing.T) {
	t.Parallel()
	p := newProcess(t, launch.Config{Args: []string{"fail"}})
	if _, ended := p.End(); ended {
		t.Error("a process that never ran has ended")
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	end, ended := p.End()
	if !ended || end.Status != 3 || end.Signal != "" || end.Killed || end.Uptime <= 0 || end.At.IsZero() {
		t.Errorf("it ended with %+v", end)
	}
	if at, took := p.Executed(); at.IsZero() || took <= 0 {
		t.Errorf("it was executed at %s in %s", at, took)
	}
	if lines := p.Tail(strings.TrimSpace); len(lines) == 0 || !strings.HasPrefix(lines[len(lines)-1], "complaint 29") {
		t.Errorf("the last lines are %q", lines)
	}
}
