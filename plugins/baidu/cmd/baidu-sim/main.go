// Command baidu-sim serves the simulated Baidu AI Cloud API of package sim on one
// port and its admin API on another; see package program of simkit. Regions
// named by -regions get a port each, for clients that cannot choose the host
// name; their URLs follow on stdout, one a line as region and URL, and stand in
// the ready file under "regions". It is not a cloud.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/simkit/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := program.Main(ctx, simulator(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func simulator() program.Simulator[sim.Config] {
	var names string
	return program.Simulator[sim.Config]{
		Name: "baidu-sim", Needs: "at least one account",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&names, "regions", "", "`list` of regions, joined by commas, that get a port of 127.0.0.1 each")
		},
		Knobs: func(c *sim.Config) program.Knobs {
			return program.Knobs{StateFile: &c.StateFile, TransitionMS: &c.TransitionMS, Now: &c.Now, Logger: &c.Logger}
		},
		Start: func(c sim.Config) (program.Running, error) {
			cloud, err := sim.New(c)
			if err != nil {
				return program.Running{}, err
			}
			sites, err := regional(cloud, split(names))
			if err != nil {
				return program.Running{}, errors.Join(err, cloud.Close())
			}
			return program.Running{API: cloud, Admin: cloud.Admin(), More: sites, Close: cloud.Close}, nil
		},
		Ready: func(urls map[string]string, file map[string]any) []string {
			file["regions"] = urls
			var lines []string
			for _, name := range split(names) {
				lines = append(lines, name+" "+urls[name])
			}
			return lines
		},
	}
}

func split(names string) []string {
	return strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
}

// regional are the ports of regions.
func regional(cloud *sim.Cloud, names []string) ([]program.Site, error) {
	var sites []program.Site
	for _, name := range names {
		h, err := cloud.InRegion(name)
		if err != nil {
			return nil, fmt.Errorf("-regions: %w", err)
		}
		sites = append(sites, program.Site{Name: name, Listen: "127.0.0.1:0", Handler: h})
	}
	return sites, nil
}
