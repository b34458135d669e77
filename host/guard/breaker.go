package guard

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// BreakerKey says what one breaker of a plugin shuts off: reads or changes of
// one account in one region.
type BreakerKey struct {
	Account string // id of ours
	Region  string // "" where calls have none
	Change  bool
}

// BreakerPolicy says when breakers open and for how long. Zero fields get the
// defaults.
type BreakerPolicy struct {
	Failures int           // in a row that open it; default 5
	OpenFor  time.Duration // first pause, doubled with each failed probe; default 5 s
	MaxOpen  time.Duration // longest pause; default 1 min
	Keep     time.Duration // how long an unused one is remembered; default 10 min
	MaxKeys  int           // remembered at once; beyond, the one longest without a failure goes; default 1024
}

// BreakersConfig says for which plugin breakers are.
type BreakersConfig struct {
	Plugin string
	Policy BreakerPolicy
	Clock  clock.Clock  // nil: the machine's
	Log    *slog.Logger // nil discards
}

const (
	// probeWait is what callers are told to wait while a probe is at work.
	probeWait = time.Second
	// lostTogether is the time in which lost calls count as one failure: a
	// process that ends takes the calls of innocent accounts with it.
	lostTogether = time.Second
)

// Breakers are the circuit breakers of one plugin. A breaker exists from its
// first failure on, so that healthy accounts cost nothing. Safe for concurrent
// use; starts no goroutine.
type Breakers struct {
	plugin string
	policy BreakerPolicy
	clock  clock.Clock
	log    *slog.Logger

	size  atomic.Int64  // len(known)
	epoch atomic.Uint64 // counts all transitions

	mu    sync.Mutex
	known map[BreakerKey]*breaker
}

// breaker is one of them. Breakers.mu guards it.
type breaker struct {
	key     BreakerKey
	state   Circuit
	since   time.Time
	epoch   uint64 // of its last transition; results of older calls do not count
	inARow  int    // failures without a success between
	last    time.Time
	cause   string
	lost    time.Time // last failure by a lost process
	pause   time.Duration
	retryAt time.Time
}

// ticket is a call's leave. The zero ticket is of a call that no breaker sees.
type ticket struct {
	counts bool
	probe  bool
	epoch  uint64 // transitions so far
}

// NewBreakers makes the breakers of a plugin, all closed.
func NewBreakers(cfg BreakersConfig) *Breakers {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Breakers{
		plugin: cfg.Plugin, policy: cfg.Policy.withDefaults(), clock: cfg.Clock, log: cfg.Log,
		known: map[BreakerKey]*breaker{},
	}
}

