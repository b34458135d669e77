package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"tradewind.example/host/manifest"
)

// file is the layout of a declarative file, and of the file of an installed plugin.
type file struct {
	Plugins    []Entry     `yaml:"plugins" json:"plugins"`
	Selections []Selection `yaml:"selections,omitempty" json:"selections,omitempty"`

	source string // the file's name, or SourceConfig
}

const (
	maxFileBytes = 1 << 20
	maxEntries   = 256

	installedPrefix = "installed-"
	installedSuffix = ".json"
)

func installedFile(name string) string { return installedPrefix + name + installedSuffix }

// installed reports whether the file is of an installed plugin, and of which.
func (f file) installed() (name string, ok bool) {
	name, ok = strings.CutPrefix(f.source, installedPrefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, installedSuffix)
	return name, ok && manifest.ValidName(name)
}

func readFile(path string) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return file{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	return parseFile(filepath.Base(path), raw)
}

// parseFile reads a YAML or JSON file of entries; JSON is read as YAML.
func parseFile(source string, raw []byte) (file, error) {
	if len(raw) > maxFileBytes {
		return file{}, fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, source, maxFileBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	f := file{source: source}
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return file{}, fmt.Errorf("%w: %s: %w", ErrInvalid, source, err)
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return file{}, fmt.Errorf("%w: %s: a second document follows; keep one in each file", ErrInvalid, source)
	}
	if len(f.Plugins) > maxEntries || len(f.Selections) > maxEntries {
		return file{}, fmt.Errorf("%w: %s has more than %d plugins", ErrInvalid, source, maxEntries)
	}
	return f, nil
}

// encode writes the file in the form that parseFile reads.
func (f file) encode() ([]byte, error) {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the catalogue: %w", err)
	}
	return append(raw, '\n'), nil
}

// records makes the records of the file's plugins by the operations that would
// install and select them. All problems are told at once.
func (f file) records(dev bool) ([]*record, error) {
	var names []string
	byName := map[string]*record{}
	var problems []error
	for _, e := range f.Plugins {
		r, ok := byName[e.Name]
		if !ok {
			r = newRecord(e.Name, f.source)
			byName[e.Name] = r
			names = append(names, e.Name)
		}
		problems = append(problems, f.wrap(e.Name, r.declare(e, dev)))
	}
	selected := map[string]bool{}
	for _, s := range f.Selections {
		r, ok := byName[s.Name]
		if !ok || selected[s.Name] {
			problems = append(problems, f.wrap(s.Name, errors.New("its selection needs entries in the same file, and there may be one")))
			continue
		}
		selected[s.Name] = true
		problems = append(problems, f.wrap(s.Name, r.restore(s)))
	}
	var out []*record
	for _, name := range names {
		r := byName[name]
		if len(r.entries) > 1 && !selected[name] {
			problems = append(problems, f.wrap(name, errors.New("it has several versions; say in selections which one is active")))
		}
		if len(r.entries) == 0 {
			continue // told above
		}
		problems = append(problems, f.wrap(name, r.finish(f)))
		r.index()
		out = append(out, r)
	}
	return out, errors.Join(problems...)
}

func (f file) wrap(name string, err error) error {
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("%s: %w %q: %w", f.source, ErrInvalid, name, err)
}
