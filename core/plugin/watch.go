package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
)

// SetLogLevel shows a plugin's log from a level on, until it is set again.
func (s *Service) SetLogLevel(ctx context.Context, c access.Caller, name, level string) (Detail, error) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, level) {
		return Detail{}, fault.Invalid("level", "must be debug, info, warn or error")
	}
	before, err := s.writable(ctx, c, name)
	if err != nil {
		return Detail{}, err
	}
	if err := s.cfg.Host.SetLogLevel(ctx, name, level); err != nil {
		return Detail{}, fmt.Errorf("setting the log level of plugin %q: %w", name, err)
	}
	type log struct{ Level string }
	if err := s.record(ctx, c, name, "log_level", log{before.LogLevel}, log{level}); err != nil {
		return Detail{}, err
	}
	return s.cfg.Host.Inspect(ctx, name)
}

// Crashes returns one page of a plugin's crash reports, oldest first.
func (s *Service) Crashes(ctx context.Context, c access.Caller, name string, q Query) (Page[Crash], error) {
	if err := s.check(ctx, c, access.PluginRead, name); err != nil {
		return Page[Crash]{}, err
	}
	if err := q.validate(); err != nil {
		return Page[Crash]{}, err
	}
	all, err := s.cfg.Crashes.Crashes(ctx, name)
	if err != nil {
		return Page[Crash]{}, err
	}
	slices.SortFunc(all, func(a, b Crash) int { return strings.Compare(a.ID, b.ID) }) // ids begin with the time
	return page(q, all, func(r Crash) string { return r.ID }), nil
}

// Crash returns one crash report.
func (s *Service) Crash(ctx context.Context, c access.Caller, name, id string) (Crash, error) {
	if err := s.check(ctx, c, access.PluginRead, name); err != nil {
		return Crash{}, err
	}
	return s.cfg.Crashes.Crash(ctx, name, id)
}

// Breakers returns one page of the circuit breakers that have seen a failure
// lately; all others are closed.
func (s *Service) Breakers(ctx context.Context, c access.Caller, name string, q Query) (Page[Breaker], error) {
	d, err := s.Inspect(ctx, c, name)
	if err != nil {
		return Page[Breaker]{}, err
	}
	if err := q.validate(); err != nil {
		return Page[Breaker]{}, err
	}
	slices.SortFunc(d.Breakers, func(a, b Breaker) int { return strings.Compare(a.String(), b.String()) })
	return page(q, d.Breakers, func(b Breaker) string { return b.String() }), nil
}

// ResetBreaker closes a circuit breaker at once.
func (s *Service) ResetBreaker(ctx context.Context, c access.Caller, name string, key BreakerKey) (Detail, error) {
	before, err := s.writable(ctx, c, name)
	if err != nil {
		return Detail{}, err
	}
	if err := s.cfg.Host.ResetBreaker(ctx, name, key); err != nil {
		return Detail{}, err
	}
	type circuit struct{ Breaker, State string }
	was := circuit{Breaker: key.String()}
	if i := slices.IndexFunc(before.Breakers, func(b Breaker) bool { return b.BreakerKey == key }); i >= 0 {
		was.State = before.Breakers[i].State
	}
	if err := s.record(ctx, c, name, "reset_breaker", was, circuit{key.String(), "closed"}); err != nil {
		return Detail{}, err
	}
	return s.cfg.Host.Inspect(ctx, name)
}
