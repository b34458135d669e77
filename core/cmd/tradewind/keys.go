package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tradewind.example/core/seal"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Work with the keys of stored secrets",
		Long: "Stored secrets are encrypted with a keyset outside the store. Rotation makes a new key for new secrets; old ones stay readable until the broker, at its next start, has sealed them again.",
	}
	cmd.AddCommand(
		keyringCommand("list", "List the keys", func(cmd *cobra.Command, k *seal.Keyring, _ []string) error {
			for _, key := range k.Keys() {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%d primary=%t\n", key.ID, key.Primary); err != nil {
					return err
				}
			}
			return nil
		}),
		keyringCommand("rotate", "Make a new primary key", func(cmd *cobra.Command, k *seal.Keyring, _ []string) error {
			key, err := k.Rotate()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "key %d is primary now; restart the broker to seal stored secrets again\n", key.ID)
			return err
		}),
		keyringCommand("retire ID", "Remove a key that seals nothing any more", func(cmd *cobra.Command, k *seal.Keyring, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name the key to retire; see: tradewind keys list")
			}
			id, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return fmt.Errorf("%q is not a key id", args[0])
			}
			return k.Retire(uint32(id))
		}),
	)
	return cmd
}

func keyringCommand(use, short string, run func(*cobra.Command, *seal.Keyring, []string) error) *cobra.Command {
	var from source
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			k, err := seal.New(seal.Config{Path: cfg.KeysetFile})
			if err != nil {
				return err
			}
			return run(cmd, k, args)
		},
	}
	from.flags(cmd)
	return cmd
}
