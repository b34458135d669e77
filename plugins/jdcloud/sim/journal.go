package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

var errClosed = errors.New("the simulator is closed")

// compactEvery bounds the growth of the state file between compactions.
const compactEvery = 200000

// record is one committed change: a whole line of the state file, so that a
// line torn by a kill is a change that was never answered.
type record struct {
	Seq int64 `json:"seq,omitempty"`
	// Offset is what Advance added to the clock, in nanoseconds.
	Offset time.Duration             `json:"offset,omitempty"`
	Set    map[string]map[string]any `json:"set,omitempty"`
	Gone   map[string][]string       `json:"gone,omitempty"`
}

func (r *record) empty() bool {
	return r.Seq == 0 && r.Offset == 0 && r.Set == nil && r.Gone == nil
}

func (r *record) keep(table, key string, row any) {
	if r.Set == nil {
		r.Set = map[string]map[string]any{}
	}
	if r.Set[table] == nil {
		r.Set[table] = map[string]any{}
	}
	r.Set[table][key] = row
}

func (r *record) gone(table, key string) {
	if r.Set[table] != nil {
		delete(r.Set[table], key)
	}
	if r.Gone == nil {
		r.Gone = map[string][]string{}
	}
	r.Gone[table] = append(r.Gone[table], key)
}

// savedRecord is a record as it is read back.
type savedRecord struct {
	Seq    int64                                 `json:"seq"`
	Offset time.Duration                         `json:"offset"`
	Set    map[string]map[string]json.RawMessage `json:"set"`
	Gone   map[string][]string                   `json:"gone"`
}

// journal is the state file: lines are appended before the answer leaves. It
// is not synced to the disk: it survives a kill of the process, not a power cut.
type journal struct {
	path  string
	file  *os.File
	lines int
}

func (j *journal) append(r *record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	j.lines++
	_, err = j.file.Write(append(b, '\n'))
	return err
}

// commit writes what the call changed. After a failed write nothing is
// answered as done any more.
func (c *Cloud) commit() error {
	if c.broken != nil {
		return c.broken
	}
	if c.tx.empty() {
		return nil
	}
	defer func() { *c.tx = record{} }()
	if c.journal == nil {
		return nil
	}
	err := c.journal.append(c.tx)
	if err == nil && c.journal.lines > compactEvery {
		err = c.compact()
	}
	if err != nil {
		c.broken = fmt.Errorf("writing the state file: %w", err)
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
	return c.broken
}

// openJournal replays the file, then rewrites it in short form.
func (c *Cloud) openJournal(path string) error {
	if path == "" {
		return nil
	}
	if err := c.replayFile(path); err != nil {
		return fmt.Errorf("reading the state file: %w", err)
	}
	*c.tx = record{}
	c.journal = &journal{path: path}
	if err := c.compact(); err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	return nil
}

func (c *Cloud) replayFile(path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return c.replay(bufio.NewReader(f))
}

// replay applies whole lines; a last line without its end is dropped.
func (c *Cloud) replay(r *bufio.Reader) error {
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var rec savedRecord
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := c.apply(&rec); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// apply puts one record into memory.
func (c *Cloud) apply(r *savedRecord) error {
	c.seq, c.offset = max(c.seq, r.Seq), max(c.offset, r.Offset)
	for name, rows := range r.Set {
		s := c.stores[name]
		if s == nil {
			return fmt.Errorf("table %q is unknown", name)
		}
		for key, raw := range rows {
			if err := s.load(key, raw); err != nil {
				return fmt.Errorf("table %q, row %q: %w", name, key, err)
			}
		}
	}
	for name, keys := range r.Gone {
		s := c.stores[name]
		if s == nil {
			return fmt.Errorf("table %q is unknown", name)
		}
		for _, key := range keys {
			s.drop(key)
		}
	}
	return nil
}

// compact replaces the file by the living state, one row a line.
func (c *Cloud) compact() error {
	tmp := c.journal.path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = errors.Join(c.dump(json.NewEncoder(w)), w.Flush())
	if err == nil {
		err = os.Rename(tmp, c.journal.path)
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	if c.journal.file != nil {
		_ = c.journal.file.Close()
	}
	c.journal.file, c.journal.lines = f, 0
	return nil
}

func (c *Cloud) dump(enc *json.Encoder) error {
	if err := enc.Encode(&record{Seq: c.seq, Offset: c.offset}); err != nil {
		return err
	}
	for _, name := range sortedKeys(c.stores) {
		err := c.stores[name].dump(func(key string, row any) error {
			return enc.Encode(&record{Set: map[string]map[string]any{name: {key: row}}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
