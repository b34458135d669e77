// Package crash keeps the reports of plugins that crashed: as files, a bounded
// number of them for each plugin, each of a bounded size. It does not decide
// what a crash is and masks nothing: what it is given must hold no secrets.
//
// A [Store] is safe for concurrent use. It owns the files of its folder, which
// only the host's user may read.
package crash

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
)

// Kind says what happened.
type Kind string

// The kinds.
const (
	KindStart Kind = "start" // the process ended before it could serve
	KindExit  Kind = "exit"  // the process ended by itself while it served
	KindLost  Kind = "lost"  // the process lived on, but could not be reached or took too much, and was killed
	KindPanic Kind = "panic" // a call panicked; the SDK caught it and the process lives
)

// Report tells of one crash.
type Report struct {
	ID      string    `json:"id"` // ordered by time
	Time    time.Time `json:"time"`
	Plugin  string    `json:"plugin"`
	Version string    `json:"version,omitempty"`
	SHA256  string    `json:"sha256,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Kind    Kind      `json:"kind"`

	Status      int           `json:"status"`           // exit status; -1 when a signal ended the process
	Signal      string        `json:"signal,omitempty"` // "SIGSEGV"
	OutOfMemory bool          `json:"out_of_memory,omitempty"`
	Uptime      time.Duration `json:"uptime_ns"`
	// ResidentBytes is the memory that the process had when it was last looked
	// at, at ResidentAt; zero when it never was.
	ResidentBytes int64     `json:"resident_bytes,omitempty"`
	ResidentAt    time.Time `json:"resident_at,omitzero"`

	Message string   `json:"message"`         // what the plugin said: the panic's text
	Trace   []string `json:"trace,omitempty"` // lines of the stack
	// Output is what the process printed last, oldest first.
	Output []string `json:"output,omitempty"`
	// Calls are those at work at that moment. When there are several, any of
	// them may be the cause.
	Calls []Call `json:"calls,omitempty"`
}

// Call is one call at work.
type Call struct {
	Method string `json:"method"` // "ResourcesService/Create"
	// Input lists the fields of the request that were set, with types and
	// lengths, and never with values.
	Input []string `json:"input,omitempty"`
}

// Bounds of what is kept.
const (
	MaxReports = 10       // of one plugin
	MaxBytes   = 64 << 10 // of one report
)

// Store keeps reports below one folder.
type Store struct {
	dir string
	mu  sync.Mutex // one writer at a time
}

// Open makes the folder, for the host's user only.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of crash reports: %w", err)
	}
	return &Store{dir: dir}, nil
}

const extension = ".json"

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	idForm   = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{9}-[0-9a-f]{8}$`)
)

// Save writes the report under a new id, which it returns, and removes the
// plugin's oldest ones beyond [MaxReports]. What makes it longer than
// [MaxBytes] is cut: output first, then the trace.
func (s *Store) Save(r Report) (id string, err error) {
	if !nameForm.MatchString(r.Plugin) {
		return "", fmt.Errorf("keeping a crash report: %q is not the name of a plugin", r.Plugin)
	}
	r.ID = newID(r.Time)
	raw, err := encode(r)
	if err != nil {
		return "", fmt.Errorf("keeping a crash report: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := filepath.Join(s.dir, r.Plugin)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("keeping a crash report: %w", err)
	}
	if err := write(filepath.Join(folder, r.ID+extension), raw); err != nil {
		return "", fmt.Errorf("keeping a crash report: %w", err)
	}
	return r.ID, s.trim(folder)
}

func newID(at time.Time) string {
	var unique [4]byte
	_, _ = rand.Read(unique[:]) // never fails, see crypto/rand
	return at.UTC().Format("20060102T150405.000000000") + "-" + hex.EncodeToString(unique[:])
}

// encode makes JSON of at most MaxBytes.
func encode(r Report) ([]byte, error) {
	for {
		raw, err := json.MarshalIndent(r, "", " ")
		if err != nil || len(raw) <= MaxBytes {
			return raw, err
		}
		switch {
		case len(r.Output) > 0:
			r.Output = r.Output[(len(r.Output)+1)/2:]
		case len(r.Trace) > 0:
			r.Trace = r.Trace[:len(r.Trace)/2]
		case len(r.Calls) > 0:
			r.Calls = r.Calls[:len(r.Calls)/2]
		case len(r.Message) > maxMessage:
			r.Message = strings.ToValidUTF8(r.Message[:maxMessage], "")
		default:
			return nil, fmt.Errorf("the report needs %d bytes", len(raw))
		}
	}
}

const maxMessage = 4 << 10 // bytes

// write makes the file appear whole or not at all.
func write(path string, raw []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, raw, 0o600); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

// trim removes the oldest reports of a folder beyond the bound.
func (s *Store) trim(folder string) error {
	ids, err := list(folder)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids[min(len(ids), MaxReports):] {
		errs = append(errs, os.Remove(filepath.Join(folder, id+extension)))
	}
	return errors.Join(errs...)
}

// list returns the ids of a folder, newest first.
func list(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing crash reports: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), extension); ok && idForm.MatchString(id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(b, a) })
	return ids, nil
}

// List returns the plugin's reports, newest first; none for a plugin that
// never crashed. A file that cannot be read is left out.
func (s *Store) List(plugin string) ([]Report, error) {
	if !nameForm.MatchString(plugin) {
		return nil, nil
	}
	ids, err := list(filepath.Join(s.dir, plugin))
	if err != nil {
		return nil, err
	}
	out := make([]Report, 0, len(ids))
	for _, id := range ids {
		if r, err := s.Get(plugin, id); err == nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// Get returns one report; a not_found fault when there is none of that id.
func (s *Store) Get(plugin, id string) (Report, error) {
	if !nameForm.MatchString(plugin) || !idForm.MatchString(id) {
		return Report{}, fault.NotFound("crash report", id).From(fault.SourceHost)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, plugin, id+extension))
	if errors.Is(err, os.ErrNotExist) {
		return Report{}, fault.NotFound("crash report", id).From(fault.SourceHost)
	}
	var r Report
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return Report{}, fmt.Errorf("reading crash report %q: %w", id, err)
	}
	return r, nil
}
