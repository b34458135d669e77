package sim

import "time"

// rateKey is what the gateway counts: the calls of an account to a service.
type rateKey struct{ account, service string }

// rateWindow counts the calls of one minute of the wall clock.
type rateWindow struct {
	minute time.Time
	calls  int
}

// allow counts a call; false is one too many.
func (c *Cloud) allow(k rateKey) bool {
	if c.cfg.CallsPerMinute < 0 {
		return true
	}
	minute := c.cfg.Wall().Truncate(time.Minute)
	w := c.rates[k]
	if w == nil || !w.minute.Equal(minute) {
		w = &rateWindow{minute: minute}
		c.rates[k] = w
	}
	w.calls++
	return w.calls <= c.cfg.CallsPerMinute
}
