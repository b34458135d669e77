// Package throttle slows down guessing: a token bucket for each login and each
// address, and a growing pause for a login after failures in a row.
//
// It does not know which logins exist and treats all names alike, so that its
// answers tell nothing. Its memory is bounded: the names unused for longest are
// forgotten, which the buckets of the addresses make expensive to force. It
// keeps nothing over a restart. A [Limiter] is safe for concurrent use.
package throttle

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config is the limits. The zero of each field is that of [Defaults].
type Config struct {
	LoginEvery time.Duration // one more try for a login after each of these
	LoginBurst int           // tries for a login at once
	IPEvery    time.Duration // one more try for an address after each of these
	IPBurst    int           // tries from an address at once
	LockAfter  int           // failures in a row that lock a login
	LockFirst  time.Duration // the first lock; each further failure doubles it
	LockMax    time.Duration // the longest lock
	Size       int           // names remembered of each sort
}

// Defaults are limits that a person does not notice.
func Defaults() Config {
	return Config{
		LoginEvery: 3 * time.Second, LoginBurst: 10,
		IPEvery: 500 * time.Millisecond, IPBurst: 60,
		LockAfter: 8, LockFirst: 30 * time.Second, LockMax: 15 * time.Minute,
		Size: 65536,
	}
}

func (c Config) filled() Config {
	d := Defaults()
	orDuration(&c.LoginEvery, d.LoginEvery)
	orDuration(&c.IPEvery, d.IPEvery)
	orDuration(&c.LockFirst, d.LockFirst)
	orDuration(&c.LockMax, d.LockMax)
	orInt(&c.LoginBurst, d.LoginBurst)
	orInt(&c.IPBurst, d.IPBurst)
	orInt(&c.LockAfter, d.LockAfter)
	orInt(&c.Size, d.Size)
	return c
}

func orDuration(v *time.Duration, def time.Duration) {
	if *v <= 0 {
		*v = def
	}
}

func orInt(v *int, def int) {
	if *v <= 0 {
		*v = def
	}
}

// Limiter counts the tries.
type Limiter struct {
	cfg    Config
	clock  clock.Clock
	mu     sync.Mutex
	logins *recent
	ips    *recent
}

// New returns a Limiter that has seen nothing.
func New(cfg Config, c clock.Clock) *Limiter {
	cfg = cfg.filled()
	return &Limiter{cfg: cfg, clock: c, logins: newRecent(cfg.Size), ips: newRecent(cfg.Size)}
}

// Allow counts one try, or refuses it as throttled with the time to wait.
func (l *Limiter) Allow(login, ip string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	from := l.ips.get(ip, l.cfg.IPEvery, l.cfg.IPBurst)
	who := l.logins.get(login, l.cfg.LoginEvery, l.cfg.LoginBurst)
	if wait := who.lockedUntil.Sub(now); wait > 0 {
		return refusal(wait)
	}
	if wait := from.take(now); wait > 0 {
		return refusal(wait)
	}
	if wait := who.take(now); wait > 0 {
		return refusal(wait)
	}
	return nil
}

// Failed counts a wrong password and locks the login when there were too many.
func (l *Limiter) Failed(login string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.logins.get(login, l.cfg.LoginEvery, l.cfg.LoginBurst)
	e.failures++
	if over := e.failures - l.cfg.LockAfter; over >= 0 {
		e.lockedUntil = l.clock.Now().Add(l.lock(over))
	}
}

// Succeeded forgets the failures of a login.
func (l *Limiter) Succeeded(login string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.logins.get(login, l.cfg.LoginEvery, l.cfg.LoginBurst)
	e.failures, e.lockedUntil = 0, time.Time{}
}

func (l *Limiter) lock(over int) time.Duration {
	d := l.cfg.LockFirst
	for range over {
		if d *= 2; d >= l.cfg.LockMax {
			return l.cfg.LockMax
		}
	}
	return min(d, l.cfg.LockMax)
}

func refusal(wait time.Duration) error {
	return fault.Throttled(wait.Round(time.Second)+time.Second, "too many sign-ins: wait and try again")
}

// entry is what is remembered of one name.
type entry struct {
	name        string
	bucket      *rate.Limiter
	failures    int
	lockedUntil time.Time
}

// take uses one token, or says how long until there is one.
func (e *entry) take(now time.Time) time.Duration {
	r := e.bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// recent keeps the names used last.
type recent struct {
	size  int
	order *list.List // front: used last
	byKey map[string]*list.Element
}

func newRecent(size int) *recent {
	return &recent{size: size, order: list.New(), byKey: map[string]*list.Element{}}
}

func (m *recent) get(name string, every time.Duration, burst int) *entry {
	if el, ok := m.byKey[name]; ok {
		m.order.MoveToFront(el)
		return el.Value.(*entry)
	}
	if m.order.Len() >= m.size {
		oldest := m.order.Back()
		m.order.Remove(oldest)
		delete(m.byKey, oldest.Value.(*entry).name)
	}
	e := &entry{name: name, bucket: rate.NewLimiter(rate.Every(every), burst)}
	m.byKey[name] = m.order.PushFront(e)
	return e
}
