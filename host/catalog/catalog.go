// Package catalog knows which plugins may run, in which versions, and which
// version serves which org. There is no folder scan: a binary that no entry names
// is never started. It starts nothing itself.
//
// # Entries and selections
//
// An [Entry] is one version of a plugin with the hash of its binary. Several
// versions of a plugin stand side by side. Its [Selection] says which one is
// active, which was active before, and which groups of orgs are pinned to another
// one. A plugin is declared, by a file that an operator wrote or by the
// configuration, or installed; a declared one is changed only where it is
// declared. Both come about by the same [Operation] values.
//
// # Folder
//
//	catalog/*.yaml, *.yml, *.json              declared plugins
//	catalog/installed-<name>.json              an installed plugin: entries and selection, the same format
//	plugins/<name>/<version>/<sha256>/         the binary, manifest.json and perhaps manifest.sig
//
// A version's folder is made complete elsewhere and renamed into place; its files
// are read-only and never edited. Files of state are replaced by rename. Whatever
// moment a crash comes at, the catalogue opens with the old or the new state.
//
// # What is installed
//
// [Catalog.Stage] takes a bare binary, with manifest.json (and manifest.sig)
// beside it or without, or an archive: a gzip'd tar with the regular files
// tradewind-provider-<name>, manifest.json, SHA256SUMS and perhaps manifest.sig
// at its root, as packages archive and signature say in full.
//
// # Concurrency
//
// A [Catalog] is safe for concurrent use, and reading it takes no lock. Changes
// are safe between processes too: each reads its plugin's file again, under a
// file lock, and compares the revision that its author saw. [Catalog.Close]
// releases the folder.
package catalog

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tradewind.example/host/signature"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

const (
	catalogFolder = "catalog"
	pluginsFolder = "plugins"
	// SourceConfig is the source of entries that came with the configuration.
	SourceConfig = "config"
)

// Config says where the catalogue is. Only Dir is required.
type Config struct {
	Dir     string  // created when missing
	Entries []Entry // declared by the configuration
	// Selections choose among Entries; a plugin with one entry needs none.
	Selections []Selection
	// Dev accepts unpinned entries and binaries anywhere. Never in production.
	Dev bool
	// Trust says whose signatures count. Where it requires them, it does so for
	// declared entries and for those installed before as well.
	Trust signature.Trust
	// Running reports whether a process of that version is there; nil: never.
	// It must not change the catalogue.
	Running func(name, version string) bool
	Clock   clock.Clock // nil: the machine's
	// Failpoint, when set, is called at each step of a change, so that a test can
	// end the process there. It is nil in production.
	Failpoint func(step string)
}

// Catalog holds the entries and selections.
type Catalog struct {
	cfg       Config
	plugins   *os.Root // confines every path, symlinks included
	manifests manifestCache

	change sync.Mutex // held by the one change at work
	table  atomic.Pointer[map[string]*record]
}

// Open reads all entries and selections. Each plugin may be declared in one
// place only.
func Open(cfg Config) (*Catalog, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	for _, folder := range []string{catalogFolder, pluginsFolder} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("creating the catalogue's folder: %w", err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(cfg.Dir, pluginsFolder))
	if err != nil {
		return nil, fmt.Errorf("opening the plugin folder: %w", err)
	}
	c := &Catalog{cfg: cfg, plugins: root}
	records, err := c.read()
	if err == nil {
		err = c.sweep()
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	c.table.Store(&records)
	return c, nil
}

// Close releases the folder.
func (c *Catalog) Close() error { return c.plugins.Close() }

// read makes the records of everything that is declared or installed.
func (c *Catalog) read() (map[string]*record, error) {
	files, err := readFolder(filepath.Join(c.cfg.Dir, catalogFolder))
	if err != nil {
		return nil, err
	}
	configured := file{Plugins: c.cfg.Entries, Selections: c.cfg.Selections, source: SourceConfig}
	out := map[string]*record{}
	var problems []error
	for _, f := range append([]file{configured}, files...) {
		records, err := f.records(c.cfg.Dev)
		problems = append(problems, err)
		for _, r := range records {
			name := r.selection.Name
			if other, ok := out[name]; ok {
				problems = append(problems, fmt.Errorf("%w %q: declared in %s and in %s; remove one",
					ErrInvalid, name, other.selection.Source, f.source))
				continue
			}
			out[name] = r
		}
	}
	return out, errors.Join(problems...)
}

// record returns what is known of a plugin, or a not_found fault.
func (c *Catalog) record(name string) (*record, error) {
	r, ok := (*c.table.Load())[name]
	if !ok {
		return nil, fault.NotFound("plugin", name).From(fault.SourceHost)
	}
	return r, nil
}

// Names returns the names of all plugins, sorted.
func (c *Catalog) Names() []string { return slices.Sorted(maps.Keys(*c.table.Load())) }

// Entries returns all versions of the plugin, oldest version first; none when
// there is no such plugin.
func (c *Catalog) Entries(name string) []Entry {
	r, err := c.record(name)
	if err != nil {
		return nil
	}
	out := make([]Entry, 0, len(r.entries))
	for _, e := range r.entries {
		out = append(out, e.clone())
	}
	return out
}

// Entry returns one version of the plugin, the active one for the version "". It
// is a not_found fault when there is none.
func (c *Catalog) Entry(name, version string) (Entry, error) {
	r, err := c.record(name)
	if err != nil {
		return Entry{}, err
	}
	e, err := r.entry(version)
	return e.clone(), err
}

// Selection returns which versions of the plugin are in use, or a not_found fault.
func (c *Catalog) Selection(name string) (Selection, error) {
	r, err := c.record(name)
	if err != nil {
		return Selection{}, err
	}
	return r.selection.clone(), nil
}

// Declared reports whether the plugin comes from the configuration or a file, and
// so is changed there alone.
func (c *Catalog) Declared(name string) bool {
	r, err := c.record(name)
	return err == nil && r.declared
}

// Resolve returns the version that serves an org: the pin of the group that has
// the org, else of the group that has the root of its tree, else the active one;
// and whether the org has a process of its own. Calls for no org pass "" for both.
// A disabled entry is returned as such. It is cheap enough for every call.
func (c *Catalog) Resolve(name, rootOrg, org string) (e Entry, isolated bool, err error) {
	r, err := c.record(name)
	if err != nil {
		return Entry{}, false, err
	}
	to := r.resolve(rootOrg, org)
	return to.entry.clone(), to.isolated, nil
}

// readFolder reads all files of entries, by name.
func readFolder(dir string) ([]file, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	var out []file
	for _, f := range files {
		ext := filepath.Ext(f.Name())
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			continue
		}
		parsed, err := readFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, parsed)
	}
	return out, nil
}
