package admin

import (
	"fmt"
	"sync"
	"time"

	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
)

// Clock is a simulator's time, as its panel uses it under the lock.
type Clock struct {
	Now func() time.Time
	// Advance moves the clock forward, settles what fell due, and keeps both.
	Advance func(time.Duration) error
}

// Panel is what every simulator lets tests turn and read: its faults, its
// calls and its clock. A simulator embeds it. F is its Fault and C its Call.
//
// A Panel is safe for concurrent use: it takes the simulator's lock, which the
// simulator itself holds whenever it uses the set and the log.
type Panel[F, C any] struct {
	mu    sync.Locker
	set   *faults.Set[F]
	log   *calls.Log[C]
	clock Clock
}

// NewPanel returns a panel for a set, a log and a clock that a lock guards.
func NewPanel[F, C any](mu sync.Locker, set *faults.Set[F], log *calls.Log[C], clock Clock) *Panel[F, C] {
	return &Panel[F, C]{mu: mu, set: set, log: log, clock: clock}
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

// Now is the simulator's time.
func (p *Panel[F, C]) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.Now()
}

// Advance moves the simulator's clock forward, at most ten years at once.
func (p *Panel[F, C]) Advance(d time.Duration) error {
	if d < 0 || d > maxAdvance {
		return fmt.Errorf("advancing the clock by %v: give 0 to 10 years", d)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.Advance(d)
}

// step is the body of POST /clock/advance.
type step struct {
	Seconds int64 `json:"seconds"`
}

func (p *Panel[F, C]) step(in step) (map[string]time.Time, error) {
	if in.Seconds < 0 || in.Seconds > int64(maxAdvance/time.Second) {
		return nil, fmt.Errorf("seconds: %d is not between 0 and ten years", in.Seconds)
	}
	if err := p.Advance(time.Duration(in.Seconds) * time.Second); err != nil {
		return nil, err
	}
	return map[string]time.Time{"now": p.Now()}, nil
}

// Switches adds GET and PUT /faults, GET /calls and POST /clock/advance.
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
	Do(d, "POST /clock/advance", p.step)
}
