package resource

import (
	"context"
	"fmt"

	"tradewind.example/core/store"
)

// maxHastened bounds how many actions one operation's event wakes: accounts may
// use the same word for different operations.
const maxHastened = 16

// HastenTx has the actions ask now that wait for a plugin's operation. It returns
// how many do, and whether one of them is busy: asking at this moment, perhaps a
// moment too early.
func (s *Service) HastenTx(tx store.Tx, plugin, rootID, operation string) (found int, busy bool, err error) {
	var waiting []run
	q := store.Query{Index: "operation", Prefix: store.Key(rootID, operation), Limit: maxHastened}
	err = s.runs.Each(tx, q, func(d store.Doc[run]) error {
		waiting = append(waiting, d.Value)
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("looking for operation %q of plugin %q: %w", operation, plugin, err)
	}
	for _, v := range waiting {
		of, err := s.resources.Get(tx, v.ResourceID)
		if err != nil {
			return 0, false, fmt.Errorf("reading the resource of action %q: %w", v.ID, err)
		}
		if of.Value.Plugin != plugin {
			continue
		}
		b, err := s.cfg.Jobs.HastenTx(tx, v.JobID)
		if err != nil {
			return 0, false, fmt.Errorf("hastening action %q: %w", v.ID, err)
		}
		found++
		busy = busy || b
	}
	return found, busy, nil
}

// Refresh asks a resource's cloud and stores what it says. It checks no rights:
// it is for the broker's own work. One that was released is left alone.
func (s *Service) Refresh(ctx context.Context, resourceID string) error {
	v, err := s.stored(ctx, resourceID)
	if err != nil || !v.Live() {
		return err
	}
	if v, err = s.whole(ctx, v); err != nil || !v.Live() {
		return err
	}
	_, err = s.refresh(ctx, v)
	return err
}
