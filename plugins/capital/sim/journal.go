package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tradewind.example/simkit/statefile"
)

// record is one change that was made: a call with what it was given, or a
// turn of a switch. All records in order, made again, give the same state:
// handlers depend on nothing but state, arguments, time and plan.
type record struct {
	At time.Time `json:"at"`
	// IDs is how many identifiers had been made after the call.
	IDs     int64          `json:"ids,omitempty"`
	Account string         `json:"account,omitempty"`
	Service string         `json:"service,omitempty"`
	Action  string         `json:"action,omitempty"`
	Values  map[string]any `json:"values,omitempty"`
	// Secret is the salted digest that stands for a password.
	Secret string `json:"secret,omitempty"`
	// Fails and Hangs are what faults did to the change itself.
	Fails Kind `json:"fails,omitempty"`
	// Offset is what Advance added to the clock so far, in nanoseconds.
	Offset   time.Duration `json:"offset,omitempty"`
	Recharge Fen           `json:"recharge,omitempty"`
}

// keep writes a call that was done.
func (c *Cloud) keep(q *request) {
	if c.journal == nil {
		return
	}
	values := make(map[string]any, len(q.values))
	for k, v := range q.values {
		if k != "Password" {
			values[k] = v
		}
	}
	c.append(&record{
		At: q.now, IDs: c.ids, Account: q.acct.Name, Service: q.service, Action: q.action,
		Values: values, Secret: q.secret, Fails: q.fails,
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
	c.replaying = true
	defer func() { c.replaying = false }()
	var err error
	c.journal, err = statefile.Resume(path, func(line []byte) error {
		if err := c.again(line); err != nil {
			return fmt.Errorf("%w; give the configuration it was written with, or another file", err)
		}
		return nil
	})
	c.offset += max(c.at.Sub(c.now()), 0) // time never goes back, however fast the clock ran before
	return err
}

func (c *Cloud) again(line []byte) error {
	var rec record
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&rec); err != nil {
		return err
	}
	c.settle(rec.At)
	if rec.Action == "" {
		return c.turnAgain(&rec)
	}
	acct := c.byName[rec.Account]
	if acct == nil {
		return fmt.Errorf("account %q is not configured", rec.Account)
	}
	act, ok := c.routes[rec.Service][rec.Action]
	if !ok || !act.writes {
		return fmt.Errorf("there is no change %q of %q", rec.Action, rec.Service)
	}
	q := &request{
		params: newParams(rec.Values), service: rec.Service, action: rec.Action, acct: acct,
		now: rec.At, secret: rec.Secret, fails: rec.Fails,
	}
	if _, err := c.perform(act, q); err != nil {
		return err
	}
	if c.ids != rec.IDs {
		return fmt.Errorf("%s made %d identifiers, the file says %d", rec.Action, c.ids, rec.IDs)
	}
	return nil
}

func (c *Cloud) turnAgain(rec *record) error {
	c.offset = max(c.offset, rec.Offset)
	if rec.Recharge == 0 {
		return nil
	}
	acct := c.byName[rec.Account]
	if acct == nil {
		return fmt.Errorf("account %q is not configured", rec.Account)
	}
	acct.recharge(rec.Recharge)
	return nil
}

// password reads a required password and turns it into a salted digest.
func (q *request) password(c *Cloud) {
	if c.replaying {
		return
	}
	text := q.need("Password")
	if q.err() != nil {
		return
	}
	if !goodPassword(text) {
		q.fail(invalid("Password", "must have 8 to 30 characters with small and capital letters and digits"))
		return
	}
	salt := randomHex(8)
	q.secret = salt + ":" + saltedDigest(salt, text)
}

// goodPassword is a choice: the vendor's rule is not published.
func goodPassword(s string) bool {
	return len(s) >= 8 && len(s) <= 30 && strings.ContainsAny(s, "0123456789") &&
		strings.ToLower(s) != s && strings.ToUpper(s) != s
}
