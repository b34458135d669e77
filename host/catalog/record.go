package catalog

import (
	"fmt"
	"slices"

	"tradewind.example/host/manifest"
	"tradewind.example/sdk/fault"
)

// record is what the catalogue holds of one plugin. It is not changed once it is
// in the table: operations work on a copy.
type record struct {
	selection Selection
	entries   []Entry // by version
	declared  bool    // not ours to change

	routes map[string]route // by the id of an org or a root; made by index
	active route
}

// route is where the calls of an org go.
type route struct {
	entry    *Entry
	isolated bool
}

func newRecord(name, source string) *record {
	_, ours := file{source: source}.installed()
	return &record{selection: Selection{Name: name, Source: source}, declared: !ours}
}

func (r *record) clone() *record {
	out := &record{selection: r.selection.clone(), declared: r.declared}
	for _, e := range r.entries {
		out.entries = append(out.entries, e.clone())
	}
	return out
}

// file returns the record as it is written.
func (r *record) file() file {
	f := file{Selections: []Selection{r.selection}}
	for _, e := range r.entries {
		e.Source = "" // the file itself is the source
		f.Plugins = append(f.Plugins, e)
	}
	return f
}

// index makes the routes. The record must not be changed afterwards.
func (r *record) index() {
	find := func(version string) *Entry {
		if version == "" {
			version = r.selection.Active
		}
		return &r.entries[r.at(version)]
	}
	r.routes, r.active = map[string]route{}, route{entry: find("")}
	for _, p := range r.selection.Pins {
		for _, org := range p.Orgs {
			r.routes[org] = route{entry: find(p.Version), isolated: p.Isolated}
		}
	}
}

func (r *record) resolve(rootOrg, org string) route {
	if to, ok := r.routes[org]; ok {
		return to
	}
	if to, ok := r.routes[rootOrg]; ok {
		return to
	}
	return r.active
}

// at returns the index of a version's entry, or -1.
func (r *record) at(version string) int {
	return slices.IndexFunc(r.entries, func(e Entry) bool { return e.Version == version })
}

// entry returns the entry of a version, of the active one for "".
func (r *record) entry(version string) (Entry, error) {
	if version == "" {
		version = r.selection.Active
	}
	i := r.at(version)
	if i < 0 {
		return Entry{}, fault.NotFound(fmt.Sprintf("version of plugin %q", r.selection.Name), version).From(fault.SourceHost)
	}
	return r.entries[i], nil
}

// usable returns an entry that may be activated or pinned.
func (r *record) usable(version string) (Entry, error) {
	e, err := r.entry(version)
	if err == nil && e.Disabled {
		err = r.refuse("version %s of plugin %q is disabled; enable it first", e.Version, e.Name)
	}
	return e, err
}

func (r *record) refuse(format string, args ...any) error {
	return fault.Precondition(format, args...).From(fault.SourceHost)
}

func (r *record) install(e Entry) error {
	if i := r.at(e.Version); i >= 0 {
		if r.entries[i].SHA256 != e.SHA256 {
			return fault.Conflict("version %s of plugin %q has another binary already (sha256 %s); give the new one a new version",
				e.Version, e.Name, r.entries[i].SHA256).From(fault.SourceHost)
		}
		r.entries[i].SignedBy = e.SignedBy
		return nil
	}
	if len(r.entries) >= maxVersions {
		return r.refuse("plugin %q has %d versions, which is the most; remove one first", e.Name, maxVersions)
	}
	if len(r.entries) == 0 {
		r.selection.Active = e.Version
	}
	r.entries = append(r.entries, e)
	slices.SortFunc(r.entries, func(a, b Entry) int { return manifest.CompareVersions(a.Version, b.Version) })
	return nil
}

func (r *record) activate(version string) error {
	e, err := r.usable(version)
	if err != nil || e.Version == r.selection.Active {
		return err
	}
	r.selection.Previous, r.selection.Active = r.selection.Active, e.Version
	return nil
}

