package plugin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/plugin"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// platform is a host with one plugin, in memory.
type platform struct {
	mu     sync.Mutex
	now    plugin.Detail
	edits  []plugin.Edit
	asked  []string
	refuse error
	hold   chan struct{} // when set, upgrades wait for it
}

func newPlatform() *platform {
	return &platform{now: plugin.Detail{
		Plugin:    plugin.Plugin{Name: "harbour", State: "ready", Version: "1.0.0"},
		Selection: plugin.Selection{Active: "1.0.0", Revision: 7, Source: "installed-harbour.json"},
		Versions:  []plugin.Version{{Version: "1.0.0", Active: true}, {Version: "1.1.0"}, {Version: "1.2.0", Disabled: true}},
	}}
}

func (p *platform) Plugins(context.Context) ([]plugin.Plugin, error) {
	return []plugin.Plugin{p.now.Plugin}, nil
}

func (p *platform) Inspect(_ context.Context, name string) (plugin.Detail, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name != p.now.Name {
		return plugin.Detail{}, fault.NotFound("plugin", name)
	}
	return p.now, nil
}

func (p *platform) note(by plugin.Edit, words ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.edits = append(p.asked, strings.Join(words, " ")), append(p.edits, by)
	return p.refuse
}

func (p *platform) Operate(_ context.Context, name string, v plugin.Verb) error {
	return p.note(plugin.Edit{}, string(v), name)
}

func (p *platform) SetLogLevel(_ context.Context, name, level string) error {
	return p.note(plugin.Edit{}, "log", name, level)
}

func (p *platform) ResetBreaker(_ context.Context, name string, k plugin.BreakerKey) error {
	return p.note(plugin.Edit{}, "reset", name, k.String())
}

func (p *platform) Diagnose(_ context.Context, name string) ([]plugin.Doing, error) {
	return []plugin.Doing{{Version: "1.0.0", PID: 7, Stacks: "main.main(...)"}}, p.note(plugin.Edit{}, "diagnose", name)
}

func (p *platform) Install(_ context.Context, file, _ string, by plugin.Edit) (plugin.Installed, error) {
	return plugin.Installed{Name: "harbour", Version: "1.1.0", SHA256: strings.Repeat("a", 64)}, p.note(by, "install", file)
}

func (p *platform) Upgrade(ctx context.Context, name, version string, by plugin.Edit) error {
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := p.note(by, "upgrade", name, version); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Selection.Previous, p.now.Selection.Active = p.now.Selection.Active, version
	p.now.Selection.Revision++
	return nil
}

func (p *platform) Rollback(ctx context.Context, name string, by plugin.Edit) error {
	return p.Upgrade(ctx, name, p.now.Selection.Previous, by)
}

func (p *platform) Alter(_ context.Context, name string, a plugin.Alteration, by plugin.Edit) error {
	return p.note(by, string(a.Action), name, a.Version+a.Pin.Group)
}

func (p *platform) Crashes(context.Context, string) ([]plugin.Crash, error) {
	return []plugin.Crash{{ID: "3"}, {ID: "2"}, {ID: "1"}}, nil
}

func (p *platform) Crash(_ context.Context, _, id string) (plugin.Crash, error) {
	return plugin.Crash{ID: id}, nil
}

// orgs is a directory of one root.
type orgs struct{}

func (orgs) PathTx(_ store.Reader, org string) ([]string, error) {
	if org != "op" {
		return nil, fault.NotFound("org", org)
	}
	return []string{"op"}, nil
}

func (orgs) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

type desk struct {
	*plugin.Service
	host  *platform
	store store.Store
}

