package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tradewind.example/core/access"
	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/sdk/clock"
)

// docsCommand writes the generated reference: the API's document and the table
// of rights. CI compares it with what is committed.
func docsCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "docs", Short: "Write the generated reference", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return writeDocs(cmd, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "docs/reference", "`folder` to write to")
	return cmd
}

func writeDocs(cmd *cobra.Command, dir string) (err error) {
	work, err := os.MkdirTemp("", "tw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	cfg := config.Default()
	cfg.DataDir, cfg.KeysetFile, cfg.Plugins.Dir = filepath.Join(work, "data"), filepath.Join(work, "keys", "keyset"), filepath.Join(work, "plugins")
	a, err := app.Open(cmd.Context(), cfg, app.Options{Clock: clock.Real{}, Logger: logger(cfg.Log, os.Stderr), Version: version})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(cmd.Context())) }()
	document, err := a.OpenAPI()
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, document, "", "  "); err != nil {
		return err
	}
	pretty.WriteByte('\n')
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), pretty.Bytes(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "rights.md"), []byte("# Rights\n\nGenerated from core/access/rights.go.\n\n"+access.Markdown()), 0o600)
}
