package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// levelsFile keeps, in [Config.Dir], the log levels that were set.
const levelsFile = "log-levels.json"

// levels are the log levels that were set, by plugin. They outlive the host.
type levels struct {
	path string
	mu   sync.Mutex
	set  map[string]slog.Level
}

func openLevels(path string) (*levels, error) {
	l := &levels{path: path, set: map[string]slog.Level{}}
	raw, err := os.ReadFile(path) //nolint:gosec // a file of the host's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &l.set)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the log levels of plugins: %w", err)
	}
	return l, nil
}

// of returns the level of a plugin; not ok when none was set.
func (l *levels) of(plugin string) (level slog.Level, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	level, ok = l.set[plugin]
	return level, ok
}

// put keeps a level before it returns.
func (l *levels) put(plugin string, level slog.Level) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := maps.Clone(l.set)
	next[plugin] = level
	raw, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the log levels of plugins: %w", err)
	}
	if err := replaceFile(l.path, append(raw, '\n')); err != nil {
		return fmt.Errorf("keeping the log level of plugin %q: %w", plugin, err)
	}
	l.set = next
	return nil
}

// replaceFile writes a file beside path and renames it: whoever is killed
// leaves the old one or the new one.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // it is of no use
		}
	}()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
