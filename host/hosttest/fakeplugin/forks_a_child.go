package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// What the program may be told beside the name of this behaviour.
const (
	inSession = "session" // the child gets a session of its own
	asChild   = "child"   // the program is that child
)

// forksAChild starts a child that ignores every signal that it can and holds
// its parent's output streams. Its pid is the name of the only region.
func forksAChild() {
	if slices.Contains(os.Args, asChild) {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		time.Sleep(24 * time.Hour)
		return
	}
	child := exec.CommandContext(context.Background(), "/proc/self/exe", os.Args[1], asChild)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: slices.Contains(os.Args, inSession)}
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sdk.Serve(&parent{child: child.Process.Pid})
}

type parent struct {
	fake
	child int
}

// Regions names the child, or ends without it when told to exit.
func (p *parent) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	if rs, err := p.fake.Regions(ctx, req); err != nil {
		return rs, err
	}
	return []provider.Region{{ID: strconv.Itoa(p.child)}}, nil
}
