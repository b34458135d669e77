package host_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/rollout"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// twoVersions opens a host with 1.0.0 of the fake plugin serving and 2.0.0
// standing by.
func twoVersions(t *testing.T, cfg host.Config) (*host.Host, *host.Plugin) {
	t.Helper()
	cfg.Policy.Backoff = 20 * time.Millisecond
	h, _ := open(t, cfg)
	for _, binary := range []string{fakeBinary, otherBinary} {
		if _, err := h.Install(t.Context(), binary, host.InstallOptions{AcceptComputed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

// serves returns the version and the process id that serve an org.
func serves(t *testing.T, p *host.Plugin, root, org string) (version, pid string) {
	t.Helper()
	call := settings("do", "version")
	call.RootOrg, call.Org = root, org
	rs, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call})
	if err != nil {
		t.Fatal(err)
	}
	return rs[0].ID, rs[0].Zones[0].ID
}

func active(h *host.Host) string { return status(h).Version }

func last(h *host.Host) rollout.Progress {
	all := status(h).Changes
	return all[len(all)-1]
}

// TestUpgradesFailNoCall: 20 upgrades under 200 callers, unary and streaming.
func TestUpgradesFailNoCall(t *testing.T) {
	t.Parallel()
	upgrades, callers := 20, 200
	if testing.Short() {
		upgrades = 4
	}
	cfg := host.Config{Upgrades: host.Upgrades{Watch: rollout.Policy{Window: time.Millisecond}}}
	cfg.Limits.Concurrent = callers
	h, p := twoVersions(t, cfg)
	var calls, streams atomic.Int64
	stop := make(chan struct{})
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := oneCall(t.Context(), p, i); err != nil {
					t.Errorf("caller %d: %v", i, err)
					return
				}
				calls.Add(1)
				if i%10 == 0 {
					streams.Add(1)
				}
			}
		})
	}
	for i := range upgrades {
		version := []string{"2.0.0", "1.0.0"}[i%2]
		if err := h.Upgrade(t.Context(), "fake", version, catalog.Edit{}); err != nil {
			t.Fatal(err)
		}
		if v, _ := serves(t, p, "", ""); v != version {
			t.Errorf("upgrade %d: version %s serves, want %s", i, v, version)
		}
	}
	close(stop)
	work.Wait()
	st := status(h)
	if len(st.Runs) != 1 || st.Restarts != 0 || calls.Load() < int64(callers) || streams.Load() == 0 {
		t.Errorf("after %d calls and %d streams: %+v", calls.Load(), streams.Load(), st.Runs)
	}
	for _, c := range st.Changes {
		for _, ph := range c.Phases {
			if ph.Outcome == rollout.OutcomeFailed {
				t.Errorf("phase %s: %s", ph.Phase, ph.Note)
			}
		}
	}
}

func oneCall(ctx context.Context, p *host.Plugin, i int) error {
	if i%10 > 0 {
		_, err := ask(ctx, p, "ms", "10")
		return err
	}
	n := 0
	err := p.Offerings(ctx, provider.OfferingsRequest{Call: settings("rows", "20", "ms", "2")}, func(provider.Offering) error { n++; return nil })
	if err == nil && n != 20 {
		err = fmt.Errorf("stream of %d rows", n)
	}
	return err
}

