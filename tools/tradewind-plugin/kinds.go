package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tradewind.example/sdk/provider"
	"tradewind.example/tools/kindtable"
	"tradewind.example/tools/pack"
)

func kindsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kinds FILE DIR...", Short: "Write the page that compares what several plugins offer",
		Long: "Build the plugin in each DIR, ask it for its description, and write a table for each kind into FILE:\n" +
			"its verbs and actions, and which cloud has them.",
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeKinds(cmd.Context(), cmd, args[0], args[1:])
		},
	}
}

func writeKinds(ctx context.Context, cmd *cobra.Command, file string, dirs []string) (err error) {
	work, err := os.MkdirTemp("", "tw-kinds-")
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	all := make([]provider.Description, len(dirs))
	for i, dir := range dirs {
		binary := filepath.Join(work, "plugin")
		if err := pack.Build(ctx, dir, binary, "", cmd.ErrOrStderr()); err != nil {
			return fmt.Errorf("building %s: %w", dir, err)
		}
		if all[i], err = pack.Describe(ctx, binary); err != nil {
			return fmt.Errorf("asking %s what it offers: %w", dir, err)
		}
	}
	if err := os.WriteFile(file, []byte(kindtable.Page(all)), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
