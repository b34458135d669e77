package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
)

// sandboxes are plugins of one binary under names of their own.
type sandboxes struct {
	*host.Host
	dir   string
	names []string
}

// openSandboxes makes a host with so many sandboxes; none is started.
func (b *bench) openSandboxes(ctx context.Context, n int) (*sandboxes, error) {
	binary, err := filepath.Abs(filepath.Join(b.bin, sandboxBinary))
	if err != nil {
		return nil, err
	}
	s := &sandboxes{}
	if s.dir, err = os.MkdirTemp("", "twb"); err != nil { // sockets need a short path
		return nil, err
	}
	var entries []catalog.Entry
	for i := range n {
		name := fmt.Sprintf("sandbox%d", i+1)
		s.names = append(s.names, name)
		entries = append(entries, catalog.Entry{Name: name, Path: binary, Env: map[string]string{"SANDBOX_NAME": name}})
	}
	if s.Host, err = host.Open(ctx, host.Config{Dir: s.dir, Dev: true, Lazy: true, Plugins: entries}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// start starts all at once and returns how long it took until all served.
func (s *sandboxes) start(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	errs := make([]error, len(s.names))
	var group sync.WaitGroup
	for i, name := range s.names {
		group.Go(func() { errs[i] = s.Start(ctx, name) })
	}
	group.Wait()
	return time.Since(begin), errors.Join(errs...)
}

func (s *sandboxes) close(ctx context.Context) error {
	return errors.Join(s.Close(context.WithoutCancel(ctx)), os.RemoveAll(s.dir))
}

// manyStarted is how many plugins are started at once.
const manyStarted = 8

// starts measures how long it takes until plugins serve, verified, connected
// and described: many at once beside one alone. Starting is work for the CPU, so
// that with fewer CPUs than plugins the ratio is bound by their number: what
// bare go-plugin needs for the same, checking and asking nothing, tells how much.
func (b *bench) starts(ctx context.Context) error {
	b.say("starting %d plugins", manyStarted)
	type timing struct {
		plugins int
		start   func(context.Context, int) (time.Duration, error)
		took    []float64
	}
	all := []timing{{plugins: manyStarted, start: b.startOnce}, {plugins: 1, start: b.startOnce}, {plugins: manyStarted, start: b.startBare}, {plugins: 1, start: b.startBare}}
	for range 3 * b.rounds {
		for i := range all {
			t := &all[i]
			took, err := t.start(ctx, t.plugins)
			if err != nil {
				return err
			}
			t.took = append(t.took, millis(took))
		}
	}
	together := ratioAtMost(2.5)
	bareMany, _ := summary(all[2].took)
	bareOne, _ := summary(all[3].took)
	f := b.report.add(figure{
		Name: "plugin starts", What: fmt.Sprintf("%d plugins started at once, until all serve", manyStarted), Unit: "ms", Bare: "one of them alone",
		Details: map[string]float64{"bare_ms": bareMany, "bare_one_ms": bareOne},
	}, all[0].took, all[1].took, &together)
	b.say("%g ms, one %g ms; bare go-plugin %g ms and %g ms", f.Value, f.Limit, bareMany, bareOne)
	return nil
}

func (b *bench) startOnce(ctx context.Context, n int) (time.Duration, error) {
	s, err := b.openSandboxes(ctx, n)
	if err != nil {
		return 0, err
	}
	took, err := s.start(ctx)
	return took, errors.Join(err, s.close(ctx))
}

// startBare starts so many with go-plugin's own client, which checks and asks
// nothing, until each has answered one call.
func (b *bench) startBare(ctx context.Context, n int) (time.Duration, error) {
	binary, err := filepath.Abs(filepath.Join(b.bin, sandboxBinary))
	if err != nil {
		return 0, err
	}
	errs, ends := make([]error, n), make([]func(), n)
	begin := time.Now()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			var call worker
			if call, ends[i], errs[i] = barePlugin(ctx, binary); errs[i] == nil {
				errs[i] = call(0, 0)
			}
		})
	}
	group.Wait()
	took := time.Since(begin)
	for _, end := range ends {
		if end != nil {
			group.Go(end)
		}
	}
	group.Wait()
	return took, errors.Join(errs...)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