func TestUpgradeTellsItsPhases(t *testing.T) {
	t.Parallel()
	var validated, shadowed string
	h, p := twoVersions(t, host.Config{Upgrades: host.Upgrades{
		Validate: func(_ context.Context, name string, d provider.Description) (string, error) {
			validated = name + " " + d.Version
			return "3 accounts", nil
		},
		Shadow: func(ctx context.Context, _ string, cloud host.Reads) (string, error) {
			rs, err := cloud.Regions(ctx, provider.RegionsRequest{Call: settings("do", "version")})
			if err == nil {
				shadowed = rs[0].ID
			}
			return "regions", err
		},
	}})
	before := status(h)
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{Reason: "because"}); err != nil {
		t.Fatal(err)
	}
	if validated != "fake 2.0.0" || shadowed != "2.0.0" {
		t.Errorf("validated %q, shadow read from %q", validated, shadowed)
	}
	got := last(h)
	var phases []rollout.Phase
	for _, ph := range got.Phases {
		phases = append(phases, ph.Phase)
		if ph.Phase != rollout.PhaseWatch && (ph.Outcome != rollout.OutcomeDone || ph.Begin.IsZero() || ph.End.Before(ph.Begin)) {
			t.Errorf("phase is %+v", ph)
		}
	}
	if diff := cmp.Diff(rollout.Phases(), phases); diff != "" && len(phases) != len(rollout.Phases())-1 {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	want := rollout.Change{Plugin: "fake", Kind: rollout.KindUpgrade, From: "1.0.0", To: "2.0.0", Reason: "because"}
	if got.Change != want || got.Phases[2].Note != "3 accounts" || got.Phases[4].Note != "regions" {
		t.Errorf("progress is %+v", got)
	}
	after := status(h)
	if after.Version != "2.0.0" || after.Previous != "1.0.0" || after.PID == before.PID || hosttest.Alive(before.PID) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil || len(status(h).Changes) != 1 {
		t.Errorf("an upgrade to the active version: %v", err)
	}
	if err := h.Rollback(t.Context(), "fake", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if v, _ := serves(t, p, "", ""); v != "1.0.0" || last(h).Kind != rollout.KindRollback || status(h).Previous != "2.0.0" {
		t.Errorf("after the rollback: %+v", status(h))
	}
}

// TestFailedUpgradeKeepsTheOldVersion: whatever fails, the old version serves on
// in the same process, stays the choice, and nothing is left of the new one.
func TestFailedUpgradeKeepsTheOldVersion(t *testing.T) {
	t.Parallel()
	wrong := fault.Invalid("settings.zone", "is needed by this version")
	for name, tc := range map[string]struct {
		reason  string
		cfg     host.Upgrades
		prepare func(t *testing.T, h *host.Host, dir string)
		version string
		phase   rollout.Phase
		class   fault.Class
	}{
		"NotInstalled": {reason: "a version must be there", version: "9.9.9", phase: rollout.PhaseStart, class: fault.ClassNotFound},
		"Tampered": {reason: "a binary must be what was installed", phase: rollout.PhaseStart, class: fault.ClassUnavailable,
			prepare: func(t *testing.T, h *host.Host, dir string) {
				for _, e := range h.Entries() {
					if e.Version == "2.0.0" {
						tamper(t, filepath.Join(dir, "plugins", e.Path))
					}
				}
			}},
		"Disabled": {reason: "a disabled version must not run", phase: rollout.PhaseStart, class: fault.ClassPrecondition,
			prepare: func(t *testing.T, h *host.Host, _ string) {
				if err := h.Disable(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
					t.Fatal(err)
				}
			}},
		"Settings": {reason: "the accounts must fit the new schema", phase: rollout.PhaseValidate, class: fault.ClassInvalid,
			cfg: host.Upgrades{Validate: func(context.Context, string, provider.Description) (string, error) { return "", wrong }}},
		"Shadow": {reason: "a read that worked must work still", phase: rollout.PhaseShadow, class: fault.ClassUnavailable,
			cfg: host.Upgrades{Shadow: func(ctx context.Context, _ string, cloud host.Reads) (string, error) {
				_, err := cloud.Regions(ctx, provider.RegionsRequest{Call: settings("fails_in", "2.0.0")})
				return "", err
			}}},
		"Hanging": {reason: "a phase is bounded", phase: rollout.PhaseShadow, class: fault.ClassUnavailable,
			cfg: host.Upgrades{Phase: 100 * time.Millisecond, Shadow: func(ctx context.Context, _ string, cloud host.Reads) (string, error) {
				_, err := cloud.Regions(ctx, provider.RegionsRequest{Call: settings("do", "deadlock")})
				return "", err
			}}},
		"Dies": {reason: "it must live until the swap", phase: rollout.PhaseShadow, class: fault.ClassUnavailable,
			cfg: host.Upgrades{Shadow: func(ctx context.Context, _ string, cloud host.Reads) (string, error) {
				_, err := cloud.Regions(ctx, provider.RegionsRequest{Call: settings("do", "exit")})
				return "", err
			}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hosttest.ShortDir(t)
			h, p := twoVersions(t, host.Config{Dir: dir, Upgrades: tc.cfg})
			if tc.prepare != nil {
				tc.prepare(t, h, dir)
			}
			if tc.version == "" {
				tc.version = "2.0.0"
			}
			_, pid := serves(t, p, "", "")
			err := h.Upgrade(t.Context(), "fake", tc.version, catalog.Edit{})
			var failed *rollout.Error
			if !errors.As(err, &failed) || failed.Phase != tc.phase || !fault.Is(err, tc.class) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
			if v, after := serves(t, p, "", ""); v != "1.0.0" || after != pid {
				t.Errorf("%s: version %s serves as pid %s, before as %s", tc.reason, v, after, pid)
			}
			if st := status(h); len(st.Runs) != 1 || st.Previous != "" || last(h).State != rollout.StateFailed {
				t.Errorf("%s: status is %+v", tc.reason, st)
			}
		})
	}
}

func TestWorseVersionIsRolledBack(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{Upgrades: host.Upgrades{Watch: rollout.Policy{Window: time.Minute, Every: 10 * time.Millisecond, MinCalls: 10}}})
	for range 20 {
		if _, err := ask(t.Context(), p, "fails_in", "2.0.0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if got := last(h).State; got != rollout.StateWatching {
		t.Errorf("after the upgrade: %s", got)
	}
	for range 9 {
		_, _ = ask(t.Context(), p, "fails_in", "2.0.0")
	}
	if active(h) != "2.0.0" {
		t.Error("rolled back after too few calls")
	}
	for range 5 {
		_, _ = ask(t.Context(), p, "fails_in", "2.0.0")
	}
	hosttest.Eventually(t, "the old version is back", func() bool { return active(h) == "1.0.0" && status(h).Changes[0].State == rollout.StateRolledBack })
	st := status(h)
	if len(st.Changes) != 2 || st.Changes[1].Kind != rollout.KindAutomatic || !strings.Contains(st.Changes[1].Reason, "calls failed") {
		t.Errorf("changes are %+v", st.Changes)
	}
	if s, err := h.Selection("fake"); err != nil || s.Active != "1.0.0" || s.Changes[len(s.Changes)-1].Who != "tradewind" {
		t.Errorf("selection is %+v, %v", s, err)
	}
}

func TestCrashingVersionIsRolledBack(t *testing.T) {
	t.Parallel()
	cfg := host.Config{Upgrades: host.Upgrades{Watch: rollout.Policy{Window: time.Minute, Every: 10 * time.Millisecond}}}
	cfg.Policy.Budget = 1
	h, p := twoVersions(t, cfg)
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = ask(t.Context(), p, "do", "exit")
	}
	hosttest.Eventually(t, "the old version is back", func() bool { return active(h) == "1.0.0" && status(h).State == supervise.StateReady })
}

