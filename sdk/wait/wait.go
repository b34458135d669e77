// Package wait polls until something has the state that is hoped for. It is
// for short waits inside one call; what takes minutes is answered as a started
// operation, which the core polls.
//
// All functions are safe for concurrent use.
package wait

import (
	"context"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config says how often and how long. Every and Timeout must be positive; zero
// means the defaults.
type Config struct {
	Every   time.Duration // pause between two polls; default 1 s
	Timeout time.Duration // after which the wait is given up; default 30 s
	Clock   clock.Clock   // default: the machine's
}

func (c Config) withDefaults() Config {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	return c
}

// Until polls at once and then regularly, and returns the first answer for
// which reached is true. An error of reached (the thing went to a state from
// which there is no way) and an error of poll end the wait; a throttled or
// unavailable poll is only repeated, after its RetryAfter. When the time is
// over, it returns the last answer and an unavailable fault with the outcome
// unknown: what was waited for may still come.
func Until[T any](
	ctx context.Context, cfg Config, poll func(context.Context) (T, error), reached func(T) (bool, error),
) (T, error) {
	cfg = cfg.withDefaults()
	end := cfg.Clock.Now().Add(cfg.Timeout)
	var last T
	for {
		pause := cfg.Every
		now, err := poll(ctx)
		switch {
		case err == nil:
			last = now
			if ok, err := reached(now); ok || err != nil {
				return now, err
			}
		case fault.Is(err, fault.ClassThrottled), fault.Is(err, fault.ClassUnavailable):
			pause = max(pause, fault.As(err).RetryAfter)
		default:
			return last, err
		}
		if cfg.Clock.Now().Add(pause).After(end) {
			return last, fault.Unknown(err, "the state was not reached within %s", cfg.Timeout)
		}
		select {
		case <-cfg.Clock.After(pause):
		case <-ctx.Done():
			return last, fault.Unknown(ctx.Err(), "the wait was ended before the state was reached")
		}
	}
}
