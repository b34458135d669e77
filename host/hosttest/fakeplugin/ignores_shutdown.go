package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"tradewind.example/sdk"
)

// ignoresShutdown does not end by itself, however it is asked.
func ignoresShutdown() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	sdk.Serve(&unwilling{})
	time.Sleep(24 * time.Hour)
}

type unwilling struct{ fake }

// Shutdown never returns, also when its time is over.
func (*unwilling) Shutdown(context.Context) error { select {} }