func TestConcurrentUpgrades(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	h, _ := twoVersions(t, host.Config{Upgrades: host.Upgrades{
		Validate: func(context.Context, string, provider.Description) (string, error) {
			close(entered)
			<-leave
			return "", nil
		},
	}})
	results := make(chan error, 2)
	upgrade := func() { results <- h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}) }
	go upgrade()
	<-entered
	go upgrade()
	if err := h.Upgrade(t.Context(), "fake", "3.0.0", catalog.Edit{}); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("another upgrade meanwhile: got %v", err)
	}
	if st := status(h); len(st.Runs) != 2 || st.Runs[1].Role != host.RoleCandidate || last(h).State != rollout.StateRunning {
		t.Errorf("meanwhile: %+v", st)
	}
	close(leave)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := len(status(h).Changes); n != 1 {
		t.Errorf("%d changes, want one for both", n)
	}
}

// TestCloseEndsAnUpgrade: closing does not wait for a hook that does not end by
// itself, and leaves nothing of either version.
func TestCloseEndsAnUpgrade(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	h, _ := twoVersions(t, host.Config{Upgrades: host.Upgrades{
		Phase: time.Hour,
		Validate: func(ctx context.Context, _ string, _ provider.Description) (string, error) {
			close(entered)
			<-ctx.Done()
			return "", ctx.Err()
		},
	}})
	result := make(chan error, 1)
	go func() { result <- h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}) }()
	<-entered
	runs := status(h).Runs
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-result; err == nil {
		t.Error("the upgrade went well")
	}
	for _, r := range runs {
		if r.PID == 0 || hosttest.Alive(r.PID) {
			t.Errorf("run %+v is still there", r)
		}
	}
}

