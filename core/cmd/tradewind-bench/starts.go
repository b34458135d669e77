package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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

// openSandboxes makes a host with so many sandboxes; none is started. Each has a
// copy of the binary that nobody may write, as installed plugins have.
func (b *bench) openSandboxes(ctx context.Context, n int) (*sandboxes, error) {
	binary, err := os.ReadFile(filepath.Join(b.bin, sandboxBinary))
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
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, binary, 0o500); err != nil { //nolint:gosec // it is to be executed
			return nil, errors.Join(err, os.RemoveAll(s.dir))
		}
		s.names = append(s.names, name)
		entries = append(entries, catalog.Entry{Name: name, Path: path, Env: map[string]string{"SANDBOX_NAME": name}})
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

// stop ends all of them.
func (s *sandboxes) stop(ctx context.Context) error {
	var errs []error
	for _, name := range s.names {
		errs = append(errs, s.Stop(ctx, name))
	}
	return errors.Join(errs...)
}

func (s *sandboxes) close(ctx context.Context) error {
	return errors.Join(s.Close(context.WithoutCancel(ctx)), os.RemoveAll(s.dir))
}

// manyStarted is how many plugins are started at once.
const manyStarted = 8

// timing is how long starts of so many plugins at once took, in milliseconds:
// the first ones of a host's life and, of ours, the next ones.
type timing struct {
	plugins      int
	start        func(context.Context, int) (first, next time.Duration, err error)
	first, again []float64
}

// starts measures how long it takes until plugins serve, verified, connected
// and described: many at once beside one alone of bare go-plugin, which checks
// and asks nothing. How many of ours compare with one of ours is told beside it,
// and how long they take when the host knows their binaries from earlier starts.
func (b *bench) starts(ctx context.Context) error {
	b.say("starting %d plugins", manyStarted)
	many, one := &timing{plugins: manyStarted, start: b.startOnce}, &timing{plugins: 1, start: b.startOnce}
	bareMany, bareOne := &timing{plugins: manyStarted, start: b.startBare}, &timing{plugins: 1, start: b.startBare}
	for range 3 * b.rounds {
		for _, t := range []*timing{many, one, bareMany, bareOne} {
			first, next, err := t.start(ctx, t.plugins)
			if err != nil {
				return err
			}
			t.first, t.again = append(t.first, millis(first)), append(t.again, millis(next))
		}
	}
	together := ratioAtMost(2.5)
	f := b.report.add(figure{
		Name: "plugin starts", What: fmt.Sprintf("%d plugins started at once for the first time, until all serve", manyStarted), Unit: "ms",
		Bare: "one start of bare go-plugin", Details: startDetails(many, one, bareMany, bareOne, runtime.NumCPU()),
	}, many.first, bareOne.first, &together)
	b.say("%g ms, one of bare go-plugin %g ms; one of ours %g ms, ratio %g", f.Value, f.Limit, f.Details["one_ms"], f.Details["ratio_to_one"])
	b.say("the next time %g ms, one %g ms", f.Details["again_ms"], f.Details["again_one_ms"])
	b.say("bare go-plugin needs %g ms for as many, ratio %g; with %d CPUs, starts that only compute have a ratio of %g",
		f.Details["bare_ms"], f.Details["bare_ratio_to_one"], runtime.NumCPU(), f.Details["floor"])
	return nil
}

// startDetails compares starts with their own kind. The floor is the ratio of
// starts that do nothing but compute on one CPU each.
func startDetails(many, one, bareMany, bareOne *timing, cpus int) map[string]float64 {
	m, _ := summary(many.first)
	o, _ := summary(one.first)
	ma, _ := summary(many.again)
	oa, _ := summary(one.again)
	bm, _ := summary(bareMany.first)
	bo, _ := summary(bareOne.first)
	return map[string]float64{
		"one_ms": o, "ratio_to_one": round3(m / o), "again_ms": ma, "again_one_ms": oa, "again_ratio": round3(ma / bo),
		"bare_ms": bm, "bare_ratio_to_one": round3(bm / bo), "floor": round3(max(1, manyStarted/float64(cpus))),
	}
}

func (b *bench) startOnce(ctx context.Context, n int) (first, next time.Duration, err error) {
	s, err := b.openSandboxes(ctx, n)
	if err != nil {
		return 0, 0, err
	}
	if first, err = s.start(ctx); err == nil {
		err = s.stop(ctx)
	}
	if err == nil {
		next, err = s.start(ctx)
	}
	return first, next, errors.Join(err, s.close(ctx))
}

// startBare starts so many with go-plugin's own client, which checks and asks
// nothing, until each has answered one call.
func (b *bench) startBare(ctx context.Context, n int) (first, next time.Duration, err error) {
	binary, err := filepath.Abs(filepath.Join(b.bin, sandboxBinary))
	if err != nil {
		return 0, 0, err
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
	first = time.Since(begin)
	for _, end := range ends {
		if end != nil {
			group.Go(end)
		}
	}
	group.Wait()
	return first, 0, errors.Join(errs...)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
