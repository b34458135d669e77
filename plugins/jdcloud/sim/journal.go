package sim

import (
	"encoding/json"
	"fmt"
	"time"

	"tradewind.example/simkit/statefile"
)

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
	if err := c.journal.Append(c.tx); err != nil {
		c.broken = err
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
	return c.broken
}

// openJournal replays the state file, if there is to be one.
func (c *Cloud) openJournal(path string) error {
	if path == "" {
		return nil
	}
	var err error
	c.journal, err = statefile.Open(path, func(line []byte) error {
		var rec savedRecord
		if err := json.Unmarshal(line, &rec); err != nil {
			return err
		}
		return c.apply(&rec)
	}, c.dump)
	*c.tx = record{}
	return err
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

// dump writes the living state, one row a line.
func (c *Cloud) dump(emit func(any) error) error {
	if err := emit(&record{Seq: c.seq, Offset: c.offset}); err != nil {
		return err
	}
	for _, name := range sortedKeys(c.stores) {
		err := c.stores[name].dump(func(key string, row any) error {
			return emit(&record{Set: map[string]map[string]any{name: {key: row}}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
