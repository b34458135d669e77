package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tradewind.example/sdk/handshake"
)

// endTime is how long a plugin may take to end after an interrupt.
const endTime = 5 * time.Second

func devCommand() *cobra.Command {
	var debugger string
	cmd := &cobra.Command{
		Use: "dev BINARY|DIR", Short: "Run a plugin for a broker in development mode to attach to",
		Long: "Run a plugin, built first when DIR is given, and print one line of JSON that says where it listens. A broker in\n" +
			"development mode takes that line and uses the plugin in place of the installed one. It runs until interrupted.\n" +
			"With --debugger dlv it waits under the debugger for a client: dlv connect ADDRESS, then continue.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			work, err := os.MkdirTemp("", "tw-dev-")
			if err != nil {
				return fmt.Errorf("making a folder to build in: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
			binary, err := buildForDebugger(cmd, args[0], work)
			if err != nil {
				return err
			}
			return runDev(cmd, binary, debugger)
		},
	}
	cmd.Flags().StringVar(&debugger, "debugger", "", "path of dlv, to run under it")
	return cmd
}

// buildForDebugger builds a folder without optimisations; a binary is taken as it is.
func buildForDebugger(cmd *cobra.Command, what, work string) (string, error) {
	st, err := os.Stat(what)
	if err != nil {
		return "", fmt.Errorf("finding the plugin: %w", err)
	}
	if !st.IsDir() {
		return filepath.Abs(what)
	}
	binary := filepath.Join(work, "plugin")
	run := exec.CommandContext(cmd.Context(), "go", "build", "-gcflags", "all=-N -l", "-o", binary, ".")
	run.Dir, run.Stdout, run.Stderr = what, cmd.ErrOrStderr(), cmd.ErrOrStderr()
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("building %q: %w", what, err)
	}
	return binary, nil
}

// runDev runs the binary until the context ends and shows where it listens.
func runDev(cmd *cobra.Command, binary, debugger string) error {
	args := []string{binary, handshake.DevArg}
	if debugger != "" {
		args = []string{debugger, "exec", "--headless", "--listen=127.0.0.1:0", "--accept-multiclient", binary, "--", handshake.DevArg}
	}
	run := exec.CommandContext(cmd.Context(), args[0], args[1:]...)
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	run.WaitDelay = endTime
	said := &oneWriter{to: cmd.ErrOrStderr()}
	run.Stderr = said
	out, err := run.StdoutPipe()
	if err != nil {
		return fmt.Errorf("running the plugin: %w", err)
	}
	if err := run.Start(); err != nil {
		return fmt.Errorf("running the plugin: %w", err)
	}
	err = pass(out, cmd.OutOrStdout(), said)
	ended := run.Wait()
	if cmd.Context().Err() != nil {
		return err // it was asked to end
	}
	if ended != nil {
		ended = fmt.Errorf("the plugin ended: %w", ended)
	}
	return errors.Join(err, ended)
}

// oneWriter lets what the plugin prints and what it logs share a writer.
type oneWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *oneWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// pass copies the line for the broker to out, all else to rest.
func pass(from io.Reader, out, rest io.Writer) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		to := rest
		var at handshake.Reattach
		if json.Unmarshal(line, &at) == nil && at.Addr != "" {
			to = out
		}
		if _, werr := to.Write(line); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what the plugin prints: %w", err)
		}
	}
}
