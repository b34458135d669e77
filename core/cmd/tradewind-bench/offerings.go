package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// manyOfferings is how many products the cloud of the memory figure sells.
const manyOfferings = 100_000

// offerings measures how much memory the broker takes more than when it answers
// reads, while it takes in a large catalogue from a plugin, checks each line and
// stores it. Pages of the store's file do not count: the kernel takes them back
// when it wants to.
func (b *bench) offerings(ctx context.Context) (err error) {
	b.say("a catalogue of %d offerings", manyOfferings)
	k, err := b.newBroker("offerings", nil)
	if err != nil {
		return err
	}
	if _, err := k.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.process.kill()) }()
	c := &cast{}
	if c.operator, err = signIn(newClient(k.url, 8), "admin", k.password); err != nil {
		return err
	}
	if err := errors.Join(c.install(k), c.register(), c.enable(c.operator, map[string]string{"api_key": "bench"}, map[string]string{
		"more_offerings": strconv.Itoa(manyOfferings - 8),
	})); err != nil {
		return err
	}
	usual, err := b.peakOf(k, func() error {
		_, err := load(ctx, 8, 0, b.round, func(int, int) error { return c.operator.get("/v1/providers", nil) })
		return err
	})
	if err != nil {
		return err
	}
	begin := time.Now()
	most, err := b.peakOf(k, func() error { return c.operator.post("/v1/providers/"+c.provider+"/sync", nil, nil) })
	if err != nil {
		return err
	}
	small := atMost(32)
	f := b.report.add(figure{
		Name: "offerings memory", What: fmt.Sprintf("growth of the broker's own memory while %d offerings are read from a plugin and stored", manyOfferings),
		Unit: "MB", Details: map[string]float64{"seconds": round3(time.Since(begin).Seconds()), "usual_mb": round3(megabytes(usual))},
	}, []float64{megabytes(most - usual)}, nil, &small)
	b.say("%g MB", f.Value)
	return nil
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// peakOf is the most memory that the broker has while something is done.
func (b *bench) peakOf(k *broker, do func() error) (peak int64, err error) {
	stop, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			now, err := anonymous(k.pid())
			peak = max(peak, now)
			select {
			case <-tick.C:
			case <-stop:
				watched <- err
				return
			}
		}
	}()
	err = do()
	close(stop)
	return peak, errors.Join(<-watched, err)
}

// anonymous is the memory of a process that is in no file, in bytes.
func anonymous(pid int) (int64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), "\nRssAnon:")
	text, _, found := strings.Cut(rest, " kB")
	if !found {
		return 0, fmt.Errorf("process %d does not tell its anonymous memory", pid)
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return kib << 10, err
}
