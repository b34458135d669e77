package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tradewind.example/sdk/conformance"
	"tradewind.example/tools/fixture"
)

func checkCommand() *cobra.Command {
	var file string
	var asJSON, quiet bool
	var opts conformance.Options
	cmd := &cobra.Command{
		Use: "check BINARY", Short: "Check a built plugin by the conformance suite",
		Long: "Start the plugin as the broker does and check every promise of the contract. Without a fixture only what\n" +
			"needs no cloud is proved. The exit status is 1 when a rule is broken.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			binary, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("finding the binary: %w", err)
			}
			target := conformance.Target{Binary: binary}
			if file != "" {
				loaded, err := fixture.Load(cmd.Context(), file, "")
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, loaded.Close()) }()
				target.Fixture = loaded.Fixture
			}
			report, err := conformance.Check(cmd.Context(), target, opts)
			if err != nil {
				return err
			}
			if err := showReport(cmd.OutOrStdout(), report, asJSON, quiet); err != nil {
				return err
			}
			if !report.Passed() {
				return errFailed
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "fixture", "", "file with what the suite may work with")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.BoolVar(&quiet, "quiet", false, "list broken rules only")
	f.StringSliceVar(&opts.Only, "only", nil, "check these rules only, by id")
	f.DurationVar(&opts.Time, "time", 0, "the longest one rule may take (default 30s)")
	return cmd
}

func showReport(w io.Writer, r conformance.Report, asJSON, quiet bool) error {
	if asJSON {
		raw, err := r.JSON()
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	}
	foreign := 0
	for _, result := range r.Results {
		if result.Foreign {
			foreign++
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, result := range r.Results {
		if quiet && result.Verdict != conformance.Fail {
			continue
		}
		verdict := string(result.Verdict)
		if result.Foreign {
			verdict = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", verdict, result.ID, result.Took.Round(time.Millisecond), result.Title)
		if result.Reason != "" {
			fmt.Fprintf(table, "\t\t\t  %s\n", strings.ReplaceAll(strings.TrimSpace(result.Reason), "\n", "\n\t\t\t  "))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, d := range r.Deprecated {
		fmt.Fprintf(w, "warning: %s is deprecated: %s\n", d.Place, d.Instead)
	}
	_, err := fmt.Fprintf(w, "%s %s: %d rules passed, %d failed, %d not proved, %d do not apply\n",
		r.Plugin, r.Version, r.Count(conformance.Pass), r.Count(conformance.Fail), r.Count(conformance.Skip)-foreign, foreign)
	return err
}
