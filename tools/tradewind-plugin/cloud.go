package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tradewind.example/tools/fixture"
)

func cloudCommand() *cobra.Command {
	var file, listen string
	cmd := &cobra.Command{
		Use: "cloud", Short: "Run the cloud in memory that a fixture describes", Args: cobra.NoArgs,
		Long: "Run the cloud in memory that a fixture describes until interrupted, for calling the plugin by hand:\n" +
			"use the printed address as the account's endpoint.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			loaded, err := fixture.Load(cmd.Context(), file, listen)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, loaded.Close()) }()
			if loaded.Cloud == nil {
				return fmt.Errorf("fixture %q describes no fakecloud", file)
			}
			keys := slices.Sorted(maps.Keys(loaded.Keys))
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s with the keys %s\n", loaded.URL, strings.Join(keys, ", ")); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "fixture", "fixture.yaml", "file that describes the cloud")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "where to listen")
	return cmd
}
