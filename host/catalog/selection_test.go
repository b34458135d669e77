package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tradewind.example/host/catalog"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// with opens a catalogue in which the versions of "fake" are installed.
func with(t *testing.T, cfg catalog.Config, versions ...string) *catalog.Catalog {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Clock = clock.NewFake(noon)
	c := open(t, cfg)
	for _, v := range versions {
		if _, err := commit(t, stage(t, c, "binary "+v), v); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func selection(t *testing.T, c *catalog.Catalog) catalog.Selection {
	t.Helper()
	s, err := c.Selection("fake")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func versions(c *catalog.Catalog) string {
	var out []string
	for _, e := range c.Entries("fake") {
		out = append(out, e.Version)
	}
	return strings.Join(out, " ")
}

func TestVersionsStandSideBySide(t *testing.T) {
	t.Parallel()
	c := with(t, catalog.Config{}, "1.0.0", "1.10.0", "1.2.0")
	if got := versions(c); got != "1.0.0 1.2.0 1.10.0" {
		t.Errorf("versions %s", got)
	}
	if s := selection(t, c); s.Active != "1.0.0" || s.Previous != "" || s.Revision != 3 {
		t.Errorf("a later version came into use by itself: %+v", s)
	}
	for _, e := range c.Entries("fake") {
		f, err := c.Binary(e)
		if err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, 64)
		n, _ := f.Read(raw)
		_ = f.Close()
		if string(raw[:n]) != "binary "+e.Version {
			t.Errorf("version %s is %q", e.Version, raw[:n])
		}
	}
	if e, err := c.Entry("fake", "1.2.0"); err != nil || e.Version != "1.2.0" {
		t.Errorf("one version: %+v, %v", e, err)
	}
	if _, err := c.Entry("fake", "9.0.0"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a missing version: %v", err)
	}
	_, err := commit(t, stage(t, c, "another binary"), "1.2.0")
	if !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), "give the new one a new version") {
		t.Errorf("the same version of another binary: %v", err)
	}
}

func TestActivateAndBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0", "2.0.0")
	edit := catalog.Edit{Who: "ann", Reason: "new prices", Revision: 2}
	got, err := c.Activate("fake", "2.0.0", edit)
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Selection{
		Name: "fake", Active: "2.0.0", Previous: "1.0.0", Revision: 3, Source: "installed-fake.json",
		Changes: []catalog.Change{
			{Revision: 1, Time: noon, What: "install 1.0.0"}, {Revision: 2, Time: noon, What: "install 2.0.0"},
			{Revision: 3, Time: noon, Who: "ann", Reason: "new prices", What: "activate 2.0.0"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, selection(t, open(t, catalog.Config{Dir: dir}))); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if again, err := c.Activate("fake", "2.0.0", catalog.Edit{}); err != nil || again.Revision != 3 {
		t.Errorf("doing it again changed something: %+v, %v", again, err)
	}
	back, err := c.Activate("fake", got.Previous, catalog.Edit{})
	if err != nil || back.Active != "1.0.0" || back.Previous != "2.0.0" {
		t.Errorf("back: %+v, %v", back, err)
	}
	if e, err := c.Entry("fake", ""); err != nil || e.Version != "1.0.0" {
		t.Errorf("the active entry is %+v, %v", e, err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c := with(t, catalog.Config{}, "1.0.0", "2.0.0", "3.0.0")
	for _, p := range []catalog.Pin{
		{Group: "pilot", Orgs: []string{"root-b", "org-a1"}, Version: "2.0.0"},
		{Group: "careful", Orgs: []string{"org-b1"}, Version: "3.0.0", Isolated: true},
		{Group: "alone", Orgs: []string{"root-c"}, Isolated: true},
	} {
		if _, err := c.Pin("fake", p, catalog.Edit{}); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		reason, root, org, version string
		isolated                   bool
	}{
		"Nobody":     {"a call for no org goes to the active version", "", "", "1.0.0", false},
		"Unpinned":   {"an org in no group gets the active version", "root-a", "org-a2", "1.0.0", false},
		"Root":       {"a root in a group stands for itself", "root-b", "root-b", "2.0.0", false},
		"UnderRoot":  {"a root in a group stands for its tree", "root-b", "org-b2", "2.0.0", false},
		"Org":        {"an org may be in a group alone", "root-a", "org-a1", "2.0.0", false},
		"OrgFirst":   {"the org's own group comes before its root's", "root-b", "org-b1", "3.0.0", true},
		"JustAlone":  {"a group can be isolated on the active version", "root-c", "org-c1", "1.0.0", true},
		"OtherRoots": {"ids are compared whole", "root", "org", "1.0.0", false},
	}
	for name, tc := range cases {
		e, isolated, err := c.Resolve("fake", tc.root, tc.org)
		if err != nil || e.Version != tc.version || isolated != tc.isolated || e.SHA256 == "" {
			t.Errorf("%s: %s: got %s, %v, %v", name, tc.reason, e.Version, isolated, err)
		}
	}
	if _, _, err := c.Resolve("none", "", ""); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("no such plugin: %v", err)
	}
	if _, err := c.Activate("fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if e, isolated, _ := c.Resolve("fake", "root-c", ""); e.Version != "2.0.0" || !isolated {
		t.Errorf("an isolated group does not follow the active version: %s, %v", e.Version, isolated)
	}
	if _, err := c.Unpin("fake", "careful", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if e, _, _ := c.Resolve("fake", "root-b", "org-b1"); e.Version != "2.0.0" {
		t.Errorf("after unpinning: %s", e.Version)
	}
}

func TestOperationsRefuse(t *testing.T) {
	t.Parallel()
	many := make([]string, 4097)
	for i := range many {
		many[i] = fmt.Sprintf("org%d", i)
	}
	pin := func(p catalog.Pin) catalog.Operation { return catalog.Operation{Action: catalog.ActionPin, Pin: p} }
	ok := catalog.Pin{Group: "g", Orgs: []string{"o"}, Version: "1.0.0"}
	cases := map[string]struct {
		reason string
		op     catalog.Operation
		edit   catalog.Edit
		want   fault.Class
	}{
		"NoVersion":     {"what is activated exists", catalog.Operation{Action: catalog.ActionActivate, Version: "9"}, catalog.Edit{}, fault.ClassNotFound},
		"Disabled":      {"what is disabled is not activated", catalog.Operation{Action: catalog.ActionActivate, Version: "2.0.0"}, catalog.Edit{}, fault.ClassPrecondition},
		"PinDisabled":   {"what is disabled is not pinned", pin(catalog.Pin{Group: "g", Orgs: []string{"o"}, Version: "2.0.0"}), catalog.Edit{}, fault.ClassPrecondition},
		"PinMissing":    {"what is pinned exists", pin(catalog.Pin{Group: "g", Orgs: []string{"o"}, Version: "9"}), catalog.Edit{}, fault.ClassNotFound},
		"NoGroup":       {"a group has a name", pin(catalog.Pin{Orgs: []string{"o"}, Version: "1.0.0"}), catalog.Edit{}, fault.ClassInvalid},
		"GroupName":     {"a group's name is plain", pin(catalog.Pin{Group: "a b", Orgs: []string{"o"}, Version: "1.0.0"}), catalog.Edit{}, fault.ClassInvalid},
		"NoOrgs":        {"a group has orgs", pin(catalog.Pin{Group: "g", Version: "1.0.0"}), catalog.Edit{}, fault.ClassInvalid},
		"OrgTwice":      {"an org is in a group once", pin(catalog.Pin{Group: "g", Orgs: []string{"o", "o"}, Version: "1.0.0"}), catalog.Edit{}, fault.ClassInvalid},
		"OrgForm":       {"an org has an id", pin(catalog.Pin{Group: "g", Orgs: []string{""}, Version: "1.0.0"}), catalog.Edit{}, fault.ClassInvalid},
		"SaysNothing":   {"a pin says something", pin(catalog.Pin{Group: "g", Orgs: []string{"o"}}), catalog.Edit{}, fault.ClassInvalid},
		"TwoGroups":     {"an org is in one group", pin(catalog.Pin{Group: "g", Orgs: []string{"taken"}, Version: "1.0.0"}), catalog.Edit{}, fault.ClassConflict},
		"TooManyOrgs":   {"no list without a limit", pin(catalog.Pin{Group: "g", Orgs: many, Version: "1.0.0"}), catalog.Edit{}, fault.ClassPrecondition},
		"UnpinMissing":  {"what is unpinned exists", catalog.Operation{Action: catalog.ActionUnpin, Pin: catalog.Pin{Group: "none"}}, catalog.Edit{}, fault.ClassNotFound},
		"RemoveActive":  {"the active version stays", catalog.Operation{Action: catalog.ActionRemove, Version: "1.0.0"}, catalog.Edit{}, fault.ClassPrecondition},
		"RemovePinned":  {"a pinned version stays", catalog.Operation{Action: catalog.ActionRemove, Version: "3.0.0"}, catalog.Edit{}, fault.ClassPrecondition},
		"RemoveRunning": {"a running version stays", catalog.Operation{Action: catalog.ActionRemove, Version: "4.0.0"}, catalog.Edit{}, fault.ClassPrecondition},
		"RemoveMissing": {"what is removed exists", catalog.Operation{Action: catalog.ActionRemove, Version: "9"}, catalog.Edit{}, fault.ClassNotFound},
		"RemoveNone":    {"what is removed is named", catalog.Operation{Action: catalog.ActionRemove}, catalog.Edit{}, fault.ClassNotFound},
		"DisableNone":   {"what is disabled exists", catalog.Operation{Action: catalog.ActionDisable, Version: "9"}, catalog.Edit{}, fault.ClassNotFound},
		"NoAction":      {"an operation does something", catalog.Operation{}, catalog.Edit{}, fault.ClassInvalid},
		"Install":       {"binaries come from files", catalog.Operation{Action: catalog.ActionInstall}, catalog.Edit{}, fault.ClassUnsupported},
		"Stale":         {"somebody else was here", pin(ok), catalog.Edit{Revision: 1}, fault.ClassConflict},
		"Reason":        {"a reason is one line", pin(ok), catalog.Edit{Reason: "a\nb"}, fault.ClassInvalid},
		"LongWho":       {"no text without a limit", pin(ok), catalog.Edit{Who: strings.Repeat("x", 300)}, fault.ClassInvalid},
	}
	dir := t.TempDir()
	running := func(_, version string) bool { return version == "4.0.0" }
	c := with(t, catalog.Config{Dir: dir, Running: running}, "1.0.0", "2.0.0", "3.0.0", "4.0.0")
	if _, err := c.Disable("fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pin("fake", catalog.Pin{Group: "pilot", Orgs: []string{"taken"}, Version: "3.0.0"}, catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	before := selection(t, c)
	for name, tc := range cases {
		if _, err := c.Apply("fake", tc.edit, tc.op); !fault.Is(err, tc.want) || fault.As(err).Source != fault.SourceHost {
			t.Errorf("%s: %s: got %v, want %s", name, tc.reason, err, tc.want)
		}
	}
	if _, err := c.Activate("none", "1.0.0", catalog.Edit{}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("no such plugin: %v", err)
	}
	if diff := cmp.Diff(before, selection(t, c)); diff != "" {
		t.Errorf("what was refused changed something (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before, selection(t, open(t, catalog.Config{Dir: dir}))); diff != "" {
		t.Errorf("what was refused was written (-before +after):\n%s", diff)
	}
	_, err := c.Apply("fake", catalog.Edit{}, pin(ok), catalog.Operation{Action: catalog.ActionActivate, Version: "9"})
	if !fault.Is(err, fault.ClassNotFound) || !cmp.Equal(before, selection(t, c)) {
		t.Errorf("one refused operation must leave all undone: %v", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0", "2.0.0")
	if _, err := c.Activate("fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	s, err := c.Remove("fake", "1.0.0", catalog.Edit{})
	if err != nil || s.Previous != "" || versions(c) != "2.0.0" {
		t.Errorf("after the removal: %+v, %v", s, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "plugins", "fake", "1.0.0")); !os.IsNotExist(err) {
		t.Errorf("its files are left: %v", err)
	}
	if _, err := c.Remove("fake", "2.0.0", catalog.Edit{}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("the last version, enabled: %v", err)
	}
	if _, err := c.Disable("fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Remove("fake", "2.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if names := append(c.Names(), open(t, catalog.Config{Dir: dir}).Names()...); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
	if _, err := commit(t, stage(t, c, "binary"), "2.0.0"); err != nil {
		t.Errorf("installing it again: %v", err)
	}
}

func TestDisableKeepsTheSelection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0", "2.0.0")
	if _, err := c.Disable("fake", "1.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*catalog.Catalog{c, open(t, catalog.Config{Dir: dir})} {
		if e, _, err := c.Resolve("fake", "", ""); err != nil || e.Version != "1.0.0" || !e.Disabled {
			t.Errorf("got %+v, %v", e, err)
		}
	}
	if _, err := c.Enable("fake", "1.0.0", catalog.Edit{}); err != nil {
		t.Fatal(err)
	}
	if e, _ := c.Entry("fake", ""); e.Disabled {
		t.Error("it is disabled still")
	}
}

// TestAdminsDoNotOverwriteEachOther: over two catalogues on the same folder, as
// two processes have them.
func TestAdminsDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	both := []*catalog.Catalog{with(t, catalog.Config{Dir: dir}, "1.0.0"), with(t, catalog.Config{Dir: dir})}
	const admins = 16
	var work sync.WaitGroup
	won := make(chan string, admins)
	for i := range admins {
		work.Go(func() {
			c, group := both[i%2], fmt.Sprintf("g%d", i)
			p := catalog.Pin{Group: group, Orgs: []string{"first-" + group}, Version: "1.0.0"}
			if _, err := c.Pin("fake", p, catalog.Edit{Who: group, Revision: 1}); err == nil {
				won <- group
			} else if !fault.Is(err, fault.ClassConflict) {
				t.Error(err)
			}
			p.Orgs = []string{"second-" + group}
			if _, err := c.Pin("fake", p, catalog.Edit{Who: group}); err != nil {
				t.Error(err)
			}
			_, _, _ = c.Resolve("fake", "first-"+group, "second-"+group)
		})
	}
	work.Wait()
	if len(won) != 1 {
		t.Errorf("%d changes on the ground of one revision", len(won))
	}
	s := selection(t, open(t, catalog.Config{Dir: dir}))
	if len(s.Pins) != admins || s.Revision != 1+1+admins {
		t.Errorf("%d pins at revision %d: changes were lost", len(s.Pins), s.Revision)
	}
}

// TestAnyOperations: whatever is done, the selection stays sound and survives a
// restart, and what is refused changes nothing.
func TestAnyOperations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := with(t, catalog.Config{Dir: dir}, "1.0.0", "2.0.0", "3.0.0")
	rapid.Check(t, func(t *rapid.T) {
		op := catalog.Operation{
			Action: rapid.SampledFrom([]catalog.Action{
				catalog.ActionActivate, catalog.ActionPin, catalog.ActionUnpin, catalog.ActionDisable, catalog.ActionEnable,
			}).Draw(t, "action"),
			Version: rapid.SampledFrom([]string{"1.0.0", "2.0.0", "3.0.0", "4.0.0"}).Draw(t, "version"),
			Pin: catalog.Pin{
				Group:    rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group"),
				Orgs:     rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"o1", "o2", "o3", "o4"}), 1, 3, rapid.ID).Draw(t, "orgs"),
				Version:  rapid.SampledFrom([]string{"", "1.0.0", "2.0.0", "3.0.0"}).Draw(t, "pinned"),
				Isolated: rapid.Bool().Draw(t, "isolated"),
			},
		}
		before, _ := c.Selection("fake")
		after, err := c.Apply("fake", catalog.Edit{Revision: before.Revision}, op)
		if err != nil {
			after, _ = c.Selection("fake")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Fatalf("a refused %s changed something:\n%s", op, diff)
			}
			return
		}
		sound(t, c, after)
		again, err := catalog.Open(catalog.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Close() }()
		restored, _ := again.Selection("fake")
		if diff := cmp.Diff(after, restored, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("after a restart:\n%s", diff)
		}
	})
}

// sound checks what must hold of any selection.
func sound(t interface{ Fatalf(string, ...any) }, c *catalog.Catalog, s catalog.Selection) {
	var have []string
	for _, e := range c.Entries(s.Name) {
		have = append(have, e.Version)
	}
	seen := map[string]string{}
	if !slices.Contains(have, s.Active) || s.Previous != "" && !slices.Contains(have, s.Previous) {
		t.Fatalf("active %q and previous %q of %v", s.Active, s.Previous, have)
	}
	for _, p := range s.Pins {
		if p.Version != "" && !slices.Contains(have, p.Version) {
			t.Fatalf("group %s is pinned to %q of %v", p.Group, p.Version, have)
		}
		for _, org := range p.Orgs {
			if other, ok := seen[org]; ok {
				t.Fatalf("org %s is in the groups %s and %s", org, other, p.Group)
			}
			seen[org] = p.Group
			e, isolated, err := c.Resolve(s.Name, "", org)
			if err != nil || p.Version != "" && e.Version != p.Version || p.Version == "" && e.Version != s.Active || isolated != p.Isolated {
				t.Fatalf("org %s of group %+v gets %s, %v, %v", org, p, e.Version, isolated, err)
			}
		}
	}
	if n := len(s.Changes); n > 32 || n > 0 && s.Changes[n-1].Revision != s.Revision {
		t.Fatalf("revision %d has the changes %+v", s.Revision, s.Changes)
	}
}
