// Command tradewind-plugin is the author's tool: it starts a new plugin, looks
// at one, calls it, checks it, tests it, documents it, packs it, and runs it
// under a debugger. It needs no broker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "0.1.0"

// errFailed ends the program with status 1 when all has been said already.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "tradewind-plugin:", err)
		}
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tradewind-plugin", Short: "Make, check and pack plugins for Tradewind",
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	cmd.AddCommand(newCommand(), describeCommand(), callCommand(), checkCommand(), testCommand(), docsCommand(), kindsCommand(),
		packCommand(), keygenCommand(), devCommand(), cloudCommand())
	return cmd
}
