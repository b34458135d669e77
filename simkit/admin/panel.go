package admin

import (
	"sync"

	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
)

// Panel is what every simulator lets tests turn and read: its faults and its
// calls. A simulator embeds it. F is its Fault and C its Call.
//
// A Panel is safe for concurrent use: it takes the simulator's lock, which the
// simulator itself holds whenever it uses the set and the log.
type Panel[F, C any] struct {
	mu  sync.Locker
	set *faults.Set[F]
	log *calls.Log[C]
}

// NewPanel returns a panel for a set and a log that a lock guards.
func NewPanel[F, C any](mu sync.Locker, set *faults.Set[F], log *calls.Log[C]) *Panel[F, C] {
	return &Panel[F, C]{mu: mu, set: set, log: log}
}

// SetFaults replaces the faults in force; counters start again. A mistake is
// told with its path and leaves the old ones.
func (p *Panel[F, C]) SetFaults(faults ...F) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set.Replace(faults)
}

// Faults returns the faults in force with how often each acted.
func (p *Panel[F, C]) Faults() []F {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set.Current()
}

// Calls returns up to limit of the last calls, oldest first.
func (p *Panel[F, C]) Calls(limit int) []C {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Last(limit)
}

// Counts returns the exact counts per action since start.
func (p *Panel[F, C]) Counts() map[string]calls.Count {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Counts()
}

// Switches adds GET and PUT /faults and GET /calls.
func Switches[F, C any](d *Desk, p *Panel[F, C]) {
	Get(d, "/faults", p.Faults)
	Do(d, "PUT /faults", func(in []F) ([]F, error) {
		if err := p.SetFaults(in...); err != nil {
			return nil, err
		}
		return p.Faults(), nil
	})
	List(d, "/calls", 100, func(limit int) map[string]any {
		return map[string]any{"counts": p.Counts(), "calls": p.Calls(limit)}
	})
}
