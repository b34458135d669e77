// Command rainbond-sim serves the simulated console and store of package sim on
// one port and its admin API on another; see package program of simkit. It is
// not a console.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tradewind.example/plugins/rainbond/sim"
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
		Name: "rainbond-sim", Needs: "at least one user",
		Knobs: func(c *sim.Config) program.Knobs {
			return program.Knobs{StateFile: &c.StateFile, TransitionMS: &c.TransitionMS, Now: &c.Now, Logger: &c.Logger}
		},
		Start: program.Start(sim.New),
	}
}
