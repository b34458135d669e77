package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tradewind.example/core/config"
	"tradewind.example/core/demo"
)

func demoCommand() *cobra.Command {
	cfg := demo.Config{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Play a reseller's business with real processes and simulated clouds", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Stdout = cmd.OutOrStdout()
			cfg.Logger = logger(config.Log{Level: "info", Format: "text"}, os.Stderr)
			return demo.Run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Bin, "bin", "build/bin", "`folder` with the binaries")
	f.StringVar(&cfg.Work, "work", "build/story", "`folder` for data and logs; emptied first")
	f.StringVar(&cfg.Out, "out", "build/demo.json", "`file` for the account as JSON")
	f.StringVar(&cfg.Cloud, "cloud", demo.Clouds()[0], "`name` of the cloud that is sold: one of "+strings.Join(demo.Clouds(), ", "))
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:0", "`address` of the broker")
	f.BoolVar(&cfg.KeepServing, "keep-serving", false, "leave everything running until interrupted")
	return cmd
}
