package plugin

import (
	"context"
	"fmt"
	"regexp"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

var (
	fileName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,127}$`)
	hexSum   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Edit says who makes a change, why, and from which revision.
type Edit struct {
	Who      string
	Reason   string
	Revision uint64 // 0: whatever it is
}

// Installed is what came of an installation.
type Installed struct {
	Name    string
	Version string
	SHA256  string // of the binary
	First   bool   // it is the plugin's first version, and was started
}

// InstallInput says what to install.
type InstallInput struct {
	File     string // name in the drop folder
	SHA256   string // expected, of the file
	Activate bool   // upgrade to it at once
	Reason   string
	Key      string // of the request; a repeat installs nothing; "": none
}

func (in InstallInput) validate() error {
	var wrong []fault.Field
	if !fileName.MatchString(in.File) {
		wrong = append(wrong, fault.Field{Path: "file", Message: "must be the name of a file in the drop folder, without a path"})
	}
	if !hexSum.MatchString(in.SHA256) {
		wrong = append(wrong, fault.Field{Path: "sha256", Message: "must be the SHA-256 of the file, 64 lower-case hex digits"})
	}
	return fault.InvalidFields(wrong)
}

// Install puts a version of a plugin beside those that are there. The operator
// says the file's SHA-256: nothing runs that nobody vouched for. The first
// version of a plugin starts; a later one waits for [Service.Upgrade], unless it
// is to be activated. Installing the same file again changes nothing.
func (s *Service) Install(ctx context.Context, c access.Caller, in InstallInput) (Detail, error) {
	if err := in.validate(); err != nil {
		return Detail{}, err
	}
	if err := s.check(ctx, c, access.PluginWrite, ""); err != nil {
		return Detail{}, err
	}
	name, repeated, err := s.installedBy(ctx, c, in)
	if err != nil {
		return Detail{}, err
	}
	if repeated {
		return s.cfg.Host.Inspect(ctx, name)
	}
	by := Edit{Who: c.Actor(), Reason: in.Reason}
	got, err := s.cfg.Catalogue.Install(ctx, in.File, in.SHA256, by)
	if err != nil {
		return Detail{}, fmt.Errorf("installing %q: %w", in.File, err)
	}
	now, err := s.cfg.Host.Inspect(ctx, got.Name)
	if err != nil {
		return Detail{}, err
	}
	after := struct{ Version, SHA256, Active string }{got.Version, got.SHA256, now.Selection.Active}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.keep(tx, c, in, got.Name); err != nil {
			return err
		}
		return s.note(tx, c, got.Name, "install", nil, after)
	})
	if err != nil || !in.Activate || got.First {
		return now, err
	}
	m, err := s.move(ctx, c, motion{verb: "upgrade", name: got.Name, version: got.Version, reason: in.Reason, wait: true})
	return m.Detail, err
}

// installScope is where the keys of installations are kept.
func installScope(c access.Caller) idempotency.Scope {
	return idempotency.Scope{Org: c.RootID, Operation: "plugin.install"}
}

// sameInstall is what makes two requests the same.
func (in InstallInput) sameInstall() (idempotency.Hash, error) {
	in.Key = ""
	return idempotency.HashOf(in)
}

// installedBy finds the plugin that an earlier request with the same key installed.
func (s *Service) installedBy(ctx context.Context, c access.Caller, in InstallInput) (name string, found bool, err error) {
	if in.Key == "" {
		return "", false, nil
	}
	body, err := in.sameInstall()
	if err != nil {
		return "", false, err
	}
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		name, found, err = s.cfg.Keys.Find(r, installScope(c), in.Key, body)
		return err
	})
	return name, found, err
}

// keep remembers what a request's key installed. Before that a repeat installs
// the same file again, which changes nothing.
func (s *Service) keep(tx store.Tx, c access.Caller, in InstallInput, name string) error {
	if in.Key == "" {
		return nil
	}
	body, err := in.sameInstall()
	if err != nil {
		return err
	}
	return s.cfg.Keys.Take(tx, installScope(c), in.Key, body, name)
}

// Versions returns one page of a plugin's versions, oldest first.
func (s *Service) Versions(ctx context.Context, c access.Caller, name string, q Query) (Page[Version], error) {
	d, err := s.Inspect(ctx, c, name)
	if err != nil {
		return Page[Version]{}, err
	}
	if err := q.validate(); err != nil {
		return Page[Version]{}, err
	}
	return page(q, d.Versions, func(v Version) string { return v.Version }), nil
}

// Action is what an [Alteration] does.
type Action string

// The actions.
const (
	ActionPin     Action = "pin"     // the pin's group, in place of its earlier pin
	ActionUnpin   Action = "unpin"   // the pin's group
	ActionEnable  Action = "enable"  // the version
	ActionDisable Action = "disable" // the version: it must not run
	ActionRemove  Action = "remove"  // the version and its files
)

// Alteration is a change of what is selected, other than of the active version.
type Alteration struct {
	Action  Action
	Version string // of enable, disable and remove
	Pin     Pin    // of pin; its group alone of unpin
}

// AlterInput asks for an alteration.
type AlterInput struct {
	Name     string
	Alter    Alteration
	Reason   string
	Revision uint64 // that the author saw; 0: whatever it is
}

// Alter pins, unpins, enables, disables or removes. It returns the plugin
// afterwards; one whose last version was removed is gone and comes back empty.
func (s *Service) Alter(ctx context.Context, c access.Caller, in AlterInput) (Detail, error) {
	before, err := s.writable(ctx, c, in.Name)
	if err != nil {
		return Detail{}, err
	}
	if err := before.Selection.changeable(in.Name, in.Revision); err != nil {
		return Detail{}, err
	}
	if in.Alter.Action == ActionPin {
		if err := s.orgsExist(ctx, in.Alter.Pin.Orgs); err != nil {
			return Detail{}, err
		}
	}
	by := Edit{Who: c.Actor(), Reason: in.Reason, Revision: in.Revision}
	if err := s.cfg.Catalogue.Alter(ctx, in.Name, in.Alter, by); err != nil {
		return Detail{}, fmt.Errorf("%s of plugin %q: %w", in.Alter.Action, in.Name, err)
	}
	after, err := s.cfg.Host.Inspect(ctx, in.Name)
	if fault.Is(err, fault.ClassNotFound) && in.Alter.Action == ActionRemove {
		return Detail{}, s.record(ctx, c, in.Name, string(in.Alter.Action), before.snapshot(), nil)
	}
	if err != nil {
		return Detail{}, err
	}
	return after, s.record(ctx, c, in.Name, string(in.Alter.Action), before.snapshot(), after.snapshot())
}

// changeable refuses to change what is declared elsewhere or was changed since.
func (s Selection) changeable(name string, revision uint64) error {
	if s.Declared {
		return fault.Conflict("plugin %q is declared in %s: change it there", name, s.Source)
	}
	if revision != 0 && revision != s.Revision {
		return fault.Conflict("plugin %q was changed meanwhile: read it again", name).With(store.ErrStale)
	}
	return nil
}

// orgsExist names the ids that no org has: a pin for them would wait silently.
func (s *Service) orgsExist(ctx context.Context, orgs []string) error {
	var wrong []fault.Field
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		for i, id := range orgs {
			ok, err := s.cfg.OrgExists(r, id)
			if err != nil {
				return err
			}
			if !ok {
				wrong = append(wrong, fault.Field{Path: fmt.Sprintf("orgs[%d]", i), Message: "is the id of no org"})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fault.InvalidFields(wrong)
}

// snapshot is what the audit log keeps of a plugin's versions and selection.
type snapshot struct {
	Active   string
	Previous string
	Versions []string
	Disabled []string
	Pins     []Pin
	Revision uint64
}

func (d Detail) snapshot() snapshot {
	out := snapshot{Active: d.Selection.Active, Previous: d.Selection.Previous, Pins: d.Selection.Pins, Revision: d.Selection.Revision}
	for _, v := range d.Versions {
		out.Versions = append(out.Versions, v.Version)
		if v.Disabled {
			out.Disabled = append(out.Disabled, v.Version)
		}
	}
	return out
}
