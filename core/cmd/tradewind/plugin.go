package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/host"
)

func pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "Work with installed plugins", Long: "Work with installed plugins while no broker runs; a running broker is operated over REST, /v1/plugins."}
	cmd.AddCommand(pluginListCommand(), pluginInstallCommand(), pluginHashCommand())
	return cmd
}

// withHost opens the plugin folder without starting anything.
func withHost(ctx context.Context, cfg config.Config, fn func(*host.Host) error) (err error) {
	if err := os.MkdirAll(cfg.Plugins.Dir, 0o700); err != nil {
		return err
	}
	trust, err := app.PluginTrust(cfg)
	if err != nil {
		return err
	}
	h, err := host.Open(ctx, host.Config{Dir: cfg.Plugins.Dir, RunDir: cfg.Plugins.RunDir, Trust: trust, Lazy: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	return fn(h)
}

func pluginListCommand() *cobra.Command {
	var from source
	cmd := &cobra.Command{
		Use: "list", Short: "List installed plugins", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			return withHost(cmd.Context(), cfg, func(h *host.Host) error {
				for _, e := range h.Entries() {
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", e.Name, e.Version, e.SHA256); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	from.flags(cmd)
	return cmd
}

func pluginInstallCommand() *cobra.Command {
	var from source
	var sum string
	var accept bool
	cmd := &cobra.Command{
		Use: "install FILE", Short: "Install a plugin binary, pinned to its checksum", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			return withHost(cmd.Context(), cfg, func(h *host.Host) error {
				e, err := h.Install(cmd.Context(), args[0], host.InstallOptions{SHA256: sum, AcceptComputed: accept, Activate: true})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "installed %s %s, pinned to %s\n", e.Name, e.Version, e.SHA256)
				return err
			})
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&sum, "sha256", "", "expected `checksum`, from whoever you trust")
	cmd.Flags().BoolVar(&accept, "accept", false, "vouch for the file yourself: pin whatever checksum it has")
	return cmd
}

func pluginHashCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hash FILE", Short: "Print the SHA-256 of a binary", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			sum := sha256.New()
			if _, err := io.Copy(sum, f); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), hex.EncodeToString(sum.Sum(nil)))
			return err
		},
	}
}
