package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"tradewind.example/simkit/statefile"
)

// keptPassword stands in the state file for every password: only that there
// was a good one matters.
const keptPassword = "Kept-password-0"

// record is one change that was made: a call with what it was given, or a turn
// of the clock. All records in order, made again, give the same state: actions
// depend on nothing but state, parameters, time and faults.
type record struct {
	At time.Time `json:"at"`
	// Seq is the last number that the account had given after the call.
	Seq     int64             `json:"seq,omitempty"`
	Account string            `json:"account,omitempty"`
	Action  string            `json:"action,omitempty"`
	Values  map[string]string `json:"values,omitempty"`
	// Fails and Hangs are what faults did to the change itself.
	Fails bool `json:"fails,omitempty"`
	Hangs bool `json:"hangs,omitempty"`
	// Offset is what Advance added to the clock so far, in nanoseconds.
	Offset time.Duration `json:"offset,omitempty"`
}

// plan is what faults did when the change was first made.
func (r *record) plan() plan {
	var p plan
	if r.Fails {
		p.Quiet = append(p.Quiet, KindInstallFail)
	}
	if r.Hangs {
		p.Quiet = append(p.Quiet, KindStopHang)
	}
	return p
}

// keep writes a call that was done, before its answer leaves.
func (c *Cloud) keep(q *call, now time.Time) {
	if c.journal == nil {
		return
	}
	values := maps.Clone(q.values)
	maps.DeleteFunc(values, func(name, _ string) bool { return isCommon(name) && name != "RegionId" })
	if values["Password"] != "" {
		values["Password"] = keptPassword
	}
	c.append(&record{
		At: now, Seq: q.acct.world.seq, Account: q.acct.Name, Action: q.action, Values: values, Fails: q.plan.Has(KindInstallFail), Hangs: q.plan.Has(KindStopHang),
	})
}

// append writes one line. After a failed write nothing is answered as done any more.
func (c *Cloud) append(r *record) {
	if c.journal == nil || c.broken != nil {
		return
	}
	if err := c.journal.Append(r); err != nil {
		c.broken = err
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
}

// openJournal makes all changes of the state file again and appends from there.
func (c *Cloud) openJournal(path string) error {
	if path == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var last time.Time
	var err error
	c.journal, err = statefile.Resume(path, func(line []byte) error {
		at, err := c.again(line)
		if err != nil {
			return fmt.Errorf("%w; give the configuration it was written with, or another file", err)
		}
		last = at
		return nil
	})
	if !last.IsZero() {
		c.offset += max(last.Sub(c.now()), 0) // time never goes back, however fast the clock ran before
	}
	return err
}

// again makes one change again and tells when it was.
func (c *Cloud) again(line []byte) (time.Time, error) {
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil {
		return rec.At, err
	}
	if rec.Action == "" {
		c.offset = max(c.offset, rec.Offset)
		return rec.At, nil
	}
	var acct *account
	for _, a := range c.accounts {
		if a.Name == rec.Account {
			acct = a
		}
	}
	if acct == nil {
		return rec.At, fmt.Errorf("account %q is not configured", rec.Account)
	}
	act, ok := c.actions[rec.Action]
	if !ok || !act.writes {
		return rec.At, fmt.Errorf("there is no change %q", rec.Action)
	}
	q := &call{values: rec.Values, action: rec.Action, acct: acct, plan: rec.plan()}
	acct.world.settle(rec.At)
	if _, err := act.run(acct.world, q); err != nil {
		return rec.At, err
	}
	acct.world.settle(rec.At)
	if acct.world.seq != rec.Seq {
		return rec.At, fmt.Errorf("%s gave numbers up to %d, the file says %d", rec.Action, acct.world.seq, rec.Seq)
	}
	return rec.At, nil
}

// Close closes the state file. Calls after Close answer InternalError.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.journal == nil || c.broken != nil {
		return nil
	}
	c.broken = statefile.ErrClosed
	return c.journal.Close()
}
