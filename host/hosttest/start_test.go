package hosttest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/crash"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/manifest"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
)

// failedStart starts a plugin that cannot start, verifies what every failed
// start has in common, and returns the host for what is special.
func failedStart(t *testing.T, cfg host.Config, program, mode string, parts ...string) *trap {
	t.Helper()
	cfg.Policy.Backoff, cfg.Policy.MaxBackoff = time.Hour, time.Hour
	tr := set(t, cfg, program, strings.Fields(mode)...)
	err := tr.Start(t.Context(), "fake")
	expect(t, "the start", err, fault.ClassUnavailable, fault.OutcomeNotDone, fault.SourceHost)
	if err != nil {
		says(t, "the error", err.Error(), append(parts, "backing_off")...)
	}
	st := tr.status()
	says(t, "the last error", st.LastError, parts...)
	says(t, "the reason", st.Reason, parts...)
	if st.State != supervise.StateBackingOff || st.PID != 0 || st.Restarts != 0 || st.NextTry.Before(time.Now().Add(20*time.Minute)) {
		t.Errorf("state %s, pid %d, %d restarts, next try %s", st.State, st.PID, st.Restarts, st.NextTry)
	}
	if st.Health.Process != supervise.LevelFailed || st.Health.Connection != supervise.LevelUnknown {
		t.Errorf("health is %+v", st.Health)
	}
	sameEvents(t, tr.events(), supervise.EventStart, supervise.EventStartFailed)
	if left := hosttest.Marked(t, tr.dir); len(left) != 0 {
		t.Errorf("processes %v are left of the failed start", left)
	}
	if left, _ := filepath.Glob(filepath.Join(tr.dir, "run", "*")); len(left) != 1 {
		t.Errorf("left of the failed start: %v", left)
	}
	return tr
}

// TestPrintsBeforeServe: what a plugin prints is the log's, and no handshake.
func TestPrintsBeforeServe(t *testing.T) {
	tr := spring(t, host.Config{Policy: prompt()}, withSDK, "prints-before-serve")
	tr.check(t)
	for _, line := range []string{"hello from an author who prints", "hello from a library that prints"} {
		hosttest.Eventually(t, "it is in the log", func() bool { return tr.book.Has(line) })
		says(t, "the record", tr.book.Lines(line)[0], "level=INFO", "plugin=fake", "pid=")
	}
	if st := tr.status(); st.State != supervise.StateReady || st.LastError != "" {
		t.Errorf("status is %+v", st)
	}
	tr.report(t, 0)
}

// TestPrintsBeforeServeWithoutTheSDK: what stands where the handshake belongs
// is told, without its secrets.
func TestPrintsBeforeServeWithoutTheSDK(t *testing.T) {
	failedStart(t, host.Config{Policy: prompt()}, raw, "prints-before-serve",
		"in phase handshake", "nrecognized remote plugin message", "loading profile, password=******")
}

// TestNeverHandshakes: the start has a bound, and the process goes with it.
func TestNeverHandshakes(t *testing.T) {
	cfg := host.Config{Policy: prompt()}
	cfg.Policy.StartTimeout = 500 * time.Millisecond
	begin := time.Now()
	tr := failedStart(t, cfg, raw, "never-handshakes", "in phase handshake", "context deadline exceeded", "SIGKILL", "warming up")
	if took := time.Since(begin); took < cfg.Policy.StartTimeout || took > cfg.Policy.StartTimeout+5*time.Second {
		t.Errorf("the start took %s", took)
	}
	tr.report(t, 0) // the host ended it: that is no crash
}

// TestHandshakesThenExits: its own exit status is told, not only the lost connection.
func TestHandshakesThenExits(t *testing.T) {
	tr := failedStart(t, host.Config{Policy: prompt()}, raw, "handshakes-then-exits", "in phase dial", "status 4")
	if r := tr.report(t, 1); r.Kind != crash.KindStart || r.Status != 4 || r.Message != "ended with status 4" {
		t.Errorf("report is %+v", r)
	}
}

// TestWrongVersion: another version of the handshake itself is refused.
func TestWrongVersion(t *testing.T) {
	failedStart(t, host.Config{Policy: prompt()}, raw, "wrong-version",
		"in phase handshake", "ncompatible core API version", "Plugin version: 2")
}

// TestNewerVersion: a major version that the host does not speak is refused
// with both sides' versions.
func TestNewerVersion(t *testing.T) {
	failedStart(t, host.Config{Policy: prompt()}, raw, "newer-version",
		"in phase handshake", "ncompatible API version", "Plugin version: 99", "Client versions: [1]")
}

// TestUnhealthyFromTheStart: a plugin that is not well when it starts does not
// serve, and its own words are told without secrets.
func TestUnhealthyFromTheStart(t *testing.T) {
	failedStart(t, host.Config{Policy: prompt()}, raw, "reports-unhealthy always",
		"in phase dial", "the cloud's gate is shut, token=******")
}

// TestDifferentManifest: what runs must be what its manifest says, whoever made it.
func TestDifferentManifest(t *testing.T) {
	for name, tc := range map[string]struct{ reason, program, part string }{
		"Settings": {"a currency that accounts do not know", withSDK, "EUR"},
		"Version":  {"a version that nobody installed", raw, "6.6.6"},
	} {
		t.Run(name, func(t *testing.T) {
			program := described(t, tc.program)
			tr := failedStart(t, host.Config{Policy: prompt()}, program, "different-manifest",
				"in phase describe", manifest.ErrDifferent.Error(), tc.part, "install it again")
			if st := tr.status(); len(st.Capabilities) == 0 || st.Version != "1.0.0" {
				t.Errorf("%s: what the manifest says is forgotten: %+v", tc.reason, st)
			}
		})
	}
}

// described copies a program and puts the manifest of its well-behaved self
// beside it.
func described(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, filepath.Base(program))
	if err := os.Link(program, binary); err != nil {
		t.Fatal(err)
	}
	tr := spring(t, host.Config{Policy: prompt()}, program, "well")
	d, err := tr.plugin.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.New(tr.status().SHA256, d)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, manifest.FileName), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tr.close(t)
	tr.Host = nil
	return binary
}
