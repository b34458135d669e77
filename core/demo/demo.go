// Package demo plays the story of a reseller's business over the broker's REST
// API, with real processes: the broker, and of each cloud that takes part the
// plugin and a simulator. One cloud sees a chain of resellers and fifty orders,
// all clouds together one customer who buys at each side by side.
//
// What differs from cloud to cloud is one table; no act knows a cloud.
//
// It imports none of the broker's use-cases: everything it does, a client of
// the API can do. It ends with an account of the books and fails when anything
// does not add up.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Config is what a run needs.
type Config struct {
	Bin  string // folder with the binaries
	Work string // folder for data and logs; emptied first
	Out  string // where the account is written as JSON
	// Cloud is one of Clouds; empty is the first of them.
	Cloud string
	// KeepServing leaves broker and simulators running until ctx ends.
	KeepServing bool
	Listen      string // of the broker; "127.0.0.1:0" for any free port
	Stdout      io.Writer
	Logger      *slog.Logger
}

// Run plays the story once.
func Run(ctx context.Context, cfg Config) (err error) {
	rows, err := chosen(cmp.Or(cfg.Cloud, Clouds()[0]))
	if err != nil {
		return err
	}
	if err := prepare(cfg, rows); err != nil {
		return err
	}
	stage := &stage{cfg: cfg}
	for _, row := range rows {
		stage.providers = append(stage.providers, newProvider(row))
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	if err := stage.open(ctx); err != nil {
		return err
	}
	p := &play{stage: stage, say: teller(cfg.Stdout)}
	acts := p.oneCloud()
	if len(rows) > 1 {
		acts = p.sideBySide()
	}
	if err := p.run(ctx, acts); err != nil {
		return fmt.Errorf("the story broke off: %w (logs are in %s)", err, filepath.Join(cfg.Work, "logs"))
	}
	if cfg.KeepServing {
		return p.serve(ctx)
	}
	return nil
}

func prepare(cfg Config, rows []cloud) error {
	binaries := []string{"tradewind"}
	for _, row := range rows {
		binaries = append(binaries, row.simulatorBinary(), row.pluginBinary())
	}
	for _, name := range binaries {
		if _, err := os.Stat(filepath.Join(cfg.Bin, name)); err != nil {
			return fmt.Errorf("the binary %q is missing in %q: run make build first", name, cfg.Bin)
		}
	}
	if err := os.RemoveAll(cfg.Work); err != nil {
		return fmt.Errorf("emptying %q: %w", cfg.Work, err)
	}
	for _, dir := range []string{"logs", "data", "drop"} {
		if err := os.MkdirAll(filepath.Join(cfg.Work, dir), 0o700); err != nil {
			return fmt.Errorf("making the work folder: %w", err)
		}
	}
	return nil
}

// teller prints one line of the story.
func teller(w io.Writer) func(string, ...any) {
	start := time.Now()
	return func(format string, args ...any) {
		fmt.Fprintf(w, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
}

// play is one performance.
type play struct {
	*stage
	say  func(string, ...any)
	cast cast
}

// act is one part of a story.
type act struct {
	title string
	do    func(context.Context) error
}

func (p *play) run(ctx context.Context, acts []act) error {
	for i, act := range acts {
		p.say("%d. %s", i+1, act.title)
		if err := act.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", act.title, err)
		}
	}
	return nil
}

// serve keeps everything running and tells how to look around.
func (p *play) serve(ctx context.Context) error {
	w := p.cfg.Stdout
	fmt.Fprintf(w, "\nTradewind is serving. Press Ctrl-C to stop.\n\n")
	fmt.Fprintf(w, "  API        %s/v1\n  API docs   %s/docs\n", p.api, p.api)
	for _, at := range p.providers {
		fmt.Fprintf(w, "  Simulator  %s (%s)\n", at.url, at.title)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "  Sign in:   POST /v1/sessions with one of\n")
	for _, who := range p.everybody() {
		fmt.Fprintf(w, "    %-14s login %-10s password %s\n", who.name, who.login, who.password)
	}
	<-ctx.Done()
	return nil
}
