package host

import "tradewind.example/host/guard"

// newBreakers makes the circuit breakers of a plugin.
func (h *Host) newBreakers(plugin string) *guard.Breakers {
	return guard.NewBreakers(guard.BreakersConfig{Plugin: plugin, Policy: h.cfg.Breaker, Log: h.log})
}

// Limits returns how much the plugin has to do at this moment, which orgs take
// most of it, and its bounds.
func (p *Plugin) Limits() guard.Load { return p.bulkhead.Load() }

// Streams returns which orgs have logs and consoles of the plugin open at this
// moment, and the bounds.
func (p *Plugin) Streams() guard.Load { return p.streams.Load() }

// BreakerStates returns the plugin's circuit breakers that have seen a failure
// lately, those that refuse calls first; all others are closed.
func (p *Plugin) BreakerStates() []guard.BreakerState { return p.breakers.States() }

// ResetBreaker closes one circuit breaker at once; a not_found fault when
// nothing is known of it, for then it is closed.
func (p *Plugin) ResetBreaker(k guard.BreakerKey) error { return p.breakers.Reset(k) }
