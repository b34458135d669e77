// Command alijst-sim serves the simulated JST API of package sim on one port, its
// admin API on another, and the assumed sign-in on a third; see package program
// of simkit. It is not a cloud.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/simkit/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := program.Main(ctx, simulator(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// signIn is the name of the port of the assumed sign-in.
const signIn = "sign_in"

func simulator() program.Simulator[sim.Config] {
	var listen string
	return program.Simulator[sim.Config]{
		Name: "alijst-sim", Needs: "at least one account",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&listen, "sign-in-listen", "127.0.0.1:0", "`address` of the assumed sign-in")
		},
		Knobs: func(c *sim.Config) program.Knobs {
			return program.Knobs{StateFile: &c.StateFile, TransitionMS: &c.TransitionMS, Now: &c.Now, Logger: &c.Logger}
		},
		Start: func(c sim.Config) (program.Running, error) {
			cloud, err := sim.New(c)
			if err != nil {
				return program.Running{}, err
			}
			return program.Running{
				API: cloud, Admin: cloud.Admin(), More: []program.Site{{Name: signIn, Listen: listen, Handler: cloud.SignIn()}}, Close: cloud.Close,
			}, nil
		},
		Ready: func(urls map[string]string, file map[string]any) []string {
			file["sign_in_url"] = urls[signIn]
			return []string{urls[signIn]}
		},
	}
}
