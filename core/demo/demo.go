// Package demo plays the story of a reseller's business over the broker's REST
// API, with real processes: the broker, a plugin and a cloud simulator.
//
// It imports none of the broker's use-cases: everything it does, a client of
// the API can do. It ends with an account of the books and fails when anything
// does not add up.
package demo

import (
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
	// KeepServing leaves broker and simulator running until ctx ends.
	KeepServing bool
	Listen      string // of the broker; "127.0.0.1:0" for any free port
	Stdout      io.Writer
	Logger      *slog.Logger
}

// Run plays the story once.
func Run(ctx context.Context, cfg Config) (err error) {
	if err := prepare(cfg); err != nil {
		return err
	}
	stage := &stage{cfg: cfg}
	defer func() { err = errors.Join(err, stage.close()) }()
	if err := stage.open(ctx); err != nil {
		return err
	}
	p := &play{stage: stage, say: teller(cfg.Stdout)}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("the story broke off: %w (logs are in %s)", err, filepath.Join(cfg.Work, "logs"))
	}
	if cfg.KeepServing {
		return p.serve(ctx)
	}
	return nil
}

func prepare(cfg Config) error {
	for _, name := range []string{"tradewind", "ucloud-sim", "tradewind-provider-ucloud"} {
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
	sold tally
}

func (p *play) run(ctx context.Context) error {
	acts := []struct {
		title string
		do    func(context.Context) error
	}{
		{"the operator signs in and connects the cloud", p.connect},
		{"a reseller, a sub-reseller and three customers join", p.people},
		{"everybody agrees on prices", p.prices},
		{"money is paid in", p.payIn},
		{"fifty orders", p.orders},
		{"a renewal and a refund", p.afterSales},
		{"the month is settled and exported", p.settle},
		{"the books are checked", p.account},
	}
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
	fmt.Fprintf(w, "  API        %s/v1\n  API docs   %s/docs\n  Simulator  %s\n\n", p.api, p.api, p.sim)
	fmt.Fprintf(w, "  Sign in:   POST /v1/sessions with one of\n")
	for _, who := range p.cast.all() {
		fmt.Fprintf(w, "    %-14s login %-10s password %s\n", who.name, who.login, who.password)
	}
	<-ctx.Done()
	return nil
}
