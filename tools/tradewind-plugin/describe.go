package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"tradewind.example/tools/pack"
	"tradewind.example/tools/readme"
)

func describeCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "describe BINARY", Short: "Show what a built plugin says of itself", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := pack.Describe(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(d)
			}
			section, err := readme.Section(d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), section)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the description as the broker reads it")
	return cmd
}