func open(t *testing.T) desk {
	t.Helper()
	st, c, p := storetest.Open(t), clock.NewFake(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)), newPlatform()
	keys, err := idempotency.New(idempotency.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := access.New(access.Config{Directory: orgs{}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := plugin.New(plugin.Config{
		Store: st, Clock: c, Host: p, Catalogue: p, Crashes: p, Keys: keys, Authority: authority,
		OrgExists: func(_ store.Reader, id string) (bool, error) { return id == "op", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return desk{s, p, st}
}

// records lists the actions in the audit log, oldest first.
func (d desk) records(t *testing.T) []audit.Entry {
	t.Helper()
	var page audit.Page
	err := d.store.View(t.Context(), func(r store.Reader) (err error) {
		page, err = audit.List(r, audit.Query{Org: "op", Limit: 100, OldestFirst: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func boss() access.Caller {
	return access.Caller{UserID: "u", OrgID: "op", RootID: "op", Path: []string{"op"}, Roles: []access.Role{access.RoleSuperadmin}}
}

func TestMovesAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		in      plugin.MoveInput
		prepare func(*plugin.Detail)
		back    bool
		want    fault.Class
	}{
		"NoKey":      {"a repeat could not be told from a new request", plugin.MoveInput{Name: "harbour", Version: "1.1.0"}, nil, false, fault.ClassInvalid},
		"NoPlugin":   {"of what is not there", plugin.MoveInput{Name: "gone", Version: "1.1.0", Key: "k"}, nil, false, fault.ClassNotFound},
		"NoVersion":  {"to what is not installed", plugin.MoveInput{Name: "harbour", Version: "9", Key: "k"}, nil, false, fault.ClassInvalid},
		"Disabled":   {"to what must not run", plugin.MoveInput{Name: "harbour", Version: "1.2.0", Key: "k"}, nil, false, fault.ClassPrecondition},
		"Stale":      {"from what was changed since", plugin.MoveInput{Name: "harbour", Version: "1.1.0", Key: "k", Revision: 6}, nil, false, fault.ClassConflict},
		"Declared":   {"what a file says", plugin.MoveInput{Name: "harbour", Version: "1.1.0", Key: "k"}, func(d *plugin.Detail) { d.Selection.Declared = true }, false, fault.ClassConflict},
		"NoPrevious": {"back to nothing", plugin.MoveInput{Name: "harbour", Key: "k"}, nil, true, fault.ClassPrecondition},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			if tc.prepare != nil {
				tc.prepare(&d.host.now)
			}
			do := d.Upgrade
			if tc.back {
				do = d.Rollback
			}
			if _, err := do(t.Context(), boss(), tc.in); !fault.Is(err, tc.want) {
				t.Errorf("%s: want %v, got %v", tc.reason, tc.want, err)
			}
			if len(d.host.asked) > 0 || len(d.records(t)) > 0 {
				t.Errorf("%s: something was done all the same: %v", tc.reason, d.host.asked)
			}
			tc.in.Key, tc.in.Name, tc.in.Version, tc.in.Revision = "k", "harbour", "1.1.0", 0
			d.host.now = newPlatform().now
			if _, err := d.Upgrade(t.Context(), boss(), tc.in); err != nil {
				t.Errorf("%s: a refused request uses no key up: %v", tc.reason, err)
			}
			d.Wait()
		})
	}
}

func TestRepeatedMovesStartNothing(t *testing.T) {
	t.Parallel()
	d := open(t)
	up := plugin.MoveInput{Name: "harbour", Version: "1.1.0", Reason: "new", Key: "k", Revision: 7, Wait: true}
	m, err := d.Upgrade(t.Context(), boss(), up)
	if err != nil || !m.Over || m.Selection.Active != "1.1.0" {
		t.Fatalf("the upgrade: %v %+v", err, m.Selection)
	}
	for range 3 {
		if m, err = d.Upgrade(t.Context(), boss(), up); err != nil || m.Selection.Active != "1.1.0" {
			t.Fatalf("its repeat: %v %+v", err, m.Selection)
		}
	}
	if diff := cmp.Diff([]string{"upgrade harbour 1.1.0"}, d.host.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]plugin.Edit{{Who: boss().Actor(), Reason: "new", Revision: 7}}, d.host.edits); diff != "" {
		t.Errorf("who, why and from where (-want +got):\n%s", diff)
	}
	var actions []string
	for _, e := range d.records(t) {
		actions = append(actions, e.Action)
	}
	if !slices.Equal(actions, []string{"plugin.upgrade", "plugin.upgrade_end"}) {
		t.Errorf("the audit log: %v", actions)
	}
	if end := d.records(t)[1]; !strings.Contains(string(end.Before), `"1.0.0"`) || !strings.Contains(string(end.After), `"Active":"1.1.0"`) {
		t.Errorf("before and after: %s %s", end.Before, end.After)
	}
}

func TestFailedMovesAreNoted(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.host.refuse = fault.Unavailable("phase health: it is unwell")
	_, err := d.Upgrade(t.Context(), boss(), plugin.MoveInput{Name: "harbour", Version: "1.1.0", Key: "k", Wait: true})
	if !errors.Is(err, d.host.refuse) {
		t.Errorf("who waits is told why: %v", err)
	}
	if end := d.records(t)[1]; !strings.Contains(string(end.After), "it is unwell") {
		t.Errorf("the end is noted with its reason: %s", end.After)
	}
}

func TestMovesOutliveTheirRequest(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.host.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	m, err := d.Upgrade(ctx, boss(), plugin.MoveInput{Name: "harbour", Version: "1.1.0", Key: "k"})
	if err != nil || m.Over || m.Selection.Active != "1.0.0" {
		t.Fatalf("it goes on: %v %+v", err, m)
	}
	cancel()
	close(d.host.hold)
	d.Wait()
	now, err := d.Inspect(t.Context(), boss(), "harbour")
	if err != nil || now.Selection.Active != "1.1.0" {
		t.Errorf("it was ended with its request: %v %+v", err, now.Selection)
	}
}

func TestInstallActivates(t *testing.T) {
	t.Parallel()
	for activate, want := range map[bool][]string{false: {"install f"}, true: {"install f", "upgrade harbour 1.1.0"}} {
		d := open(t)
		in := plugin.InstallInput{File: "f", SHA256: strings.Repeat("0", 64), Activate: activate, Reason: "why"}
		if _, err := d.Install(t.Context(), boss(), in); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, d.host.asked); diff != "" {
			t.Errorf("activate %v (-want +got):\n%s", activate, diff)
		}
		if d.host.edits[0].Reason != "why" || d.host.edits[0].Who == "" {
			t.Errorf("who and why are told: %+v", d.host.edits[0])
		}
	}
	_, err := open(t).Install(t.Context(), boss(), plugin.InstallInput{File: "../f", SHA256: "x"})
	if f := fault.As(err); !fault.Is(err, fault.ClassInvalid) || len(f.Fields) != 2 {
		t.Errorf("every wrong field is named: %v", err)
	}
}

func TestAlterations(t *testing.T) {
	t.Parallel()
	d := open(t)
	pin := plugin.Alteration{Action: plugin.ActionPin, Pin: plugin.Pin{Group: "g", Orgs: []string{"op", "nobody"}, Isolated: true}}
	_, err := d.Alter(t.Context(), boss(), plugin.AlterInput{Name: "harbour", Alter: pin})
	if f := fault.As(err); !fault.Is(err, fault.ClassInvalid) || f.Fields[0].Path != "orgs[1]" {
		t.Errorf("an org that is none: %v", err)
	}
	pin.Pin.Orgs = pin.Pin.Orgs[:1]
	if _, err = d.Alter(t.Context(), boss(), plugin.AlterInput{Name: "harbour", Alter: pin, Revision: 6}); !errors.Is(err, store.ErrStale) {
		t.Errorf("from an old revision: %v", err)
	}
	if _, err = d.Alter(t.Context(), boss(), plugin.AlterInput{Name: "harbour", Alter: pin, Revision: 7}); err != nil {
		t.Error(err)
	}
	d.host.now.Selection.Declared = true
	if _, err = d.Alter(t.Context(), boss(), plugin.AlterInput{Name: "harbour", Alter: pin}); !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), "installed-harbour.json") {
		t.Errorf("what is declared is changed where it is: %v", err)
	}
	if diff := cmp.Diff([]string{"pin harbour g"}, d.host.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCrashesInPages(t *testing.T) {
	t.Parallel()
	d := open(t)
	var got []string
	for q := (plugin.Query{Limit: 2, Reverse: true}); ; {
		p, err := d.Crashes(t.Context(), boss(), "harbour", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Items {
			got = append(got, r.ID)
		}
		if q.Cursor = p.Next; p.Next == "" {
			break
		}
	}
	if !slices.Equal(got, []string{"3", "2", "1"}) {
		t.Errorf("newest first: %v", got)
	}
	for _, q := range []plugin.Query{{}, {Limit: store.MaxList + 1}, {Limit: 1, Cursor: strings.Repeat("x", 1000)}} {
		if _, err := d.Crashes(t.Context(), boss(), "harbour", q); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestOnlyThoseWithTheRightAsk(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := boss()
	c.Roles = []access.Role{access.RoleAuditor}
	if _, err := d.Inspect(t.Context(), c, "harbour"); err != nil {
		t.Errorf("an auditor reads: %v", err)
	}
	_, install := d.Install(t.Context(), c, plugin.InstallInput{File: "f", SHA256: strings.Repeat("0", 64)})
	_, move := d.Upgrade(t.Context(), c, plugin.MoveInput{Name: "harbour", Version: "1.1.0", Key: "k"})
	_, alter := d.Alter(t.Context(), c, plugin.AlterInput{Name: "harbour"})
	_, log := d.SetLogLevel(t.Context(), c, "harbour", "info")
	_, reset := d.ResetBreaker(t.Context(), c, "harbour", plugin.BreakerKey{Account: "a"})
	_, operate := d.Operate(t.Context(), c, "harbour", plugin.VerbStop)
	_, diagnose := d.Diagnose(t.Context(), c, "harbour")
	for i, err := range []error{install, move, alter, log, reset, operate, diagnose} {
		if !fault.Is(err, fault.ClassForbidden) {
			t.Errorf("%d: an auditor changes nothing: %v", i, err)
		}
	}
	if len(d.host.asked) != 0 {
		t.Errorf("the host was asked: %v", d.host.asked)
	}
}

// TestInstallingByKey: a request that is sent again under its key installs nothing,
// and activates nothing that was rolled back since.
func TestInstallingByKey(t *testing.T) {
	t.Parallel()
	d, c := open(t), boss()
	p := d.host
	in := plugin.InstallInput{File: "harbour-1.1.0", SHA256: strings.Repeat("a", 64), Key: "k1", Activate: true}
	for range 2 {
		if got, err := d.Install(t.Context(), c, in); err != nil || got.Name != "harbour" {
			t.Fatalf("got %+v, %v", got.Plugin, err)
		}
	}
	p.mu.Lock()
	asked := slices.Clone(p.asked)
	p.mu.Unlock()
	if diff := cmp.Diff([]string{"install harbour-1.1.0", "upgrade harbour 1.1.0"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	in.File = "harbour-1.2.0"
	if _, err := d.Install(t.Context(), c, in); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("the same key for another file: %v", err)
	}
}

func TestDiagnoseIsForOperatorsAndNoted(t *testing.T) {
	t.Parallel()
	d, c := open(t), boss()
	p := d.host
	got, err := d.Diagnose(t.Context(), c, "harbour")
	if err != nil || len(got) != 1 || got[0].PID != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
	p.refuse = fault.Unavailable("gone")
	if _, err := d.Diagnose(t.Context(), c, "harbour"); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a plugin that does not answer: %v", err)
	}
}
