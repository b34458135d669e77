package fakecloud

import (
	"net/http"
	"time"
)

// Switches make the whole cloud worse than it should be. The zero value is a
// good day.
type Switches struct {
	// Latency passes, on the cloud's clock, before a request is looked at. With
	// the cloud's own clock that means: until [Cloud.Advance], or until the
	// caller gives up.
	Latency time.Duration
	// RatePerSecond is how many requests a second a key may make; more get 429
	// with a Retry-After. 0: no limit.
	RatePerSecond int
	// LagReads is how many reads of a changed resource still show what was before.
	LagReads int
	// LagTime is for how long reads of a changed resource show what was before.
	LagTime time.Duration
	// ShortPages gives at most so many rows in a page, however many are asked
	// for, though more follow. 0: full pages.
	ShortPages int
	// OutOfStock refuses every create with 409 and the code OutOfStock.
	OutOfStock bool
}

// Set replaces the switches.
func (c *Cloud) Set(s Switches) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.switches = s
}

// Switch changes the switches in place; fn must not call the cloud.
func (c *Cloud) Switch(fn func(*Switches)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn(&c.switches)
}

// Trouble is what a [Fault] does to a request.
type Trouble string

// The troubles. Those that say "after" let the request do its work first: the
// change has happened, and the caller is not told.
const (
	LoseRequest Trouble = "lose_request" // the connection breaks, nothing has happened
	LoseAnswer  Trouble = "lose_answer"  // the connection breaks after the work
	FailBefore  Trouble = "fail_before"  // answered with Status, nothing has happened
	FailAfter   Trouble = "fail_after"   // answered with Status after the work
	Malformed   Trouble = "malformed"    // the answer's body after the work is half of its JSON
	FailLater   Trouble = "fail_later"   // a create is accepted and ends in the status "failed"
)

// Fault troubles the next requests that fit.
type Fault struct {
	Trouble Trouble
	Method  string // "": any
	Kind    string // "": any, and requests of no kind too
	Creates bool   // only creates
	// Times is how many fitting requests are troubled; 0: one, negative: all.
	Times int
	// Status of FailBefore and FailAfter; 0: 503.
	Status int
	Code   string // the cloud's error code; "": ServerError
	// Wait is what the answer's Retry-After says; 0: a second with the status
	// 429, else nothing.
	Wait time.Duration
}

// Inject adds a fault. Faults are tried in the order in which they were added.
func (c *Cloud) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Status == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	if f.Code == "" {
		f.Code = "ServerError"
	}
	if f.Wait == 0 && f.Status == http.StatusTooManyRequests {
		f.Wait = time.Second
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// Heal takes all faults back and sets all switches to a good day.
func (c *Cloud) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults, c.switches = nil, Switches{}
}

// fault returns the first fault that fits, with one of its times used up; the
// zero Fault when there is none.
func (c *Cloud) fault(r *call) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	creates := r.Method == http.MethodPost && r.kind != "" && r.PathValue("id") == ""
	for i, f := range c.faults {
		if f.Method != "" && f.Method != r.Method || f.Kind != "" && f.Kind != r.kind || f.Creates && !creates {
			continue
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			}
		}
		return *f
	}
	return Fault{}
}

// bucket counts the requests of a key, one second's worth at most in store.
type bucket struct {
	spent  time.Duration // of the second, what is used up
	filled time.Time
}

// take reports how long the caller must wait, 0 when the request may pass.
func (b *bucket) take(now time.Time, rate int) time.Duration {
	if rate <= 0 {
		return 0
	}
	if !b.filled.IsZero() {
		b.spent = max(0, b.spent-now.Sub(b.filled))
	}
	b.filled = now
	cost := time.Second / time.Duration(rate)
	if wait := b.spent + cost - time.Second; wait > 0 {
		return wait
	}
	b.spent += cost
	return 0
}

// Request is one line of the cloud's log.
type Request struct {
	ID      string // the request id of the answer
	At      time.Time
	Key     string // "" when the signature was not good
	Method  string
	Path    string
	Query   string
	Body    []byte
	Status  int // 0: no answer was given
	Trouble Trouble
}

// Requests returns the last [LogSize] requests, oldest first.
func (c *Cloud) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request(nil), c.journal...)
}

// ForgetRequests empties the log.
func (c *Cloud) ForgetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal = nil
}

func (c *Cloud) record(r Request) {
	c.mu.Lock()
	if len(c.journal) == LogSize {
		c.journal = append(c.journal[:0:0], c.journal[LogSize/10:]...)
	}
	c.journal = append(c.journal, r)
	c.mu.Unlock()
	c.log.Debug("request", "request_id", r.ID, "method", r.Method, "path", r.Path, "status", r.Status, "trouble", string(r.Trouble))
}
