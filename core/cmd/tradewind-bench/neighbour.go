package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tradewind.example/host"
	"tradewind.example/sdk/provider"
)

// neighbour measures the calls to one plugin while another one is stuck: all
// its slots are taken by calls that do not end, and its queue is full.
func (b *bench) neighbour(ctx context.Context) (err error) {
	b.say("calls beside a stuck plugin")
	s, err := b.openSandboxes(ctx, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if _, err := s.start(ctx); err != nil {
		return err
	}
	stuck, err := s.Plugin(s.names[0])
	if err != nil {
		return err
	}
	well, err := s.Plugin(s.names[1])
	if err != nil {
		return err
	}
	var beside, alone []float64
	for range b.rounds {
		took, err := b.quoteTime(ctx, well)
		if err != nil {
			return err
		}
		alone = append(alone, took)
		release, err := stick(ctx, stuck)
		if err != nil {
			return err
		}
		took, err = b.quoteTime(ctx, well)
		release()
		if err != nil {
			return err
		}
		beside = append(beside, took)
	}
	unmoved := ratioAtMost(1.10)
	f := b.report.add(figure{
		Name: "stuck neighbour", What: "median time of a quote while all slots and the queue of another plugin are taken by calls that do not end",
		Unit: "us", Bare: "the same while nothing is stuck",
	}, beside, alone, &unmoved)
	b.say("%g us, alone %g us", f.Value, f.Limit)
	return nil
}

// quoteTime is the median time of one call of one caller, in microseconds.
func (b *bench) quoteTime(ctx context.Context, p *host.Plugin) (float64, error) {
	req := quoteRequest()
	r, err := load(ctx, 1, b.warm/4, b.round/2, func(int, int) error {
		_, err := p.Quote(ctx, req)
		return err
	})
	return float64(r.p50.Nanoseconds()) / 1000, err
}

// stick fills a plugin with calls that do not end; release ends them.
func stick(ctx context.Context, p *host.Plugin) (release func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var calls sync.WaitGroup
	release = func() { cancel(); calls.Wait() }
	limits := p.Limits().Limits
	for n := range limits.Concurrent + limits.Queue {
		calls.Go(func() {
			for try := 0; ctx.Err() == nil; try++ {
				_, _ = p.Create(ctx, hangingCreate(n, try)) // its end is an error
			}
		})
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if l := p.Limits(); l.Busy == limits.Concurrent && l.Waiting == limits.Queue {
			return release, nil
		}
		if ctx.Err() != nil || time.Since(begin) > patience {
			release()
			return nil, fmt.Errorf("the plugin could not be filled with calls: %w", context.Cause(ctx))
		}
	}
}

func hangingCreate(n, try int) provider.CreateRequest {
	call := quoteRequest().Call
	call.Org = "org-" + strconv.Itoa(n%16)
	call.Account.Settings = map[string]string{"latency_millis": "60000"}
	return provider.CreateRequest{
		Call: call, Token: fmt.Sprintf("token-%d-%d", n, try), Kind: "instance", Name: "stuck", Spec: json.RawMessage(`{"flavour":"small","disk_gb":20}`),
		Term: quoteRequest().Term,
	}
}