func TestReloadFailsNoCall(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{})
	before := status(h).PID
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for range 10 {
		work.Go(func() {
			for ctx.Err() == nil {
				if _, err := ask(t.Context(), p, "ms", "5"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := h.Reload(t.Context(), "fake"); err != nil {
		t.Error(err)
	}
	stop()
	work.Wait()
	if st := status(h); st.PID == before || st.Version != "1.0.0" || hosttest.Alive(before) || len(st.Runs) != 1 {
		t.Errorf("before as pid %d, after %+v", before, st)
	}
}

func TestUpgradeOfAStoppedPlugin(t *testing.T) {
	t.Parallel()
	h, p := twoVersions(t, host.Config{})
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if st := status(h); st.State != supervise.StateStopped || st.PID != 0 {
		t.Errorf("status is %+v", st)
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if v, _ := serves(t, p, "", ""); v != "2.0.0" {
		t.Errorf("version %s serves", v)
	}
}

// TestDrainIsBounded: calls and streams at work hold the old version back, but
// not for ever; those that were cut are told.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		hold   func(ctx context.Context, p *host.Plugin) error
	}{
		"Call": {"a call that does not end is cut", func(ctx context.Context, p *host.Plugin) error {
			_, err := ask(ctx, p, "do", "deadlock")
			return err
		}},
		"Stream": {"a stream counts as well", func(ctx context.Context, p *host.Plugin) error {
			return p.Offerings(ctx, provider.OfferingsRequest{Call: settings("rows", "1000", "ms", "1000")}, func(provider.Offering) error { return nil })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := host.Config{}
			cfg.Policy.DrainTimeout, cfg.Policy.StopTimeout = 300*time.Millisecond, 300*time.Millisecond
			h, p := twoVersions(t, cfg)
			held := make(chan error, 1)
			go func() { held <- tc.hold(t.Context(), p) }()
			hosttest.Eventually(t, "the call is at work", func() bool { return status(h).Runs[0].Calls == 1 })
			begin := time.Now()
			if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took < 300*time.Millisecond || took > 10*time.Second {
				t.Errorf("%s: the upgrade took %s", tc.reason, took)
			}
			if err := <-held; !fault.Is(err, fault.ClassUnavailable) {
				t.Errorf("%s: it ended with %v", tc.reason, err)
			}
			i := slices.IndexFunc(last(h).Phases, func(r rollout.Record) bool { return r.Phase == rollout.PhaseDrain })
			if drain := last(h).Phases[i]; drain.Outcome != rollout.OutcomeFailed || drain.Note != "1 calls were still at work when their time was over" {
				t.Errorf("%s: drain is %+v", tc.reason, drain)
			}
		})
	}
}

// TestWaitingCallsFollowAnUpgrade: a call that waits for a crashed version to
// come back goes to the new version as soon as that serves.
func TestWaitingCallsFollowAnUpgrade(t *testing.T) {
	t.Parallel()
	h, _ := open(t, host.Config{WaitReady: hosttest.Bound, Policy: supervise.Policy{Backoff: 10 * time.Second}})
	for _, binary := range []string{fakeBinary, otherBinary} {
		if _, err := h.Install(t.Context(), binary, host.InstallOptions{AcceptComputed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = ask(t.Context(), p, "do", "exit")
	hosttest.Eventually(t, "it backs off", func() bool { return status(h).State == supervise.StateBackingOff })
	answered := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), p)
		answered <- err
	}()
	hosttest.Eventually(t, "the call waits", func() bool { return status(h).Runs[0].Calls == 1 })
	if err := h.Upgrade(t.Context(), "fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("the waiting call: %v", err)
		}
	case <-time.After(hosttest.Bound / 2):
		t.Error("the call waits still")
	}
}
