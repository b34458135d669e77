package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"tradewind.example/simkit/statefile"
)

// load reads the state file, if it exists.
func (c *Cloud) load() error {
	if c.cfg.StateFile == "" {
		return nil
	}
	raw, err := os.ReadFile(c.cfg.StateFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &c.state); err != nil {
		return err
	}
	if c.state.Bought == nil {
		c.state.Bought = map[string]map[string]Bought{}
	}
	return nil
}

// save replaces the state file by the state of now. It is renamed into its
// place, so a kill leaves the old one or the new one, and not synced.
func (c *Cloud) save() error {
	if c.cfg.StateFile == "" {
		return nil
	}
	raw, err := json.Marshal(&c.state)
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	if err := statefile.Replace(c.cfg.StateFile, raw); err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	return nil
}

// commit keeps what a call changed. After a failed write nothing is answered
// as done any more.
func (c *Cloud) commit() error {
	if c.broken != nil {
		return c.broken
	}
	if err := c.save(); err != nil {
		c.broken = err
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
	return c.broken
}
