package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// rate is what one round of load measured.
type rate struct {
	perSecond float64
	p50, p99  time.Duration
	count     int
}

// worker does one thing after another for one client; n counts from 0.
type worker func(client, n int) error

// load runs so many clients, each sending its next request when it has the
// answer, first to warm up and then for the time that counts.
func load(ctx context.Context, clients int, warm, d time.Duration, do worker) (rate, error) {
	begin := time.Now()
	from, to := begin.Add(warm), begin.Add(warm+d)
	took := make([][]time.Duration, clients)
	errs := make([]error, clients)
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() { took[c], errs[c] = oneClient(ctx, c, from, to, do) })
	}
	group.Wait()
	return rateOf(took, d), errors.Join(errs...)
}

func oneClient(ctx context.Context, c int, from, to time.Time, do worker) ([]time.Duration, error) {
	took := make([]time.Duration, 0, 4096)
	start := time.Now()
	for n := 0; start.Before(to) && ctx.Err() == nil; n++ {
		if err := do(c, n); err != nil {
			return took, err
		}
		end := time.Now()
		if !end.Before(from) && end.Before(to) {
			took = append(took, end.Sub(start))
		}
		start = end
	}
	return took, ctx.Err()
}

func rateOf(took [][]time.Duration, d time.Duration) rate {
	all := slices.Concat(took...)
	slices.Sort(all)
	r := rate{count: len(all), perSecond: float64(len(all)) / d.Seconds()}
	if len(all) > 0 {
		r.p50, r.p99 = all[len(all)/2], all[len(all)*99/100]
	}
	return r
}

// pair is a figure and its limit, measured in turns.
type pair struct {
	values, limits []float64
	value, limit   rate // of the last round
}

// inTurns measures limit and value round by round.
func (b *bench) inTurns(value, limit func() (rate, error)) (pair, error) {
	var p pair
	var err error
	for range b.rounds {
		if p.limit, err = limit(); err != nil {
			return p, err
		}
		if p.value, err = value(); err != nil {
			return p, err
		}
		p.limits, p.values = append(p.limits, p.limit.perSecond), append(p.values, p.value.perSecond)
	}
	return p, nil
}

// details are the latencies of the last round, in microseconds.
func (p pair) details() map[string]float64 {
	return map[string]float64{
		"p50_us": micros(p.value.p50), "p99_us": micros(p.value.p99),
		"limit_p50_us": micros(p.limit.p50), "limit_p99_us": micros(p.limit.p99),
	}
}

func micros(d time.Duration) float64 { return float64(d.Microseconds()) }
