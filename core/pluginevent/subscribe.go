package pluginevent

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tradewind.example/core/store"
	contract "tradewind.example/sdk/provider"
)

// cursors holds how far each subscription has read: Key(id) -> cursor.
const cursors store.Bucket = "plugin_event/cursor"

// Subscription is one account whose events are followed.
type Subscription struct {
	ID      string // the enablement's; the cursor is kept under it
	Plugin  string
	RootOrg string
	Org     string // whose account it is
}

// subscribe keeps one stream open for each account, looking for new and ended
// ones from time to time.
func (s *Service) subscribe(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	open := map[string]context.CancelFunc{}
	for ctx.Err() == nil {
		wanted, err := s.cfg.Subscriptions(ctx)
		if err == nil {
			s.adjust(ctx, &group, open, wanted)
		} else if ctx.Err() == nil {
			s.cfg.Logger.Error("accounts to subscribe to not read", "error", err.Error())
		}
		s.rest(ctx, nil, s.cfg.Clock.Now().Add(s.limits.Look))
	}
	for _, end := range open {
		end()
	}
}

// adjust opens the streams that are wanted and ends the others.
func (s *Service) adjust(ctx context.Context, group *sync.WaitGroup, open map[string]context.CancelFunc, wanted []Subscription) {
	if over := len(wanted) - s.limits.Subscriptions; over > 0 {
		s.cfg.Logger.Warn("too many accounts tell of events", "accounts", len(wanted), "not_subscribed", over)
		wanted = wanted[:s.limits.Subscriptions]
	}
	keep := make(map[string]bool, len(wanted))
	for _, sub := range wanted {
		keep[sub.ID] = true
	}
	for id, end := range open {
		if !keep[id] {
			end()
			delete(open, id)
		}
	}
	for _, sub := range wanted {
		if open[sub.ID] == nil {
			own, end := context.WithCancel(ctx)
			open[sub.ID] = end
			group.Go(func() { s.listen(own, sub) })
		}
	}
}

// listen reads one account's events, again and again after a pause that grows
// while nothing comes.
func (s *Service) listen(ctx context.Context, sub Subscription) {
	limit := rate.NewLimiter(rate.Limit(s.limits.Rate), int(max(1, s.limits.Rate)))
	for failures := 0; ctx.Err() == nil; {
		heard, err := s.hear(ctx, sub, limit)
		if failures++; heard {
			failures = 1
		}
		if ctx.Err() != nil {
			return
		}
		pause := s.pause(failures)
		pause += time.Duration(rand.Int64N(int64(pause)/4 + 1)) //nolint:gosec // streams that broke together must not come back together
		if err != nil {
			s.cfg.Logger.Debug("a stream of events ended", "plugin", sub.Plugin, "enablement_id", sub.ID, "again_in", pause, "error", err.Error())
		}
		s.rest(ctx, nil, s.cfg.Clock.Now().Add(pause))
	}
}

// hear reads one stream to its end and reports whether anything came.
func (s *Service) hear(ctx context.Context, sub Subscription, limit *rate.Limiter) (heard bool, err error) {
	cursor, err := s.cursor(ctx, sub)
	if err != nil {
		return false, err
	}
	err = s.cfg.Subscribe(ctx, sub, cursor, func(e contract.Event) error {
		heard = true
		// Waiting here holds the stream back: the plugin is the one that waits.
		if err := limit.Wait(ctx); err != nil {
			return err
		}
		return s.take(ctx, sub, e)
	})
	return heard, err
}

func (s *Service) cursor(ctx context.Context, sub Subscription) (cursor string, err error) {
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		raw, err := r.Get(cursors, store.Key(sub.ID))
		cursor = string(raw)
		return err
	})
	return cursor, err
}

// take keeps an event together with the place after it. An event that breaks the
// bounds is counted and passed over.
func (s *Service) take(ctx context.Context, sub Subscription, e contract.Event) error {
	bad := e.CheckEmitted() != nil
	if bad {
		s.cfg.Count(sub.Plugin, typeOf(e), ResultRefused)
	}
	if e.Time.IsZero() {
		e.Time = s.cfg.Clock.Now()
	}
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if e.Cursor != "" && len(e.Cursor) <= contract.MaxStorageKey {
			if err := tx.Put(cursors, store.Key(sub.ID), []byte(e.Cursor)); err != nil {
				return err
			}
		}
		if bad {
			return nil
		}
		return s.cfg.Append(tx, Event{Plugin: sub.Plugin, RootOrg: sub.RootOrg, Event: e})
	})
}
