// Package catalog knows which plugins may run: those declared in files or in
// the configuration, and those that were installed, which are declared by a
// file that the installation writes. There is no folder scan: a binary that no
// entry names is never started.
//
// It starts nothing. Layout below its folder:
//
//	catalog/*.yaml, *.yml, *.json              declared entries
//	catalog/installed-<name>.json              written by an installation
//	plugins/<name>/<version>/<sha256>/         binary and manifest, never changed
//
// A [Catalog] is safe for concurrent use; [Catalog.Close] releases the folder.
package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tradewind.example/host/manifest"
	"tradewind.example/sdk/fault"
)

// ErrUnsafe means that a binary may be changed by others than its owner.
var ErrUnsafe = errors.New("binary is writable by others")

const (
	catalogFolder = "catalog"
	pluginsFolder = "plugins"
	// SourceConfig is the source of entries that came with the configuration.
	SourceConfig = "config"
)

// Config says where the catalogue is.
type Config struct {
	Dir     string  // created when missing
	Entries []Entry // declared by the configuration
	// Dev accepts unpinned entries and binaries anywhere. Never in production.
	Dev bool
}

// Catalog holds the entries.
type Catalog struct {
	dir     string
	dev     bool
	plugins *os.Root // confines every path, symlinks included

	mu      sync.RWMutex
	entries map[string]Entry
}

// Open reads all entries. Each name may be declared once.
func Open(cfg Config) (*Catalog, error) {
	for _, folder := range []string{catalogFolder, pluginsFolder} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("creating the catalogue's folder: %w", err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(cfg.Dir, pluginsFolder))
	if err != nil {
		return nil, fmt.Errorf("opening the plugin folder: %w", err)
	}
	c := &Catalog{dir: cfg.Dir, dev: cfg.Dev, plugins: root, entries: map[string]Entry{}}
	declared := slices.Clone(cfg.Entries)
	for i := range declared {
		declared[i].Source = SourceConfig
	}
	fromFiles, err := readFolder(filepath.Join(cfg.Dir, catalogFolder))
	if err == nil {
		err = c.addAll(append(declared, fromFiles...))
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return c, nil
}

// Close releases the folder.
func (c *Catalog) Close() error { return c.plugins.Close() }

func readFolder(dir string) ([]Entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	var out []Entry
	for _, f := range files {
		ext := filepath.Ext(f.Name())
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		entries, err := parseFile(f.Name(), raw)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
	}
	return out, nil
}

func (c *Catalog) addAll(entries []Entry) error {
	var problems []error
	for _, e := range entries {
		if err := e.validate(c.dev); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", e.Source, err))
			continue
		}
		if other, ok := c.entries[e.Name]; ok {
			problems = append(problems, fmt.Errorf("%w %q: declared in %s and in %s; remove one",
				ErrInvalid, e.Name, other.Source, e.Source))
			continue
		}
		c.entries[e.Name] = e
	}
	return errors.Join(problems...)
}

// Entries returns all entries by name.
func (c *Catalog) Entries() []Entry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]Entry, 0, len(c.entries))
	for _, name := range slices.Sorted(maps.Keys(c.entries)) {
		out = append(out, c.entries[name].clone())
	}
	return out
}

// Get returns the entry of that name, or a not_found fault.
func (c *Catalog) Get(name string) (Entry, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[name]
	if !ok {
		return Entry{}, fault.NotFound("plugin", name).From(fault.SourceHost)
	}
	return e.clone(), nil
}

func (e Entry) clone() Entry {
	e.Args, e.Env = slices.Clone(e.Args), maps.Clone(e.Env)
	return e
}

// Binary opens the entry's binary for reading. A path, or a symlink on it, that
// leads out of the plugin folder is refused, and so, outside development, is a
// file that the group or others may write.
func (c *Catalog) Binary(e Entry) (*os.File, error) {
	f, err := c.open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the binary of plugin %q: %w", e.Name, err)
	}
	if err := c.checkMode(f); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the binary of plugin %q: %w", e.Name, err), f.Close())
	}
	return f, nil
}

func (c *Catalog) open(path string) (*os.File, error) {
	if c.dev && filepath.IsAbs(path) {
		return os.Open(path)
	}
	return c.plugins.Open(path)
}

func (c *Catalog) checkMode(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%q is no regular file", st.Name())
	}
	if !c.dev && st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: mode %s; take the write permission away", ErrUnsafe, st.Mode().Perm())
	}
	return nil
}

// Manifest returns the manifest beside the entry's binary. An entry without one
// gets the zero Manifest, which expects nothing. A manifest of another binary
// than the pinned one is an error.
func (c *Catalog) Manifest(e Entry) (manifest.Manifest, error) {
	f, err := c.open(filepath.Join(filepath.Dir(e.Path), manifest.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Manifest{}, nil
	}
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("opening the manifest of plugin %q: %w", e.Name, err)
	}
	defer func() { _ = f.Close() }()
	raw, err := readBounded(f, manifest.MaxBytes)
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("reading the manifest of plugin %q: %w", e.Name, err)
	}
	m, err := manifest.Parse(raw)
	if err == nil && e.SHA256 != "" && m.SHA256 != e.SHA256 {
		err = fmt.Errorf("%w: it is of another binary", manifest.ErrInvalid)
	}
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("reading the manifest of plugin %q: %w", e.Name, err)
	}
	return m, nil
}
