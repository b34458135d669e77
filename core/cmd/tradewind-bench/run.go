package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// config is what a run needs.
type config struct {
	bin, work, file string
	only            []string
	quick           bool
	out             io.Writer
}

// scale is how much is measured.
type scale struct {
	rounds int
	round  time.Duration // of one round of one figure
	warm   time.Duration
	orders int // carried to their end in a round
	bills  int // settled
	orgs   int // stored for the growth curve
	stored int // orders stored for the growth curve
}

func (c config) scale() scale {
	if c.quick {
		return scale{rounds: 1, round: 1500 * time.Millisecond, warm: 500 * time.Millisecond, orders: 3000, bills: 200_000, orgs: 1000, stored: 50_000}
	}
	return scale{rounds: 5, round: 2 * time.Second, warm: time.Second, orders: 8000, bills: 1_000_000, orgs: 10_000, stored: 1_000_000}
}

// bench is one run.
type bench struct {
	config
	scale
	report *report
	start  time.Time
}

type part struct {
	name string
	do   func(*bench, context.Context) error
}

func parts() []part {
	return []part{
		{"plugin", (*bench).pluginCalls},
		{"clouds", (*bench).clouds},
		{"neighbour", (*bench).neighbour},
		{"starts", (*bench).starts},
		{"offerings", (*bench).offerings},
		{"settlement", (*bench).settlement},
		{"complete", (*bench).complete},
		{"accept", (*bench).accept},
	}
}

func partNames() string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// known refuses names that no part has: nothing would be measured, and the empty
// report would pass.
func known(only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(parts(), func(p part) bool { return p.name == name }) {
			return fmt.Errorf("--only %q: there is no such part; name some of %s", name, partNames())
		}
	}
	return nil
}

func run(ctx context.Context, cfg config) error {
	if err := known(cfg.only); err != nil {
		return err
	}
	for _, name := range []string{"tradewind", "tradewind-provider-sandbox"} {
		if _, err := os.Stat(filepath.Join(cfg.bin, name)); err != nil {
			return fmt.Errorf("the binary %q is missing in %q: run make build first", name, cfg.bin)
		}
	}
	if err := os.RemoveAll(cfg.work); err != nil {
		return fmt.Errorf("emptying %q: %w", cfg.work, err)
	}
	if err := os.MkdirAll(cfg.work, 0o700); err != nil {
		return err
	}
	b := &bench{config: cfg, scale: cfg.scale(), start: time.Now(), report: newReport(cfg)}
	var failed error
	for _, p := range parts() {
		if len(cfg.only) > 0 && !slices.Contains(cfg.only, p.name) {
			continue
		}
		if err := p.do(b, ctx); err != nil {
			b.say("%s: %v", p.name, err)
			failed = errors.Join(failed, fmt.Errorf("measuring %s: %w", p.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	b.report.Seconds = round3(time.Since(b.start).Seconds())
	failed = errors.Join(failed, b.report.save(cfg.file))
	b.report.print(cfg.out)
	if failed != nil { // what is in the work folder may tell why
		return failed
	}
	return os.RemoveAll(cfg.work)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, "%6.1fs  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}
