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
	cmd := &cobra.Command{Use: "plugin", Short: "Work with installed plugins", Long: "Work with installed plugins. " +
		"With --url and --token-file a running broker is asked over REST; list and install without them work on the plugin folder while no broker runs."}
	cmd.AddCommand(pluginListCommand(), pluginInstallCommand(), pluginHashCommand())
	cmd.AddCommand(remotePluginCommands()...)
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
	var at remote
	cmd := &cobra.Command{
		Use: "list", Short: "List installed plugins", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if at.url != "" {
				return listRemote(cmd.Context(), cmd.OutOrStdout(), at)
			}
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
	at.flags(cmd)
	return cmd
}

func pluginInstallCommand() *cobra.Command {
	var from source
	var at remote
	var sum string
	var accept, activate bool
	cmd := &cobra.Command{
		Use: "install FILE", Short: "Install a version of a plugin, pinned to its checksum", Args: cobra.ExactArgs(1),
		Long: "Install a version of a plugin from a binary or an archive, pinned to its checksum. With --url, FILE is a name in the running broker's drop folder.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if at.url != "" {
				return installRemote(cmd.Context(), cmd.OutOrStdout(), at, args[0], sum, activate)
			}
			cfg, err := from.load()
			if err != nil {
				return err
			}
			return withHost(cmd.Context(), cfg, func(h *host.Host) error {
				e, err := h.Install(cmd.Context(), args[0], host.InstallOptions{SHA256: sum, AcceptComputed: accept, Activate: activate})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "installed %s %s, pinned to %s\n", e.Name, e.Version, e.SHA256)
				return err
			})
		},
	}
	from.flags(cmd)
	at.flags(cmd)
	cmd.Flags().BoolVar(&activate, "activate", false, "let the version serve at once; a plugin's first one does so anyway")
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
