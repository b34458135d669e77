package main

import (
	"context"
	"os"
	"syscall"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// stopsItself stops its whole process when it is asked for regions.
func stopsItself() { sdk.Serve(&stopping{}) }

type stopping struct{ fake }

// Regions never answers: a process is stopped a moment after its signal.
func (*stopping) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return nil, err
	}
	select {}
}
