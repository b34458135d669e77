package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"tradewind.example/sdk/fault"
)

// ErrStale is the cause of the conflict of a change that was made from another
// revision than the present one.
var ErrStale = errors.New("the plugin was changed meanwhile")

// Apply performs the operations on an installed plugin, all of them or none, and
// returns its selection afterwards. Operations that change nothing leave the
// revision as it is. A plugin that is declared by a file or the configuration,
// and one that was changed since edit's revision, are conflicts; an operation
// that the plugin's state forbids is a precondition fault.
func (c *Catalog) Apply(name string, edit Edit, ops ...Operation) (Selection, error) {
	for _, o := range ops {
		if o.Action == ActionInstall {
			return Selection{}, fault.Unsupported("binaries are installed from a file").From(fault.SourceHost)
		}
	}
	return c.update(name, edit, func(r *record) (work, error) {
		if len(r.entries) == 0 {
			return work{}, fault.NotFound("plugin", name).From(fault.SourceHost)
		}
		return work{ops: ops}, c.idle(name, ops)
	})
}

// idle refuses to remove a version that runs.
func (c *Catalog) idle(name string, ops []Operation) error {
	for _, o := range ops {
		if o.Action == ActionRemove && c.cfg.Running != nil && c.cfg.Running(name, o.Version) {
			return fault.Precondition("version %s of plugin %q runs; stop it first", o.Version, name).From(fault.SourceHost)
		}
	}
	return nil
}

// Activate makes a version the active one. The one before becomes the previous.
func (c *Catalog) Activate(name, version string, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionActivate, Version: version})
}

// Pin lets a group of orgs be served by the pin's version, and replaces the
// group's earlier pin. An org that is in another group of the plugin is a conflict.
func (c *Catalog) Pin(name string, p Pin, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionPin, Pin: p})
}

// Unpin takes a group's pin away.
func (c *Catalog) Unpin(name, group string, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionUnpin, Pin: Pin{Group: group}})
}

// Disable forbids a version to run; it stays where it is selected.
func (c *Catalog) Disable(name, version string, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionDisable, Version: version})
}

// Enable lets a disabled version run again.
func (c *Catalog) Enable(name, version string, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionEnable, Version: version})
}

// Remove takes a version and its files away. An active, pinned or running
// version is refused with a precondition fault; the last version of a plugin can
// be removed once it is disabled, and then the plugin is gone.
func (c *Catalog) Remove(name, version string, edit Edit) (Selection, error) {
	return c.Apply(name, edit, Operation{Action: ActionRemove, Version: version})
}

// work is what one change does.
type work struct {
	ops []Operation
	// place, when set, brings files to where the new entries name them. It is done
	// after the operations turned out to be possible and before they are written.
	place func() error
}

