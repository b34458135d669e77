// Command tradewind-bench measures the broker against bare limits of the same
// machine, in the same run and on the same disk, and writes the figures.
//
// The broker is a real process that is loaded over HTTP; the limits are what
// the libraries below it can do alone. A figure is the median of some rounds,
// with the limit measured between them, so that both see the same noise. It
// judges nothing but speed and size: tests prove that the answers are right.
//
// The limit of accepted orders is bbolt's own group commit ([bbolt.DB.Batch])
// into a copy of the broker's store. Each write takes real rows that orders of
// all customers have added, as many as one order adds in every bucket, and puts
// them again under keys in which only what belongs to one order is new:
// identifiers, times, counters. So the rows meet as many pages as an order's do.
// Rows that an order replaces, and everything it reads, are left out. How fast
// ascending keys of the same sizes are is told beside it.
//
// The limit of a cloud's plugin is the vendor's SDK alone, in a process of its
// own and against the same simulator, which is a third one. The sizes of the
// plugins, as files and at rest, stand beside it without a target. A cloud takes
// part by a program NAME-direct beside its plugin: "sim -latency TIME" serves the
// simulator and prints one line of JSON, an account of the plugin with endpoint,
// region, settings and credentials; "load -callers N -warm TIME -time TIME" reads
// that line, makes the vendor call of the plugin's check, and prints per_second,
// p50_us and p99_us as JSON.
//
// The limit of plugin calls and starts is go-plugin's own client with another
// process of the same binary. A call is compared with the same message, ready
// made and without a deadline. Plugins that start at once are judged by one start
// of bare go-plugin, which checks and asks nothing. Their ratio to one start of
// ours is a detail and has no target: starting is work for the CPU, so it cannot
// be less than their number divided by the CPUs once one start fills a CPU, 4 for
// 8 plugins on 2 CPUs, and it gets worse when one start alone gets faster. That
// floor, and the same ratio of bare go-plugin, stand beside it. Each of ours has a
// file of its own that nobody may write, as an installed plugin has; how long its
// next start takes, of which the host knows the hash, stands beside the first.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tradewind-bench:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cfg := config{}
	cmd := &cobra.Command{
		Use: "tradewind-bench", Short: "Measure the broker against bare limits", Args: cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.out = cmd.OutOrStdout()
			return run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.bin, "bin", "build/bin", "`folder` with the binaries")
	f.StringVar(&cfg.work, "work", "build/bench", "`folder` for data and logs; emptied first")
	f.StringVar(&cfg.file, "out", "build/bench.json", "`file` for the figures as JSON")
	f.StringSliceVar(&cfg.only, "only", nil, "measure only these `parts`: "+partNames())
	f.BoolVar(&cfg.quick, "quick", false, "fewer and shorter rounds, less stored data")
	cmd.AddCommand(bareCommand(), settleCommand())
	return cmd
}
