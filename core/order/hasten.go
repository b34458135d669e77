package order

import (
	"fmt"

	"tradewind.example/core/store"
)

// maxHastened bounds how many orders one operation's event wakes: accounts of one
// plugin may use the same word for different operations.
const maxHastened = 16

// operationKeys are an order's entries in the index of running operations.
func operationKeys(o *Order) [][]byte {
	var out [][]byte
	for i := range o.Units {
		if u := &o.Units[i]; u.State == UnitStarted && u.Operation != "" {
			out = append(out, operationKey(o.RootID, o.Plugin, u.Operation))
		}
	}
	return out
}

func operationKey(rootID, plugin, operation string) []byte {
	return store.Key(rootID, plugin, operation)
}

// HastenTx has the orders ask now that wait for a plugin's operation. It returns
// how many do, and whether one of them is busy: asking at this moment, perhaps a
// moment too early.
func (s *Service) HastenTx(tx store.Tx, plugin, rootID, operation string) (found int, busy bool, err error) {
	var waiting []store.Doc[Order]
	q := store.Query{Index: "operation", Prefix: operationKey(rootID, plugin, operation), Limit: maxHastened}
	err = s.orders.Each(tx, q, func(d store.Doc[Order]) error {
		waiting = append(waiting, d)
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("looking for operation %q of plugin %q: %w", operation, plugin, err)
	}
	for _, d := range waiting {
		b, err := s.cfg.Jobs.HastenTx(tx, d.Value.JobID)
		if err != nil {
			return 0, false, fmt.Errorf("hastening order %q: %w", d.Value.ID, err)
		}
		if b {
			busy = true
			continue
		}
		if err := s.askNow(tx, d, operation); err != nil {
			return 0, false, fmt.Errorf("hastening order %q: %w", d.Value.ID, err)
		}
	}
	return len(waiting), busy, nil
}

// askNow makes the units due that wait for the operation. The order's job is not
// running, so nobody's work on the order is lost.
func (s *Service) askNow(tx store.Tx, d store.Doc[Order], operation string) error {
	o, now, changed := d.Value, s.cfg.Clock.Now(), false
	for i := range o.Units {
		u := &o.Units[i]
		if u.State == UnitStarted && u.Operation == operation && u.NextAt.After(now) {
			u.NextAt, changed = now, true
		}
	}
	if !changed {
		return nil
	}
	_, err := s.orders.Update(tx, o, d.Rev)
	return err
}
