package host_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func pin(t *testing.T, h *host.Host, p catalog.Pin) {
	t.Helper()
	if err := h.Pin(t.Context(), "fake", p, catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
}

func TestPinsRouteCalls(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{})
	pin(t, h, catalog.Pin{Group: "early", Orgs: []string{"root1", "org2"}, Version: "2.0.0"})
	pin(t, h, catalog.Pin{Group: "late", Orgs: []string{"org1b"}, Version: "1.0.0"})
	for name, tc := range map[string]struct{ reason, root, org, want string }{
		"Nobody":   {"a call for no org goes to the active version", "", "", "1.0.0"},
		"Other":    {"an org without a pin, too", "root9", "org9", "1.0.0"},
		"Org":      {"an org that a pin names", "root9", "org2", "2.0.0"},
		"Root":     {"a root that a pin names", "root1", "root1", "2.0.0"},
		"Tree":     {"an org below it", "root1", "org1a", "2.0.0"},
		"OrgFirst": {"the org's own pin comes before its root's", "root1", "org1b", "1.0.0"},
	} {
		if got, _ := serves(t, p, tc.root, tc.org); got != tc.want {
			t.Errorf("%s: %s: version %s serves, want %s", name, tc.reason, got, tc.want)
		}
	}
	st := status(h)
	if len(st.Runs) != 2 || st.Runs[0].Role != host.RoleActive || st.Runs[1].Role != host.RolePinned || st.Runs[1].Version != "2.0.0" {
		t.Errorf("runs are %+v", st.Runs)
	}
	if err := h.Remove(t.Context(), "fake", "2.0.0", catalog.Edit{}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("removing a pinned version: got %v", err)
	}
	if err := h.Unpin(t.Context(), "fake", "early", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if v, _ := serves(t, p, "root1", "org1a"); v != "1.0.0" || len(status(h).Runs) != 1 {
		t.Errorf("after the unpin: version %s, runs %+v", v, status(h).Runs)
	}
	if err := h.Remove(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Error(err)
	}
}

// TestUpgradeMeetsPins: a pinned version serves on through an upgrade in the
// same process, and an upgrade to it starts nothing.
func TestUpgradeMeetsPins(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{})
	pin(t, h, catalog.Pin{Group: "late", Orgs: []string{"late"}, Version: "1.0.0"})
	pin(t, h, catalog.Pin{Group: "early", Orgs: []string{"early"}, Version: "2.0.0"})
	_, one := serves(t, p, "", "")
	_, two := serves(t, p, "", "early")
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if v, pid := serves(t, p, "", ""); v != "2.0.0" || pid != two {
		t.Errorf("active: version %s as pid %s, want 2.0.0 as %s", v, pid, two)
	}
	if v, pid := serves(t, p, "", "late"); v != "1.0.0" || pid != one {
		t.Errorf("pinned: version %s as pid %s, want 1.0.0 as %s", v, pid, one)
	}
}

func TestIsolatedOrgsHaveTheirOwnProcess(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{PrivateIdle: time.Hour})
	_, shared := serves(t, p, "", "")
	pin(t, h, catalog.Pin{Group: "banks", Orgs: []string{"bank1", "bank2"}, Isolated: true})
	if n := len(status(h).Runs); n != 1 {
		t.Errorf("%d runs before the first call, want 1", n)
	}
	pids := map[string]string{}
	var mu sync.Mutex
	var work sync.WaitGroup
	for i := range 20 { // the first calls of an org share one start
		work.Go(func() {
			org := fmt.Sprintf("bank%d", i%2+1)
			v, pid := serves(t, p, "", org)
			mu.Lock()
			defer mu.Unlock()
			if v != "1.0.0" || pid == shared || pids[org] != "" && pids[org] != pid {
				t.Errorf("%s is served by version %s as pid %s", org, v, pid)
			}
			pids[org] = pid
		})
	}
	work.Wait()
	if pids["bank1"] == pids["bank2"] {
		t.Error("two orgs share a process")
	}
	// A crash under one org is not felt by the other.
	call := settings("do", "exit")
	call.Org = "bank1"
	_, _ = p.Regions(t.Context(), provider.RegionsRequest{Call: call})
	if _, pid := serves(t, p, "", "bank2"); pid != pids["bank2"] {
		t.Error("bank2 lost its process, too")
	}
	if _, pid := serves(t, p, "", "bank1"); pid == pids["bank1"] || pid == shared {
		t.Errorf("bank1 is served as pid %s", pid)
	}
	// They follow the active version, each with a new process.
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if v, pid := serves(t, p, "", "bank2"); v != "2.0.0" || pid == pids["bank2"] {
		t.Errorf("after the upgrade bank2 is served by version %s as pid %s", v, pid)
	}
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	call = settings()
	call.Org = "bank1"
	if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a call of an isolated org to a stopped plugin: got %v", err)
	}
	for _, r := range status(h).Runs {
		if r.PID != 0 || r.State.Serving() {
			t.Errorf("after the stop: %+v", r)
		}
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	serves(t, p, "", "bank1")
}

