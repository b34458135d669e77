package app_test

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"tradewind.example/core/app"
	"tradewind.example/sdk/clock"
)

// TestStopBeforeTheFirstRequest: a broker that is told to stop while it begins
// to serve ends in order, without an error.
func TestStopBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	for range 5 {
		a, err := app.Open(t.Context(), settings(t), app.Options{Clock: clock.Real{}, Logger: slog.New(slog.DiscardHandler), Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := a.Serve(ctx, l); err != nil {
			t.Errorf("serving: %v", err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
}
