package host_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/sdk/provider"
)

// hostVariable makes this test binary a host on the folder that it names.
const hostVariable = "TRADEWIND_TEST_HOST"

// isolated is a pin that gives each of n orgs a process of its own.
func isolated(n int) catalog.Pin {
	p := catalog.Pin{Group: "alone", Isolated: true}
	for i := range n {
		p.Orgs = append(p.Orgs, fmt.Sprintf("org%d", i))
	}
	return p
}

func askFor(ctx context.Context, p *host.Plugin, org string, kv ...string) (provider.Region, error) {
	call := settings(kv...)
	call.Org = org
	rs, err := p.Regions(ctx, provider.RegionsRequest{Call: call})
	if err != nil {
		return provider.Region{}, err
	}
	return rs[0], nil
}

// askUntilServed asks until the org is served again: on a busy machine a call may
// meet the process that is just ending.
func askUntilServed(ctx context.Context, p *host.Plugin, org string) error {
	ctx, cancel := context.WithTimeout(ctx, hosttest.Bound)
	defer cancel()
	for {
		_, err := askFor(ctx, p, org)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// TestCrashesLeakNothing: 1,000 crashes, spread over several runs that crash
// side by side, leave no goroutine, descriptor, socket or process.
func TestCrashesLeakNothing(t *testing.T) {
	const runs = 5
	cycles := 1000 / runs
	if testing.Short() {
		cycles = 50 / runs
	}
	cfg := dev()
	cfg.Dir = hosttest.ShortDir(t)
	cfg.Plugins[0].Version = "1.0.0"
	cfg.Selections = []catalog.Selection{{Name: "fake", Active: "1.0.0", Pins: []catalog.Pin{isolated(runs)}}}
	cfg.WaitReady = hosttest.Bound
	cfg.Policy.Budget, cfg.Policy.MaxBackoff, cfg.Policy.Backoff = 10*cycles, time.Millisecond, time.Millisecond
	h, p, _ := started(t, cfg)
	crash := func(times int) {
		var work sync.WaitGroup
		for i := range runs {
			work.Go(func() {
				for range times {
					org := fmt.Sprintf("org%d", i)
					_, _ = askFor(t.Context(), p, org, "do", "exit")
					if err := askUntilServed(t.Context(), p, org); err != nil {
						t.Errorf("after a crash: %v", err)
						return
					}
				}
			})
		}
		work.Wait()
	}
	crash(1)
	before, files := len(goroutines()), hosttest.OpenFiles(t)
	crash(cycles)
	hosttest.Eventually(t, "goroutines and descriptors are as before", func() bool {
		return len(goroutines()) <= before+3 && hosttest.OpenFiles(t) <= files+3
	})
	restarts := 0
	for _, r := range status(h).Runs {
		restarts += r.Restarts
	}
	if restarts < runs*cycles {
		t.Errorf("only %d restarts", restarts)
	}
	hosttest.Eventually(t, "one process and one folder for each run, and the lock", func() bool {
		return len(hosttest.Children(t)) == runs+1 && len(inFolder(t, cfg.Dir)) == runs+2
	})
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := hosttest.Children(t); len(left) != 0 {
		t.Errorf("processes %v are left", left)
	}
	if left := inFolder(t, cfg.Dir); len(left) != 1 {
		t.Errorf("left in the run folder: %v", left)
	}
}

func inFolder(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "run", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestKilledHostLeavesNothing: SIGKILL of a host with an active, a pinned and
// two private runs ends them all, and the next host sweeps the folder.
func TestKilledHostLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := hosttest.ShortDir(t)
	h, _ := twoVersions(t, host.Config{Dir: dir})
	pin(t, h, catalog.Pin{Group: "early", Orgs: []string{"early"}, Version: "2.0.0"})
	pin(t, h, isolated(2))
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env, child.Stderr = append(os.Environ(), hostVariable+"="+dir), os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(line) {
		pid, err := strconv.Atoi(field)
		if err != nil || !hosttest.Alive(pid) {
			t.Fatalf("%q is no living process: %v", field, err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 4 {
		t.Fatalf("the host runs %q, want four processes", line)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	for _, pid := range pids {
		hosttest.Eventually(t, "the plugin is gone", func() bool { return !hosttest.Alive(pid) })
	}
	open(t, host.Config{Dir: dir, Lazy: true})
	if left := inFolder(t, dir); len(left) != 1 {
		t.Errorf("left in the run folder: %v", left)
	}
}

// actAsHost starts a run of each kind, prints their pids and waits to be killed.
func actAsHost(dir string) {
	ctx := context.Background()
	h, err := host.Open(ctx, host.Config{Dir: dir})
	if err == nil {
		err = h.Start(ctx, "fake")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p, _ := h.Plugin("fake")
	var pids []string
	for _, org := range []string{"", "early", "org0", "org1"} {
		r, err := askFor(ctx, p, org)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		pids = append(pids, r.Zones[0].ID)
	}
	fmt.Println(strings.Join(pids, " "))
	<-time.After(time.Hour)
}

// TestCloseIsBounded: several runs that do not end when asked to, one of them
// with a call at work, end together within one bound.
func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	cfg := dev()
	entry := func(version, path string) catalog.Entry {
		return catalog.Entry{Name: "fake", Version: version, Path: path, Args: []string{"ignores-shutdown"}}
	}
	cfg.Plugins = []catalog.Entry{entry("1.0.0", fakeBinary), entry("2.0.0", otherBinary)}
	cfg.Selections = []catalog.Selection{{
		Name: "fake", Active: "1.0.0", Pins: []catalog.Pin{{Group: "early", Orgs: []string{"early"}, Version: "2.0.0"}, isolated(2)},
	}}
	cfg.Policy.StopTimeout, cfg.Policy.DrainTimeout = 500*time.Millisecond, 500*time.Millisecond
	h, p, book := started(t, cfg)
	for _, org := range []string{"early", "org0", "org1"} {
		if _, err := askFor(t.Context(), p, org); err != nil {
			t.Fatal(err)
		}
	}
	failed := make(chan error, 1)
	go func() {
		_, err := askFor(t.Context(), p, "org1", "do", "wait")
		failed <- err
	}()
	hosttest.Eventually(t, "the call is at work", func() bool { return book.Has("waiting") })
	runs := status(h).Runs
	begin := time.Now()
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
	if err := <-failed; err == nil {
		t.Error("a call ended well that was cut off")
	}
	if len(runs) != 4 {
		t.Errorf("%d runs, want 4", len(runs))
	}
	for _, r := range runs {
		if r.PID == 0 || hosttest.Alive(r.PID) {
			t.Errorf("still there: %+v", r)
		}
	}
}
