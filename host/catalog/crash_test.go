package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tradewind.example/host/archive/archivetest"
	"tradewind.example/host/catalog"
	"tradewind.example/host/launch"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The variables that make this test program the process that is killed.
const (
	crashDir  = "CATALOG_TEST_DIR"
	crashDrop = "CATALOG_TEST_DROP"
	crashStep = "CATALOG_TEST_STEP" // how many steps it may come; 0: for ever round and round
)

func TestMain(m *testing.M) {
	if os.Getenv(crashDir) == "" {
		os.Exit(m.Run())
	}
	if err := crash(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// crash works on a catalogue until it kills itself, or is killed.
func crash() error {
	most, err := strconv.Atoi(os.Getenv(crashStep))
	if err != nil {
		return err
	}
	steps := 0
	c, err := catalog.Open(catalog.Config{
		Dir: os.Getenv(crashDir), Clock: clock.NewFake(noon),
		Failpoint: func(string) {
			if steps++; steps == most {
				_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
				select {}
			}
		},
	})
	if err != nil {
		return err
	}
	for {
		if err := script(c, os.Getenv(crashDrop), func() {}); err != nil || most != 0 {
			return errors.Join(err, c.Close())
		}
	}
}

// script does some of everything; done follows each change. It can be done again.
func script(c *catalog.Catalog, drop string, done func()) error {
	install := func(version string, activate bool) func() error {
		return func() error {
			s, err := c.Stage(context.Background(), filepath.Join(drop, version+".tar.gz"), "")
			if err != nil {
				return err
			}
			_, err = s.Commit(catalog.CommitOptions{Activate: activate})
			return errors.Join(err, s.Discard())
		}
	}
	apply := func(op catalog.Operation) func() error {
		return func() error {
			_, err := c.Apply("fake", catalog.Edit{Who: "ann"}, op)
			earlier := op.Action == catalog.ActionRemove || op.Action == catalog.ActionEnable
			if fault.Is(err, fault.ClassNotFound) && earlier {
				return nil // removed in an earlier round
			}
			return err
		}
	}
	for _, change := range []func() error{
		apply(catalog.Operation{Action: catalog.ActionEnable, Version: "1.0.0"}),
		install("1.0.0", false), install("2.0.0", false), install("3.0.0", true), install("3.0.0-signed", false),
		apply(catalog.Operation{Action: catalog.ActionPin, Pin: catalog.Pin{Group: "pilot", Orgs: []string{"o"}, Version: "2.0.0"}}),
		apply(catalog.Operation{Action: catalog.ActionActivate, Version: "1.0.0"}),
		apply(catalog.Operation{Action: catalog.ActionRemove, Version: "3.0.0"}),
		apply(catalog.Operation{Action: catalog.ActionUnpin, Pin: catalog.Pin{Group: "pilot"}}),
		apply(catalog.Operation{Action: catalog.ActionRemove, Version: "2.0.0"}),
		apply(catalog.Operation{Action: catalog.ActionDisable, Version: "1.0.0"}),
		apply(catalog.Operation{Action: catalog.ActionRemove, Version: "1.0.0"}),
	} {
		if err := change(); err != nil {
			return err
		}
		done()
	}
	return nil
}

// dropped makes the archives that the script installs.
func dropped(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, version := range []string{"1.0.0", "2.0.0", "3.0.0"} {
		binary := []byte(strings.Repeat("binary "+version, 20000))
		text := archivetest.Manifest(t, binary, provider.Description{Name: "fake", Version: version})
		for suffix, sig := range map[string][]byte{"": nil, "-signed": archivetest.NewSigner(t, 1).Sign(text)} {
			raw := archivetest.Pack(t, archivetest.Files("fake", binary, text, sig)...)
			write(t, filepath.Join(dir, version+suffix+".tar.gz"), string(raw), 0o600)
		}
	}
	return dir
}

// state tells everything that the catalogue says.
func state(t *testing.T, c *catalog.Catalog) string {
	t.Helper()
	s, _ := c.Selection("fake")
	raw, err := json.Marshal([]any{s, c.Entries("fake")})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// intact opens the catalogue as after a crash, checks that each entry's files are
// whole and that nothing else is left in the way, and returns its state.
func intact(t *testing.T, dir string) string {
	t.Helper()
	c := open(t, catalog.Config{Dir: dir})
	for _, e := range c.Entries("fake") {
		f, err := c.Binary(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := launch.Hash(f)
		if err := errors.Join(err, f.Close()); err != nil || got != e.SHA256 {
			t.Errorf("the binary of version %s has %s, %v", e.Version, got, err)
		}
		if m, err := c.Manifest(e); err != nil || m.Format == 0 {
			t.Errorf("the manifest of version %s: %+v, %v", e.Version, m, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "plugins", ".*")); len(left) != 0 {
		t.Errorf("left in the plugin folder: %v", left)
	}
	return state(t, c)
}

// crasher starts this program again as the process that is killed.
func crasher(t *testing.T, dir, drop string, step int) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashDrop+"="+drop, crashStep+"="+strconv.Itoa(step))
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKilledAtEveryStep: after a kill at any step of any change, the catalogue
// opens with the state before the change or the one after it, and all can be
// done again.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	drop := dropped(t)
	c := with(t, catalog.Config{Dir: t.TempDir()})
	states := []string{state(t, c)}
	if err := script(c, drop, func() { states = append(states, state(t, c)) }); err != nil {
		t.Fatal(err)
	}
	reached, step := 0, 1
	for ; ; step++ {
		dir := t.TempDir()
		err := crasher(t, dir, drop, step).Run()
		if err == nil {
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.String() != "signal: killed" {
			t.Fatalf("step %d: %v", step, err)
		}
		got := intact(t, dir)
		for reached < len(states) && states[reached] != got {
			reached++
		}
		if reached == len(states) {
			t.Fatalf("killed at step %d, the catalogue is neither old nor new: %s", step, got)
		}
		if err := script(open(t, catalog.Config{Dir: dir}), drop, func() {}); err != nil {
			t.Errorf("after a kill at step %d: %v", step, err)
		}
	}
	if reached < len(states)-2 || step < 30 {
		t.Errorf("%d steps reached %d of %d states", step-1, reached, len(states)-1)
	}
}

// TestKilledAtAnyMoment: the same at moments that nobody chose.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	drop, dir := dropped(t), t.TempDir()
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		cmd := crasher(t, dir, drop, 0)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		moment := time.NewTimer(time.Duration(rand.IntN(60)) * time.Millisecond)
		<-moment.C
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		intact(t, dir)
	}
}
