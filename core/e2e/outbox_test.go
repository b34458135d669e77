package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// outboxDrains looks into the store of a broker that was killed: the events
// that it leaves are delivered by a later one in bounded time.
func (w *world) outboxDrains(ctx context.Context) error {
	for left := -1; ; {
		topics, n, err := w.eventsLeft(ctx)
		if err != nil || n == 0 {
			if err == nil && topics == 0 {
				err = errors.New("no event was ever written: nothing is proven")
			}
			return err
		}
		if left >= 0 && n >= left {
			return fmt.Errorf("%d events are left, %d were left a life ago", n, left)
		}
		left = n
		w.start()
		w.broker.over(2 * time.Second) // a life long enough for some deliveries
		w.broker.kill()
	}
}

// eventsLeft counts the topics that ever had an event, and the events that are
// not delivered.
func (w *world) eventsLeft(ctx context.Context) (topics, left int, err error) {
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(w.dir, "data", "tradewind.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(ctx, func(r store.Reader) error {
		topics, left = 0, 0
		count := func(n *int) func(_, _ []byte) error {
			return func(_, _ []byte) error { *n++; return nil }
		}
		all := store.Prefix().All()
		if err := r.Scan("outbox/seq", all, count(&topics)); err != nil {
			return err
		}
		return r.Scan("outbox", all, count(&left))
	})
	return topics, left, err
}
