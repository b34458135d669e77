package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/fault"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Work with the keys of stored secrets",
		Long: "Stored secrets are encrypted with a keyset outside the store. Rotation makes a new key for new secrets; old ones stay readable. The broker seals them again at its next start, or within the hour, and says in its log when no older key is needed any more.",
	}
	cmd.AddCommand(
		keyringCommand("list", "List the keys", func(cmd *cobra.Command, k *seal.Keyring) error {
			for _, key := range k.Keys() {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%d primary=%t\n", key.ID, key.Primary); err != nil {
					return err
				}
			}
			return nil
		}),
		keyringCommand("rotate", "Make a new primary key", func(cmd *cobra.Command, k *seal.Keyring) error {
			key, err := k.Rotate()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "key %d is primary now; the broker seals stored secrets again at its next start, or within the hour\n", key.ID)
			return err
		}),
		retireCommand(),
	)
	return cmd
}

// retireCommand removes a key, after it has seen in the store that nothing is
// sealed with it.
func retireCommand() *cobra.Command {
	var from source
	var force bool
	cmd := &cobra.Command{
		Use: "retire ID", Short: "Remove a key that seals nothing any more", Args: cobra.ExactArgs(1),
		Long: "Remove a key that seals nothing any more. The store is looked into first, so no broker may run. Backups that were made before the rotation cannot be used without the key.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return fmt.Errorf("%q is not a key id; see: tradewind keys list", args[0])
			}
			cfg, err := from.load()
			if err != nil {
				return err
			}
			k, err := seal.New(seal.Config{Path: cfg.KeysetFile})
			if err != nil {
				return err
			}
			if !force {
				if err := unneeded(cmd.Context(), cfg, k); err != nil {
					return err
				}
			}
			return k.Retire(uint32(id))
		},
	}
	from.flags(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "do not look into the store: secrets still sealed with the key are lost")
	return cmd
}

// unneeded refuses while secrets may be sealed with another key than the
// primary one.
func unneeded(ctx context.Context, cfg config.Config, k *seal.Keyring) error {
	return offline(app.StorePath(cfg), func(db *bolt.DB) error {
		return db.View(ctx, func(r store.Reader) error {
			by, all, err := app.SealedBy(r)
			if err != nil {
				return err
			}
			for _, key := range k.Keys() {
				if key.Primary && all && by == key.ID {
					return nil
				}
			}
			return fault.Precondition("secrets may still be sealed with an older key: start the broker and wait until its log says that older keys may be retired")
		})
	})
}

func keyringCommand(use, short string, run func(*cobra.Command, *seal.Keyring) error) *cobra.Command {
	var from source
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			k, err := seal.New(seal.Config{Path: cfg.KeysetFile})
			if err != nil {
				return err
			}
			return run(cmd, k)
		},
	}
	from.flags(cmd)
	return cmd
}
