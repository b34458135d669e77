package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tradewind.example/tools/pack"
)

func packCommand() *cobra.Command {
	var cfg pack.Config
	var key string
	cmd := &cobra.Command{
		Use: "pack DIR", Short: "Build the archive that operators install",
		Long: "Build the plugin in DIR and write tradewind-provider-<name>_<version>_<system>_<machine>.tar.gz with the\n" +
			"binary, manifest.json, SHA256SUMS and, with --sign, manifest.sig. The same sources give the same bytes.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.Dir, cfg.Log = args[0], cmd.ErrOrStderr()
			if key != "" {
				var err error
				if cfg.Key, err = pack.ReadKey(key); err != nil {
					return err
				}
			}
			packed, err := pack.Pack(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if packed.KeyID != "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "signed by key %s\n", packed.KeyID)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", packed.SHA256, packed.File)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Out, "out", ".", "folder for the archive")
	f.StringVar(&cfg.Version, "version", "", "version to build, set as main.version (default: what the sources say)")
	f.IntVar(&cfg.Minor, "needs-minor", 0, "oldest minor of the contract without which the plugin is of no use")
	f.StringVar(&key, "sign", "", "file with the private key that signs, made by keygen")
	return cmd
}

func keygenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "keygen FILE", Short: "Make a key that signs archives",
		Long: "Write a private key to FILE, for you alone, and its public half to FILE.pub, for the brokers that shall\n" +
			"trust it. Nothing is overwritten.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := pack.NewKey(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "key %s: keep %s, publish %s.pub\n", id, args[0], args[0])
			return err
		},
	}
}
