package throttle_test

import (
	"fmt"
	"testing"
	"time"

	"tradewind.example/core/tenant/throttle"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

func newLimiter(cfg throttle.Config) (*throttle.Limiter, *clock.Fake) {
	c := clock.NewFake(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	return throttle.New(cfg, c), c
}

func allowed(l *throttle.Limiter, login, ip string, tries int) int {
	n := 0
	for range tries {
		if l.Allow(login, ip) == nil {
			n++
		}
	}
	return n
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(throttle.Config{LoginEvery: 10 * time.Second, LoginBurst: 3, IPEvery: time.Second, IPBurst: 5})
	if got := allowed(l, "a", "1", 9); got != 3 {
		t.Errorf("one login: %d tries at once, want 3", got)
	}
	if got := allowed(l, "b", "1", 9); got != 0 {
		t.Errorf("the address is used up by refused tries too: %d more", got)
	}
	if got := allowed(l, "b", "2", 9); got != 3 {
		t.Errorf("another login from another address: %d, want 3", got)
	}
	c.Advance(20 * time.Second)
	if got := allowed(l, "a", "3", 9); got != 2 {
		t.Errorf("after 20 s: %d more tries, want 2", got)
	}
	err := l.Allow("a", "4")
	if after := fault.As(err).RetryAfter; !fault.Is(err, fault.ClassThrottled) || after < 10*time.Second || after > 12*time.Second {
		t.Errorf("the refusal says when: %v after %s", err, after)
	}
}

func TestLocksGrow(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(throttle.Config{LockAfter: 2, LockFirst: time.Minute, LockMax: 5 * time.Minute, LoginBurst: 1000, IPBurst: 1000})
	wait := func() time.Duration { return fault.As(l.Allow("a", "1")).RetryAfter.Truncate(time.Minute) }
	l.Failed("a")
	if err := l.Allow("a", "1"); err != nil {
		t.Errorf("one failure does not lock: %v", err)
	}
	for _, minutes := range []int{1, 2, 4, 5, 5} {
		want := time.Duration(minutes) * time.Minute
		l.Failed("a")
		if got := wait(); got != want {
			t.Errorf("locked for %s, want %s", got, want)
		}
		if err := l.Allow("b", "1"); err != nil {
			t.Errorf("another login is not locked: %v", err)
		}
		c.Advance(want)
		if err := l.Allow("a", "1"); err != nil {
			t.Errorf("the lock ends: %v", err)
		}
	}
	l.Succeeded("a")
	l.Failed("a")
	if err := l.Allow("a", "1"); err != nil {
		t.Errorf("a success forgets the failures: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(throttle.Config{LoginBurst: 1, IPBurst: 1, Size: 100})
	if got := allowed(l, "first", "first", 2); got != 1 {
		t.Errorf("%d tries, want 1", got)
	}
	for i := range 99 {
		_ = l.Allow(fmt.Sprint(i), fmt.Sprint(i))
	}
	if got := allowed(l, "first", "first", 1); got != 0 {
		t.Error("a name among the last 100 is remembered")
	}
	for i := range 100 {
		_ = l.Allow(fmt.Sprint("x", i), fmt.Sprint("x", i))
	}
	if got := allowed(l, "first", "first", 1); got != 1 {
		t.Error("100 later names push it out")
	}
}
