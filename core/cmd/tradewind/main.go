// Command tradewind is the broker: it serves the API, plays the demo, and has
// the operator's tools for backup, keys, plugins and the audit log.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // org time zones work on machines without a zone database

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tradewind:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tradewind", Short: "A multi-cloud broker for resellers",
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	cmd.AddCommand(serveCommand(), demoCommand(), backupCommand(), restoreCommand(), pluginCommand(), keysCommand(),
		auditCommand(), ledgerCommand(), docsCommand(), versionCommand())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version)
			return err
		},
	}
}