func TestPrivateRunsEndWhenIdle(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{PrivateIdle: 50 * time.Millisecond})
	pin(t, h, catalog.Pin{Group: "banks", Orgs: []string{"bank1"}, Isolated: true})
	_, pid := serves(t, p, "", "bank1")
	hosttest.Eventually(t, "the process ends", func() bool { return len(status(h).Runs) == 1 && !alive(t, pid) })
	serves(t, p, "", "bank1")
}

func TestPrivateRunsAreBounded(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{PrivateRuns: 2, PrivateIdle: time.Hour})
	pin(t, h, catalog.Pin{Group: "banks", Orgs: []string{"bank1", "bank2", "bank3"}, Isolated: true})
	_, first := serves(t, p, "", "bank1")
	_, second := serves(t, p, "", "bank2")
	serves(t, p, "", "bank3") // takes the place of bank1, which was idle longest
	hosttest.Eventually(t, "bank1's process ends", func() bool { return !alive(t, first) })
	if !alive(t, second) {
		t.Error("bank2's process ended")
	}
	var work sync.WaitGroup
	release := make(chan struct{})
	for _, org := range []string{"bank2", "bank3"} {
		work.Go(func() { holdOpen(t, p, org, release) })
	}
	hosttest.Eventually(t, "both are at work", func() bool {
		n := 0
		for _, r := range status(h).Runs {
			n += r.Calls
		}
		return n == 2
	})
	call := settings()
	call.Org = "bank1"
	_, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call})
	if f := fault.As(err); f.Class != fault.ClassThrottled || f.RetryAfter <= 0 || f.Outcome != fault.OutcomeNotDone {
		t.Errorf("at the bound: got %#v", f)
	}
	close(release)
	work.Wait()
	hosttest.Eventually(t, "there is room again", func() bool {
		_, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call})
		return err == nil
	})
}

// holdOpen keeps a stream of an org open until release.
func holdOpen(t *testing.T, p *host.Plugin, org string, release <-chan struct{}) {
	call := settings("rows", "1000000")
	call.Org = org
	enough := fmt.Errorf("enough")
	_ = p.Offerings(t.Context(), provider.OfferingsRequest{Call: call}, func(provider.Offering) error {
		<-release
		return enough
	})
}

func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	return hosttest.Alive(n)
}

func TestDisableAndEnable(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{})
	if err := h.Disable(t.Context(), "fake", "1.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if st := status(h); st.State != supervise.StateDisabled || st.PID != 0 || len(st.Runs) != 1 {
		t.Errorf("disabled: %+v", st)
	}
	if _, err := ask(t.Context(), p); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a call to a disabled version: got %v", err)
	}
	if err := h.Enable(t.Context(), "fake", "1.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	serves(t, p, "", "")
}

func TestRemoveOfTheLastVersion(t *testing.T) {
	t.Parallel()
	h, _ := twoVersions(t, host.Config{})
	steps := []func() error{
		func() error { return h.Remove(t.Context(), "fake", "2.0.0", catalog.Edit{}) },
		func() error { return h.Disable(t.Context(), "fake", "1.0.0", catalog.Edit{}) },
		func() error { return h.Remove(t.Context(), "fake", "1.0.0", catalog.Edit{}) },
	}
	for i, do := range steps {
		if err := do(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	if _, err := h.Plugin("fake"); !fault.Is(err, fault.ClassNotFound) || len(h.Statuses()) != 0 {
		t.Errorf("got %v, statuses %+v", err, h.Statuses())
	}
}
