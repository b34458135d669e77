package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func testCommand() *cobra.Command {
	var race bool
	var name string
	cmd := &cobra.Command{
		Use: "test [DIR]", Short: "Run a module's tests with the race detector and show its conformance",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			flags := []string{"test", "-json", "-count=1"}
			if race {
				flags = append(flags, "-race")
			}
			return runTests(cmd, dir, name, append(flags, "./..."))
		},
	}
	cmd.Flags().BoolVar(&race, "race", true, "use the race detector")
	cmd.Flags().StringVar(&name, "conformance", "TestConformance", "name of the test that runs the conformance suite")
	return cmd
}

func runTests(cmd *cobra.Command, dir, name string, args []string) error {
	run := exec.CommandContext(cmd.Context(), "go", args...)
	run.Dir, run.Stderr = dir, cmd.ErrOrStderr()
	run.Env = os.Environ()
	out, err := run.StdoutPipe()
	if err != nil {
		return fmt.Errorf("running the tests: %w", err)
	}
	if err := run.Start(); err != nil {
		return fmt.Errorf("running the tests: %w", err)
	}
	s := suite{name: name}
	err = s.read(out, cmd.OutOrStdout())
	ended := run.Wait()
	if err = errors.Join(err, s.show(cmd.OutOrStdout())); err != nil {
		return err
	}
	var exit *exec.ExitError
	if errors.As(ended, &exit) {
		return errFailed
	}
	return ended
}

// event is a line of go test -json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// suite collects what the conformance test's parts ended with.
type suite struct {
	name  string
	rules [][2]string // rule and outcome, in the order of their end
}

// read shows the outcome of each package and the output of what failed.
func (s *suite) read(from io.Reader, to io.Writer) error {
	said := map[string][]string{}
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 64<<10), 4<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // not every line of the go command is an event
		}
		if rule, ok := strings.CutPrefix(e.Test, s.name+"/"); ok && !strings.Contains(rule, "/") {
			switch e.Action {
			case "pass", "fail", "skip":
				s.rules = append(s.rules, [2]string{rule, e.Action})
			}
		}
		key := e.Package + " " + e.Test
		switch {
		case e.Action == "output":
			said[key] = append(said[key], e.Output)
		case e.Action == "fail":
			if _, err := io.WriteString(to, strings.Join(said[key], "")); err != nil {
				return err
			}
		case e.Test == "" && e.Action == "pass":
			if _, err := fmt.Fprintf(to, "ok    %s\n", e.Package); err != nil {
				return err
			}
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			delete(said, key)
		}
	}
	return lines.Err()
}

// show prints the conformance of the module.
func (s *suite) show(w io.Writer) error {
	if len(s.rules) == 0 {
		_, err := fmt.Fprintf(w, "no conformance: the module has no test %s that calls conformance.Run\n", s.name)
		return err
	}
	count := map[string]int{}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range s.rules {
		count[r[1]]++
		fmt.Fprintf(table, "%s\t%s\n", r[1], r[0])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "conformance: %d rules passed, %d failed, %d not proved\n", count["pass"], count["fail"], count["skip"])
	return err
}
