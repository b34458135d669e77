package api

import (
	"math"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/time/rate"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// limiter is a token bucket per key, in a bounded map. When the map is full,
// buckets that are full again (and so carry no memory) go first.
type limiter struct {
	clock clock.Clock
	rate  rate.Limit
	burst int
	most  int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// newLimiter allows perSecond requests a second and key, and bursts of burst.
// perSecond <= 0 means: no limit.
func newLimiter(c clock.Clock, perSecond, burst, most int) *limiter {
	return &limiter{clock: c, rate: rate.Limit(perSecond), burst: burst, most: most, buckets: map[string]*rate.Limiter{}}
}

// allow takes one token; when there is none it returns how long until there is.
func (l *limiter) allow(key string) (wait time.Duration, ok bool) {
	if l.rate <= 0 {
		return 0, true
	}
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= l.most {
			l.sweep(now)
		}
		b = rate.NewLimiter(l.rate, l.burst)
		l.buckets[key] = b
	}
	if b.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - b.TokensAt(now)
	return time.Duration(math.Ceil(missing / float64(l.rate) * float64(time.Second))), false
}

// sweep drops the buckets that are full, and all of them when none is: a short
// moment of leniency beats unbounded memory.
func (l *limiter) sweep(now time.Time) {
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) >= l.most {
		clear(l.buckets)
	}
}

// limit bounds the requests of one caller; without a caller, of one address.
func (s *Server) limit(c *fiber.Ctx) error {
	if s.limiter.rate <= 0 {
		return c.Next()
	}
	r := requestOf(c.UserContext())
	key := "ip:" + r.ip
	if r.signedIn {
		key = "user:" + r.caller.UserID
	}
	if wait, ok := s.limiter.allow(key); !ok {
		return s.answer(c, fault.Throttled(max(wait, time.Second), "slow down: you may send %d requests a second", int(s.limiter.rate)))
	}
	return c.Next()
}