// update changes one plugin: it reads the plugin's file under the lock, performs
// what plan wants on a copy, writes the file, and shows it to readers.
func (c *Catalog) update(name string, edit Edit, plan func(*record) (work, error)) (_ Selection, err error) {
	if err := edit.validate(); err != nil {
		return Selection{}, err
	}
	c.change.Lock()
	defer c.change.Unlock()
	unlock, err := c.lock(changeLock, exclusive)
	if err != nil {
		return Selection{}, fmt.Errorf("changing plugin %q: %w", name, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()

	old, err := c.current(name, edit)
	if err != nil {
		return Selection{}, err
	}
	w, err := plan(old)
	if err != nil {
		return Selection{}, err
	}
	next := old.clone()
	if err := next.applyAll(w.ops); err != nil {
		return Selection{}, err
	}
	if w.place != nil {
		if err := w.place(); err != nil {
			return Selection{}, fmt.Errorf("installing plugin %q: %w", name, err)
		}
	}
	if !same(old, next) {
		c.note(next, edit, w.ops)
		if err := c.write(next); err != nil {
			return Selection{}, fmt.Errorf("changing plugin %q: %w", name, err)
		}
	}
	c.show(next)
	return next.selection.clone(), c.clear(old, next)
}

// current returns the plugin's record as it is on disk, empty for a new plugin.
func (c *Catalog) current(name string, edit Edit) (*record, error) {
	known, err := c.record(name)
	if err == nil && known.declared {
		return nil, fault.Conflict("plugin %q is declared in %s; change it there", name, known.selection.Source).From(fault.SourceHost)
	}
	r, err := c.reread(name)
	if err != nil {
		return nil, err
	}
	if have := r.selection.Revision; edit.Revision != 0 && edit.Revision != have {
		return nil, fault.Conflict("plugin %q is at revision %d by now, not %d: look at it again", name, have, edit.Revision).
			From(fault.SourceHost).With(ErrStale)
	}
	return r, nil
}

func (c *Catalog) reread(name string) (*record, error) {
	f, err := readFile(c.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return newRecord(name, installedFile(name)), nil
	}
	if err != nil {
		return nil, err
	}
	records, err := f.records(c.cfg.Dev)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return newRecord(name, installedFile(name)), nil
	}
	return records[0], nil
}

func (c *Catalog) file(name string) string {
	return filepath.Join(c.cfg.Dir, catalogFolder, installedFile(name))
}

func same(a, b *record) bool {
	return reflect.DeepEqual(a.selection, b.selection) && reflect.DeepEqual(a.entries, b.entries)
}

// note gives the record a new revision and remembers who made it.
func (c *Catalog) note(r *record, edit Edit, ops []Operation) {
	what := make([]string, 0, len(ops))
	for _, o := range ops {
		what = append(what, o.String())
	}
	s := &r.selection
	s.Revision++
	s.Changes = append(s.Changes, Change{
		Revision: s.Revision, Time: c.cfg.Clock.Now().UTC(), Who: edit.Who, Reason: edit.Reason, What: strings.Join(what, ", "),
	})
	s.Changes = s.Changes[max(0, len(s.Changes)-maxChanges):]
}

// write replaces the plugin's file, or removes it with the last version.
func (c *Catalog) write(r *record) error {
	final := c.file(r.selection.Name)
	if len(r.entries) == 0 {
		c.step("state: remove")
		return errors.Join(os.Remove(final), syncFolder(filepath.Dir(final)))
	}
	raw, err := r.file().encode()
	if err != nil {
		return err
	}
	if len(raw) > maxFileBytes {
		return r.refuse("plugin %q would need more than %d bytes of state; remove versions or pins", r.selection.Name, maxFileBytes)
	}
	return c.replace(final, raw)
}

// replace writes a file so that after a crash it is the old or the new one.
func (c *Catalog) replace(final string, raw []byte) error {
	temp := filepath.Join(filepath.Dir(final), "."+filepath.Base(final))
	c.step("state: write")
	if err := writeSynced(temp, raw); err != nil {
		return err
	}
	c.step("state: rename")
	if err := os.Rename(temp, final); err != nil {
		return err
	}
	c.step("state: sync")
	return syncFolder(filepath.Dir(final))
}

// show makes the record what readers see.
func (c *Catalog) show(r *record) {
	table := maps.Clone(*c.table.Load())
	if len(r.entries) == 0 {
		delete(table, r.selection.Name)
	} else {
		r.index()
		table[r.selection.Name] = r
	}
	c.table.Store(&table)
}

// clear removes the files of versions that have no entry any more.
func (c *Catalog) clear(old, next *record) error {
	var problems []error
	for _, e := range old.entries {
		if next.at(e.Version) >= 0 || e.Path != installedPath(e.Name, e.Version, e.SHA256) {
			continue
		}
		c.step("remove: files")
		version := filepath.Dir(filepath.Dir(e.Path))
		if err := c.plugins.RemoveAll(version); err != nil {
			problems = append(problems, fmt.Errorf("removing the files of version %s of plugin %q: %w", e.Version, e.Name, err))
		}
	}
	return errors.Join(problems...)
}

func (c *Catalog) step(name string) {
	if c.cfg.Failpoint != nil {
		c.cfg.Failpoint(name)
	}
}

func writeSynced(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
