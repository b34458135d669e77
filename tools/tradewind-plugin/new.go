package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"tradewind.example/tools/scaffold"
)

func newCommand() *cobra.Command {
	var p scaffold.Plugin
	var dir string
	var tidy bool
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Write the module of a new plugin",
		Long: "Write the module of a new plugin. It builds, and passes its tests and the conformance suite, as it is.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			if dir == "" {
				dir = p.Name
			}
			if p.SDKReplace != "" {
				path, err := filepath.Abs(p.SDKReplace)
				if err != nil {
					return fmt.Errorf("finding the SDK: %w", err)
				}
				p.SDKReplace = path
			}
			return writeModule(cmd, dir, p, tidy)
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.Module, "module", "", "module path (default plugin.example/NAME)")
	f.StringVar(&p.Title, "title", "", "what people call the cloud (default from NAME)")
	f.StringVar(&dir, "dir", "", "folder to write into, missing or empty (default NAME)")
	f.StringVar(&p.SDKVersion, "sdk-version", "v0.1.0", "version of the SDK to require")
	f.StringVar(&p.SDKReplace, "sdk-replace", "", "path of a local copy of the SDK to use")
	f.BoolVar(&tidy, "tidy", true, "resolve the dependencies, check the plugin and complete its README")
	return cmd
}

func writeModule(cmd *cobra.Command, dir string, p scaffold.Plugin, tidy bool) error {
	if err := scaffold.Write(dir, p); err != nil {
		return err
	}
	if tidy {
		if err := goCommand(cmd.Context(), cmd, dir, "mod", "tidy"); err != nil {
			return fmt.Errorf("resolving the dependencies: %w; a local copy of the SDK is used with --sdk-replace", err)
		}
		// The README's sections follow from the plugin, as they do ever after.
		if err := writeDocs(cmd.Context(), cmd, dir, false); err != nil {
			return err
		}
		if err := goCommand(cmd.Context(), cmd, dir, "test", "-run", "^TestConformance$", "-update", "."); err != nil {
			return fmt.Errorf("checking what was written: %w", err)
		}
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is ready in %s; next: cd %s && make test check\n", p.Name, dir, dir)
	return err
}

// goCommand runs the go command in dir; what it says goes to standard error.
func goCommand(ctx context.Context, cmd *cobra.Command, dir string, args ...string) error {
	run := exec.CommandContext(ctx, "go", args...)
	run.Dir = dir
	run.Env = append(os.Environ(), "GOWORK=off")
	run.Stdout, run.Stderr = cmd.ErrOrStderr(), cmd.ErrOrStderr()
	return run.Run()
}