func (p BreakerPolicy) withDefaults() BreakerPolicy {
	setDefault(&p.Failures, 5)
	setDefault(&p.OpenFor, 5*time.Second)
	setDefault(&p.MaxOpen, time.Minute)
	setDefault(&p.Keep, 10*time.Minute)
	setDefault(&p.MaxKeys, 1024)
	return p
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// keyOf returns the key of a call; not ok for calls without an account and
// those that breakers do not watch.
func keyOf(c *Call) (BreakerKey, bool) {
	if c.Rule.Unbroken || c.Route.Account == "" {
		return BreakerKey{}, false
	}
	return BreakerKey{Account: c.Route.Account, Region: c.Route.Region, Change: c.Change}, true
}

// admit lets a call pass or refuses it; the ticket must be settled once.
func (b *Breakers) admit(k BreakerKey) (ticket, error) {
	if b.size.Load() == 0 {
		return ticket{counts: true, epoch: b.epoch.Load()}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.known[k]
	if e == nil {
		return ticket{counts: true, epoch: b.epoch.Load()}, nil
	}
	if err := b.refuse(e); err != nil {
		return ticket{}, err
	}
	if e.state == CircuitOpen {
		b.turn(e, SignalCool)
	}
	probe := e.state == CircuitHalfOpen
	if probe {
		b.turn(e, SignalProbe)
	}
	return ticket{counts: true, probe: probe, epoch: b.epoch.Load()}, nil
}

// refusal returns what admit would refuse the call with now; it takes no probe.
func (b *Breakers) refusal(k BreakerKey) error {
	if b.size.Load() == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.known[k]; e != nil {
		return b.refuse(e)
	}
	return nil
}

func (b *Breakers) refuse(e *breaker) error {
	wait := probeWait
	switch e.state {
	case CircuitOpen:
		if wait = e.retryAt.Sub(b.clock.Now()); wait <= 0 {
			return nil
		}
	case CircuitProbing:
	default:
		return nil
	}
	f := fault.Unavailable("the account at the cloud has not been served lately; calls to it wait until it is").From(fault.SourceHost)
	f.RetryAfter = wait
	return f
}

// settle takes in how an admitted call ended.
func (b *Breakers) settle(k BreakerKey, t ticket, v verdict, cause error) {
	if v == served && b.size.Load() == 0 || v == undecided && !t.probe {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.known[k]
	if e == nil && v > served {
		e = b.learn(k)
	}
	if e == nil || t.epoch < e.epoch {
		return
	}
	switch v {
	case undecided:
		b.turn(e, SignalUndecided)
	case served:
		b.served(e)
	default:
		b.failed(e, v, cause)
	}
}

func (b *Breakers) served(e *breaker) {
	e.inARow = 0
	switch {
	case e.state == CircuitProbing:
		e.pause = b.policy.OpenFor
		b.turn(e, SignalServed)
	case e.epoch == 0: // it never opened: no older result can come
		b.forget(e)
	}
}

func (b *Breakers) failed(e *breaker, v verdict, cause error) {
	now := b.clock.Now()
	if v == lost {
		if now.Sub(e.lost) < lostTogether && e.state != CircuitProbing {
			return
		}
		e.lost = now
	}
	e.inARow++
	e.last, e.cause = now, causeOf(cause)
	switch {
	case e.state == CircuitProbing:
		e.pause = min(2*e.pause, b.policy.MaxOpen)
		b.open(e, SignalFailed, now, cause)
	case e.state == CircuitClosed && e.inARow >= b.policy.Failures:
		b.open(e, SignalTrip, now, cause)
	}
}

// open shuts the account off, at least for as long as a throttling cloud asked.
func (b *Breakers) open(e *breaker, s Signal, now time.Time, cause error) {
	pause := e.pause
	if f, ok := carried(cause); ok {
		pause = max(pause, min(f.RetryAfter, b.policy.MaxOpen))
	}
	e.retryAt = now.Add(pause)
	b.turn(e, s)
}

// causeOf names a failure without its message, which may be long.
func causeOf(err error) string {
	f, ok := carried(err)
	switch {
	case !ok:
		return "no answer"
	case f.CloudCode != "":
		return f.Class.String() + ", cloud code " + f.CloudCode[:min(len(f.CloudCode), maxCause)]
	}
	return f.Class.String()
}

// maxCause bounds what is kept of a cloud's own code, in bytes.
const maxCause = 64

// turn makes the transition of the table.
func (b *Breakers) turn(e *breaker, s Signal) {
	next, ok := NextCircuit(e.state, s)
	if !ok {
		b.log.Error("impossible signal to a circuit breaker", "plugin", b.plugin, "state", e.state, "signal", s)
		return
	}
	from := e.state
	e.state, e.since, e.epoch = next, b.clock.Now(), b.epoch.Add(1)
	b.tell(e, from, s)
}

func (b *Breakers) tell(e *breaker, from Circuit, s Signal) {
	log := b.log.Debug
	switch s {
	case SignalTrip:
		log = b.log.Warn
	case SignalServed, SignalReset:
		log = b.log.Info
	}
	log("circuit breaker changes state", "plugin", b.plugin, "account", e.key.Account, "region", e.key.Region,
		"class", classWord(e.key.Change), "from", from, "signal", s, "to", e.state, "failures", e.inARow, "cause", e.cause)
}

// learn begins to remember a key, and forgets what is of no use any more.
func (b *Breakers) learn(k BreakerKey) *breaker {
	if oldest := b.sweep(); len(b.known) >= b.policy.MaxKeys && oldest != nil {
		b.forget(oldest)
	}
	e := &breaker{key: k, state: CircuitClosed, since: b.clock.Now(), pause: min(b.policy.OpenFor, b.policy.MaxOpen)}
	b.known[k] = e
	b.size.Store(int64(len(b.known)))
	return e
}

// sweep forgets breakers that nobody has used for long and returns the one of
// the others that has gone longest without a failure.
func (b *Breakers) sweep() (oldest *breaker) {
	now := b.clock.Now()
	for _, e := range b.known {
		switch {
		case e.state != CircuitProbing && !now.Before(e.usedUntil().Add(b.policy.Keep)):
			b.forget(e)
		case oldest == nil || e.last.Before(oldest.last):
			oldest = e
		}
	}
	return oldest
}

// usedUntil is the last time at which the breaker had something to do.
func (e *breaker) usedUntil() time.Time {
	at := e.since
	for _, t := range []time.Time{e.last, e.retryAt} {
		if t.After(at) {
			at = t
		}
	}
	return at
}

func (b *Breakers) forget(e *breaker) {
	delete(b.known, e.key)
	b.size.Store(int64(len(b.known)))
}

// breaking is the stage that asks the breakers.
type breaking struct{ breakers *Breakers }

// Begin refuses a call to an account that is shut off.
func (s breaking) Begin(ctx context.Context, c *Call) (context.Context, error) {
	k, ok := keyOf(c)
	if !ok || s.breakers == nil {
		return ctx, nil
	}
	if c.Rule.Idle > 0 {
		return ctx, s.breakers.refusal(k) // no ticket: as a probe it could last for hours
	}
	var err error
	c.ticket, err = s.breakers.admit(k)
	return ctx, err
}

// Message counts a stream as served at its first message: its end may be far.
func (s breaking) Message(_ context.Context, c *Call, d Direction, _ any) {
	if !c.Streaming || d == ToPlugin || !c.ticket.counts || c.answered {
		return
	}
	c.answered = true
	if k, ok := keyOf(c); ok {
		s.breakers.settle(k, c.ticket, served, nil)
	}
}

// End tells the breaker how the call went.
func (s breaking) End(ctx context.Context, c *Call, err error) {
	k, ok := keyOf(c)
	if !ok || !c.ticket.counts {
		return
	}
	v := judge(ctx, c, err)
	if c.answered && v <= served {
		return
	}
	s.breakers.settle(k, c.ticket, v, err)
}
