package sim

import (
	"encoding/json"
	"fmt"

	"tradewind.example/simkit/statefile"
)

// commit writes what the call changed. After a failed write nothing is
// answered as done any more.
func (c *Cloud) commit() error {
	if c.broken != nil {
		return c.broken
	}
	rows := c.tx
	c.tx = nil
	if len(rows) == 0 || c.journal == nil {
		return nil
	}
	if err := c.journal.Append(rows); err != nil {
		c.broken = err
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
	return c.broken
}

// openJournal replays the state file, if there is to be one. Each line holds
// the rows of one change.
func (c *Cloud) openJournal(path string) error {
	if path == "" {
		return nil
	}
	tables := map[string]stored{}
	for _, t := range c.tables() {
		tables[t.kind] = t.stored
	}
	var err error
	c.journal, err = statefile.Open(path, func(line []byte) error { return apply(tables, line) }, c.dump)
	if k := c.clock.get("clock"); k != nil {
		c.seq, c.offset = k.Seq, k.Offset
	}
	return err
}

func apply(tables map[string]stored, line []byte) error {
	var rows []struct {
		Kind  string          `json:"k"`
		ID    string          `json:"i"`
		Value json.RawMessage `json:"v"`
	}
	if err := json.Unmarshal(line, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		t := tables[r.Kind]
		if t == nil {
			return fmt.Errorf("kind %q is not known", r.Kind)
		}
		if err := t.load(r.ID, r.Value); err != nil {
			return err
		}
	}
	return nil
}

// dump writes the living state, one row a line.
func (c *Cloud) dump(emit func(any) error) error {
	for _, t := range c.tables() {
		if err := t.dump(func(r row) error { return emit([]row{r}) }); err != nil {
			return err
		}
	}
	return nil
}
