package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tradewind.example/tools/pack"
	"tradewind.example/tools/readme"
)

// readmeName is the file that docs writes into.
const readmeName = "README.md"

func docsCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "docs [--check] DIR", Short: "Write the README's part that follows from the plugin's description",
		Long: "Build the plugin in DIR, ask it for its description, and write abilities, account config and kinds between\n" +
			"the marker lines of its README.md. With --check nothing is written: a README that differs is a failure.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return writeDocs(cmd.Context(), cmd, args[0], check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "fail when the README is not current")
	return cmd
}

func writeDocs(ctx context.Context, cmd *cobra.Command, dir string, check bool) (err error) {
	work, err := os.MkdirTemp("", "tw-docs-")
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	binary := filepath.Join(work, "plugin")
	if err := pack.Build(ctx, dir, binary, "", cmd.ErrOrStderr()); err != nil {
		return err
	}
	d, err := pack.Describe(ctx, binary)
	if err != nil {
		return err
	}
	section, err := readme.Section(d)
	if err != nil {
		return fmt.Errorf("writing about the plugin: %w", err)
	}
	file := filepath.Join(dir, readmeName)
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the README: %w", err)
	}
	text, err := readme.Replace(string(old), section)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case text == string(old):
		return nil
	case check:
		return fmt.Errorf("%s is not what the plugin says of itself: run tradewind-plugin docs %s", file, dir)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the README: %w", err)
	}
	return nil
}