func (r *record) pin(p Pin) error {
	if err := p.validate(); err != nil {
		return err
	}
	if _, err := r.usable(p.Version); err != nil {
		return err
	}
	p.Orgs = slices.Clone(p.Orgs)
	others := slices.DeleteFunc(slices.Clone(r.selection.Pins), func(o Pin) bool { return o.Group == p.Group })
	count := len(p.Orgs)
	for _, o := range others {
		count += len(o.Orgs)
		for _, org := range o.Orgs {
			if slices.Contains(p.Orgs, org) {
				return fault.Conflict("org %q is in group %q of plugin %q already; an org is in one group", org, o.Group, r.selection.Name).
					From(fault.SourceHost)
			}
		}
	}
	if len(others) >= maxPins || count > maxOrgs {
		return r.refuse("plugin %q would have more than %d pins or %d pinned orgs; unpin a group first", r.selection.Name, maxPins, maxOrgs)
	}
	if i := slices.IndexFunc(r.selection.Pins, func(o Pin) bool { return o.Group == p.Group }); i >= 0 {
		r.selection.Pins[i] = p
		return nil
	}
	r.selection.Pins = append(r.selection.Pins, p)
	return nil
}

func (r *record) unpin(group string) error {
	i := slices.IndexFunc(r.selection.Pins, func(p Pin) bool { return p.Group == group })
	if i < 0 {
		return fault.NotFound(fmt.Sprintf("pin of plugin %q for group", r.selection.Name), group).From(fault.SourceHost)
	}
	r.selection.Pins = slices.Delete(r.selection.Pins, i, i+1)
	return nil
}

func (r *record) setDisabled(version string, disabled bool) error {
	e, err := r.entry(version)
	if err == nil {
		r.entries[r.at(e.Version)].Disabled = disabled
	}
	return err
}

// remove takes a version away that nobody uses. The last version can go only
// once it is disabled: then the plugin is gone.
func (r *record) remove(version string) error {
	i := r.at(version)
	s := &r.selection
	if i < 0 {
		return fault.NotFound(fmt.Sprintf("version of plugin %q", s.Name), version).From(fault.SourceHost)
	}
	for _, p := range s.Pins {
		if p.Version == version || p.Version == "" && s.Active == version {
			return r.refuse("version %s of plugin %q serves the group %q; unpin it first", version, s.Name, p.Group)
		}
	}
	if s.Active == version && (len(r.entries) > 1 || !r.entries[i].Disabled) {
		return r.refuse("version %s of plugin %q is active; activate another one first, or disable it if it is the last", version, s.Name)
	}
	if s.Previous == version {
		s.Previous = ""
	}
	r.entries = slices.Delete(r.entries, i, i+1)
	return nil
}

// declare installs an entry of a file. It is enabled until finish.
func (r *record) declare(e Entry, dev bool) error {
	e = e.clone()
	e.Source = r.selection.Source
	if err := e.validate(dev); err != nil {
		return fmt.Errorf("%s: %w", e.Source, err)
	}
	if r.at(e.Version) >= 0 {
		return fmt.Errorf("version %q is declared twice", e.Version)
	}
	e.Disabled = false
	return r.apply(Operation{Action: ActionInstall, Entry: e})
}

// restore makes the selection of a file.
func (r *record) restore(s Selection) error {
	ops := []Operation{{Action: ActionActivate, Version: s.Active}}
	for _, p := range s.Pins {
		ops = append(ops, Operation{Action: ActionPin, Pin: p})
	}
	if err := r.applyAll(ops); err != nil {
		return err
	}
	r.selection.Previous, r.selection.Revision, r.selection.Changes = "", s.Revision, slices.Clone(s.Changes)
	if s.Previous == "" {
		return nil
	}
	if _, err := r.entry(s.Previous); err != nil {
		return err
	}
	r.selection.Previous = s.Previous
	return nil
}

// finish disables what the file disables.
func (r *record) finish(f file) error {
	if name, ok := f.installed(); ok && name != r.selection.Name {
		return fmt.Errorf("the file is that of the installed plugin %q; declare others in another file", name)
	}
	var ops []Operation
	for _, e := range f.Plugins {
		if e.Name == r.selection.Name && e.Disabled {
			ops = append(ops, Operation{Action: ActionDisable, Version: e.Version})
		}
	}
	return r.applyAll(ops)
}

func (r *record) applyAll(ops []Operation) error {
	for _, o := range ops {
		if err := r.apply(o); err != nil {
			return err
		}
	}
	return nil
}
