package main

import (
	"context"
	"strconv"
	"time"

	"tradewind.example/sdk/provider"
)

// maxLog is how many events of an account are kept for a stream that broke.
const maxLog = 1000

// Events streams what happens to an account's instances by itself. A silent
// account's stream stays empty.
func (s *sandbox) Events(ctx context.Context, req provider.EventsRequest, yield func(provider.Event) error) error {
	set, err := provider.DecodeAccount[Settings](req.Call)
	if err != nil {
		return err
	}
	c, err := s.open(req.Call)
	if err != nil {
		return err
	}
	if set.Silent {
		<-ctx.Done()
		return ctx.Err()
	}
	for seen := req.Cursor; ; {
		events, due, news := c.after(seen)
		for _, e := range events {
			if err := yield(e); err != nil {
				return err
			}
			seen = e.Cursor
		}
		var next <-chan time.Time
		if !due.IsZero() {
			next = s.clock.After(due.Sub(s.clock.Now()))
		}
		select {
		case <-next:
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// after returns the events after a cursor, when the next thing happens (zero:
// nothing will), and a channel that closes when that changes. A cursor that is
// not known, perhaps of an earlier process, gets all there is.
func (c *cloud) after(cursor string) (events []provider.Event, due time.Time, news <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sv := range c.servers {
		c.now(sv)
		for _, at := range []time.Time{sv.ready, sv.breaks} {
			if at.After(c.clock.Now()) && (due.IsZero() || at.Before(due)) {
				due = at
			}
		}
	}
	from := 0
	for i, e := range c.log {
		if e.Cursor == cursor {
			from = i + 1
		}
	}
	return append([]provider.Event(nil), c.log[from:]...), due, c.news
}

// cursor is the next event's. It begins with a time of this cloud, which is
// another one after the process was replaced.
func (c *cloud) cursor() string {
	return strconv.FormatInt(c.since.UnixNano(), 36) + "-" + strconv.Itoa(c.logged+1)
}

func (c *cloud) note(e provider.Event, at time.Time) {
	e.Time = at
	c.logged++
	c.log = append(c.log, e)
	if len(c.log) > maxLog {
		c.log = append([]provider.Event(nil), c.log[len(c.log)-maxLog/2:]...)
	}
}
