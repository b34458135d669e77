package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

var errClosed = errors.New("the simulator is closed")

// compactEvery bounds the growth of the state file between compactions.
const compactEvery = 200000

// journal is the state file: each line holds the rows of one change, so that a
// line torn by a kill is a change that was never answered. Lines are appended
// before the answer leaves. It is not synced to the disk: it survives a kill of
// the process, not a power cut.
type journal struct {
	path  string
	file  *os.File
	lines int
}

func (j *journal) append(rows []row) error {
	b, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	j.lines++
	_, err = j.file.Write(append(b, '\n'))
	return err
}

func (j *journal) close() error { return j.file.Close() }

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
	err := c.journal.append(rows)
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
	if k := c.clock.get("clock"); k != nil {
		c.seq, c.offset = k.Seq, k.Offset
	}
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
	tables := map[string]stored{}
	for _, t := range c.tables() {
		tables[t.kind] = t.stored
	}
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = apply(tables, line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
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
	for _, t := range c.tables() {
		if err := t.dump(func(r row) error { return enc.Encode([]row{r}) }); err != nil {
			return err
		}
	}
	return nil
}
