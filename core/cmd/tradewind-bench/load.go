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
	count     int           // measured
	all       int           // done in the round, warming up included
	cpu       time.Duration // of the process under load for one of all, 0 when not asked for
}

// worker does one thing after another for one client; n counts from 0.
type worker func(client, n int) error

// load runs so many clients, each sending its next request when it has the
// answer, first to warm up and then for the time that counts.
func load(ctx context.Context, clients int, warm, d time.Duration, do worker) (rate, error) {
	begin := time.Now()
	from, to := begin.Add(warm), begin.Add(warm+d)
	took := make([][]time.Duration, clients)
	done := make([]int, clients)
	errs := make([]error, clients)
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() { took[c], done[c], errs[c] = oneClient(ctx, c, from, to, do) })
	}
	group.Wait()
	r := rateOf(took, d)
	for _, n := range done {
		r.all += n
	}
	return r, errors.Join(errs...)
}

func oneClient(ctx context.Context, c int, from, to time.Time, do worker) (took []time.Duration, n int, err error) {
	took = make([]time.Duration, 0, 4096)
	start := time.Now()
	for ; start.Before(to) && ctx.Err() == nil; n++ {
		if err := do(c, n); err != nil {
			return took, n, err
		}
		end := time.Now()
		if !end.Before(from) && end.Before(to) {
			took = append(took, end.Sub(start))
		}
		start = end
	}
	return took, n, ctx.Err()
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

// costing adds the CPU time of a process to what a round measured.
func costing(pid int, round func() (rate, error)) (rate, error) {
	before, err := cpuTime(pid)
	if err != nil {
		return rate{}, err
	}
	r, err := round()
	if err != nil {
		return r, err
	}
	after, err := cpuTime(pid)
	r.cpu = (after - before) / time.Duration(max(r.all, 1))
	return r, err
}

// pair is a figure and its limit, measured in turns.
type pair struct {
	values, limits []float64
	p50, limitP50  []float64 // microseconds
	value, limit   rate      // of the last round
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
		p.limitP50, p.p50 = append(p.limitP50, float64(p.limit.p50.Nanoseconds())/1000), append(p.p50, float64(p.value.p50.Nanoseconds())/1000)
	}
	return p, nil
}

// details are the latencies of the last round, in microseconds.
func (p pair) details() map[string]float64 {
	out := map[string]float64{
		"p50_us": micros(p.value.p50), "p99_us": micros(p.value.p99),
		"limit_p50_us": micros(p.limit.p50), "limit_p99_us": micros(p.limit.p99),
	}
	if p.value.cpu > 0 {
		out["cpu_us"] = micros(p.value.cpu)
	}
	return out
}

func micros(d time.Duration) float64 { return float64(d.Microseconds()) }
