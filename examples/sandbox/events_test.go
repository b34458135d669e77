package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

var errEnough = errors.New("enough")

// hear collects so many events after a cursor, letting time pass while none comes.
func hear(t *testing.T, c *client.Client, k provider.Call, cursor string, n int, pass func()) (heard []provider.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	over := make(chan error, 1)
	go func() {
		over <- c.Events(ctx, provider.EventsRequest{Call: k, Cursor: cursor}, func(e provider.Event) error {
			if heard = append(heard, e); len(heard) == n {
				return errEnough
			}
			return nil
		})
	}()
	for {
		select {
		case err := <-over:
			if !errors.Is(err, errEnough) {
				t.Fatalf("the stream ended after %d events: %v", len(heard), err)
			}
			return heard
		case <-tick.C:
			pass()
		}
	}
}

func TestEventsTellWhatHappensByItself(t *testing.T) {
	t.Parallel()
	c, clk := start(t)
	k := call(map[string]string{"create_millis": "1000", "break_millis": "5000"})
	made, err := buy(t.Context(), c, k, "t1")
	if err != nil {
		t.Fatal(err)
	}
	began := clk.Now()
	heard := hear(t, c, k, "", 2, func() { clk.Advance(100 * time.Millisecond) })
	if op, err := heard[0].Operation(); err != nil || op != made.Operation || heard[0].Time.Sub(began) != time.Second {
		t.Errorf("first %+v, %v; want the end of %q after a second", heard[0], err, made.Operation)
	}
	if e := heard[1]; e.Type != provider.EventResourceChanged || e.ResourceID != made.Resource.ID || e.Time.Sub(began) != 6*time.Second {
		t.Errorf("second %+v; want that %q broke after six seconds", e, made.Resource.ID)
	}
	sv, err := c.Get(t.Context(), provider.GetRequest{Call: k, Kind: "instance", ID: made.Resource.ID})
	if err != nil || sv.Status != provider.StatusStopped {
		t.Errorf("the broken instance is %s, %v", sv.Status, err)
	}
	if rest := hear(t, c, k, heard[0].Cursor, 1, func() {}); rest[0].Cursor != heard[1].Cursor {
		t.Errorf("after the first comes %+v", rest[0])
	}
}

func TestSilentAccountsTellNothing(t *testing.T) {
	t.Parallel()
	c, clk := start(t)
	k := call(map[string]string{"create_millis": "1000", "silent": "true"})
	if _, err := buy(t.Context(), c, k, "t1"); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Minute)
	// No deadline: the plugin would know of it, and could be the first to notice.
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	err := c.Events(ctx, provider.EventsRequest{Call: k}, func(e provider.Event) error { t.Errorf("told %+v", e); return nil })
	if ctx.Err() == nil {
		t.Errorf("the stream ended by itself: %v, %s", err, fault.As(err).Class)
	}
}
