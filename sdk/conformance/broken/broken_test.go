package broken_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/conformance/broken"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// atOnce is how many plugins are checked at the same time: most of it is waiting.
const atOnce = 16

// failed returns the ids of the broken rules.
func failed(r conformance.Report) []string {
	out := []string{}
	for _, result := range r.Results {
		if result.Verdict == conformance.Fail {
			out = append(out, result.ID)
		}
	}
	slices.Sort(out)
	return out
}

// reasons tells what was found.
func reasons(r conformance.Report) string {
	var out []string
	for _, result := range r.Results {
		if result.Verdict == conformance.Fail {
			out = append(out, result.ID+": "+result.Reason)
		}
	}
	return strings.Join(out, "\n")
}

// TestTheCorrectPluginKeepsEveryRule also shows that nothing is skipped but
// what needs a binary: no rule is proved by its absence.
func TestTheCorrectPluginKeepsEveryRule(t *testing.T) {
	target, release := broken.Target("")
	defer release()
	target.Fixture.Big = broken.Big()
	broken.Flood(&target.Fixture)
	report := conformance.Run(t, target)
	for _, r := range report.Results {
		if r.Verdict == conformance.Skip && r.ID != "output" {
			t.Errorf("%s is skipped: %s", r.ID, r.Reason)
		}
	}
}

func TestABigListThatIsKeptIsFound(t *testing.T) {
	target, release := broken.Target("big-list")
	defer release()
	target.Fixture.Big = broken.Big()
	report, err := conformance.Check(t.Context(), target, conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"big-list"}, failed(report)); diff != "" {
		t.Errorf("broken rules (-want +got):\n%s", diff)
	}
}

// TestAConsoleThatIsCollectedIsFound measures memory too.
func TestAConsoleThatIsCollectedIsFound(t *testing.T) {
	target, release := broken.Target("console-slow")
	defer release()
	broken.Flood(&target.Fixture)
	report, err := conformance.Check(t.Context(), target, conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"console-slow"}, failed(report)); diff != "" {
		t.Errorf("broken rules (-want +got):\n%s", diff)
	}
}

// TestEachFlawIsFoundByItsRule walks all rules: one without a plugin that
// breaks it fails the test.
func TestEachFlawIsFoundByItsRule(t *testing.T) {
	elsewhere := []broken.Flaw{"output", "big-list", "console-slow"} // have tests of their own
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	flaws := broken.Variants()
	for _, rule := range conformance.Rules() {
		flaws = append(flaws, broken.Flaw(rule.ID))
	}
	for _, flaw := range flaws {
		if slices.Contains(elsewhere, flaw) {
			continue
		}
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			target, release := broken.Target(flaw)
			defer release()
			report, err := conformance.Check(t.Context(), target, conformance.Options{})
			if err != nil {
				t.Errorf("%s: %v", flaw, err)
				return
			}
			want := append([]string{flaw.Rule()}, broken.Siblings()[flaw]...)
			slices.Sort(want)
			if diff := cmp.Diff(want, failed(report)); diff != "" {
				t.Errorf("%s: broken rules (-want +got):\n%s\n%s", flaw, diff, reasons(report))
			}
		})
	}
	all.Wait()
}

// TestTheBinary checks the same plugin as a process, and with each flaw that a
// process can have.
func TestTheBinary(t *testing.T) {
	t.Parallel()
	built := conformance.Build(t, "./plugin", "broken")
	for _, flaw := range append(broken.OfBinary(), "none") {
		path := built + "." + string(flaw)
		if err := os.Link(built, path); err != nil {
			t.Fatal(err)
		}
		target := conformance.Target{Binary: path, Fixture: broken.Fixture(nil)}
		if flaw == "none" {
			target.Fixture.Big = broken.Big()
		}
		report, err := conformance.Check(t.Context(), target, conformance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		if flaw != "none" {
			want = append(want, string(flaw))
		}
		if diff := cmp.Diff(want, failed(report)); diff != "" {
			t.Errorf("%s: broken rules (-want +got):\n%s\n%s", flaw, diff, reasons(report))
		}
	}
}
