// Command ucloud-sim serves the simulated UCloud API of package sim on one
// port and its admin API on another; see package program of simkit. It is not
// a cloud.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/simkit/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := program.Main(ctx, simulator(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func simulator() program.Simulator[sim.Config] {
	return program.Simulator[sim.Config]{
		Name: "ucloud-sim", Needs: "at least one account",
		Knobs: func(c *sim.Config) program.Knobs {
			return program.Knobs{StateFile: &c.StateFile, TransitionMS: &c.TransitionMS, Now: &c.Now, Logger: &c.Logger}
		},
		Start: program.Start(sim.New),
	}
}
