package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind says what a Fault does.
type Kind string

// The kinds of faults. Those marked (a) can also come after the change.
const (
	// KindLatency waits DelayMS of real time. A client that gives up meanwhile
	// does not stop the change. (a)
	KindLatency Kind = "latency"
	// KindThrottle answers 429 RATE_LIMIT to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle Kind = "throttle"
	// KindRetCode answers the error RetCode with ErrorStatus and Message. (a)
	KindRetCode Kind = "retcode"
	// KindHTTP answers an HTML page with the HTTP status Status, 400 to 599. (a)
	KindHTTP Kind = "http"
	// KindDrop closes the connection without an answer. (a)
	KindDrop Kind = "drop"
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON Kind = "non_json"
	// KindEmpty answers the HTTP status Status, 200 to 599, without a body. (a)
	KindEmpty Kind = "empty"
	// KindNoError answers the HTTP status Status, 400 to 599, as JSON without
	// an error in it, which the vendor's SDK takes for success. (a)
	KindNoError Kind = "no_error"
	// KindRetCodeString writes the code of an error as a JSON string.
	KindRetCodeString Kind = "retcode_string"
	// KindBadSignature answers 401 although the signature is right.
	KindBadSignature Kind = "bad_signature"
	// KindSoldOut refuses as if the type were out of stock; without Actions it concerns CreateInstances.
	KindSoldOut Kind = "sold_out"
	// KindNoBalance refuses as if the balance were short; without Actions it
	// concerns the calls that buy.
	KindNoBalance Kind = "insufficient_balance"
	// KindInstallFail makes new instances end in error and vanish, unbilled.
	KindInstallFail Kind = "install_fail"
	// KindStopHang leaves a stopped instance in stopping for an hour.
	KindStopHang Kind = "stop_hang"
	// KindFewer makes CreateInstances deliver one instance less than ordered.
	KindFewer Kind = "fewer"
	// KindDecimalFees writes exact decimals into the integer money fields of
	// order and partner answers.
	KindDecimalFees Kind = "decimal_fees"
)

// quietKinds change how a call goes on instead of spoiling its answer.
func quietKinds() []Kind {
	return []Kind{KindLatency, KindRetCodeString, KindInstallFail, KindStopHang, KindFewer, KindDecimalFees}
}

// lateKinds can come after the change.
func lateKinds() []Kind {
	return []Kind{KindLatency, KindRetCode, KindHTTP, KindDrop, KindNonJSON, KindEmpty, KindNoError}
}

func allKinds() []Kind {
	return []Kind{
		KindLatency, KindThrottle, KindRetCode, KindHTTP, KindDrop, KindNonJSON, KindEmpty, KindNoError, KindRetCodeString,
		KindBadSignature, KindSoldOut, KindNoBalance, KindInstallFail, KindStopHang, KindFewer, KindDecimalFees,
	}
}

// maxDelay bounds one wait.
const maxDelay = 10 * time.Minute

// maxFaults bounds the faults in force at once.
const maxFaults = 100

// Fault is one switch. Faults are tried in order: waits add up, the first
// that spoils the answer wins, and one that did not act is not counted.
type Fault struct {
	Kind Kind `json:"kind" yaml:"kind"`
	// Actions filters by action name, such as CreateInstances or, where two
	// services share it, vpc.AssociateElasticIp; empty is every action.
	Actions []string `json:"actions,omitempty" yaml:"actions"`
	// WritesOnly spares actions that change nothing.
	WritesOnly bool `json:"writes_only,omitempty" yaml:"writes_only"`
	// After acts when the change was made and recorded: the client cannot know.
	// Calls that were refused are spared.
	After bool `json:"after,omitempty" yaml:"after"`
	// Skip lets that many matching calls pass first.
	Skip int `json:"skip,omitempty" yaml:"skip"`
	// Count is how often the fault acts; 0 is without end.
	Count int `json:"count,omitempty" yaml:"count"`
	// Percent is the chance to act, 1 to 100; 0 is 100.
	Percent int `json:"percent,omitempty" yaml:"percent"`
	// DelayMS is the wait of KindLatency, at most 600000.
	DelayMS int `json:"delay_ms,omitempty" yaml:"delay_ms"`
	// Rate and Burst belong to KindThrottle; Rate is calls per second.
	Rate  int `json:"rate,omitempty" yaml:"rate"`
	Burst int `json:"burst,omitempty" yaml:"burst"`
	// Status belongs to KindHTTP (0 is 503), KindEmpty (200) and KindNoError (500).
	Status int `json:"status,omitempty" yaml:"status"`
	// RetCode is the code of KindRetCode, 400 to 599; 0 is 503. RetCode,
	// ErrorStatus and Message also replace what the refusing kinds answer.
	RetCode     int    `json:"ret_code,omitempty" yaml:"ret_code"`
	ErrorStatus string `json:"error_status,omitempty" yaml:"error_status"`
	Message     string `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// refusal is the API error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *apiError {
	e := f.usual()
	if f.RetCode != 0 {
		e.code, e.status = f.RetCode, statusOf(f.RetCode)
	}
	if f.ErrorStatus != "" {
		e.status = f.ErrorStatus
	}
	if f.Message != "" {
		e.text = f.Message
	}
	return e
}

func (f *Fault) usual() *apiError {
	switch f.Kind {
	case KindThrottle:
		return refuse(429, statusRate, "too many requests, try again later")
	case KindBadSignature:
		return unauthenticated("the signature does not match")
	case KindSoldOut:
		return soldOut()
	case KindNoBalance:
		return noBalance()
	case KindRetCode:
		return refuse(503, statusUnavailable, "injected failure")
	default:
		return refuse(spoiled, string(f.Kind), "the answer was destroyed")
	}
}

// spoiled stands in the call log for an answer that never was.
const spoiled = -1

// validateFaults reports every mistake with its path.
func validateFaults(faults []Fault) error {
	if len(faults) > maxFaults {
		return fmt.Errorf("faults: give at most %d", maxFaults)
	}
	var errs []error
	for i, f := range faults {
		if err := f.validate(); err != nil {
			errs = append(errs, fmt.Errorf("faults[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func (f *Fault) validate() error {
	switch {
	case !slices.Contains(allKinds(), f.Kind):
		return fmt.Errorf("kind %q is unknown", f.Kind)
	case f.After && !slices.Contains(lateKinds(), f.Kind):
		return fmt.Errorf("kind %q cannot come after the change; leave after out", f.Kind)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", f.Percent)
	case f.Count < 0 || f.Skip < 0 || f.Rate < 0 || f.Burst < 0:
		return errors.New("count, skip, rate and burst must not be negative")
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and 600000", f.DelayMS)
	case f.Status != 0 && (f.Status > 599 || f.Status < 200 || (f.Status < 400 && f.Kind != KindEmpty)):
		return fmt.Errorf("status: %d is not between 400 and 599", f.Status)
	case f.RetCode != 0 && (f.RetCode < 400 || f.RetCode > 599):
		return fmt.Errorf("ret_code: %d is not between 400 and 599", f.RetCode)
	}
	return nil
}

func (f *Fault) setDefaults() {
	f.Hits = 0
	status := map[Kind]int{KindHTTP: 503, KindEmpty: 200, KindNoError: 500}
	actions := map[Kind][]string{
		KindSoldOut:   {"CreateInstances"},
		KindNoBalance: {"CreateInstances", "CreateDisks", "CreateElasticIps", "RenewInstance", "ResizeInstance", "ExtendDisk", "ModifyElasticIp"},
	}
	if f.Status == 0 {
		f.Status = status[f.Kind]
	}
	if len(f.Actions) == 0 {
		f.Actions = actions[f.Kind]
	}
	if f.Kind == KindThrottle && f.Rate > 0 && f.Burst == 0 {
		f.Burst = f.Rate
	}
}

// armed is a fault in force with what it has seen so far.
type armed struct {
	Fault
	seen   int
	tokens time.Duration // saved-up time of the throttle's bucket
	last   time.Time
}

// faultSet is guarded by the Cloud's mutex.
type faultSet struct {
	list []*armed
	rng  *rand.Rand
}

func newFaultSet(seed uint64, faults []Fault) faultSet {
	s := faultSet{rng: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // must be repeatable
	s.set(faults)
	return s
}

func (s *faultSet) set(faults []Fault) {
	s.list = nil
	for _, f := range faults {
		f.Actions = slices.Clone(f.Actions)
		f.setDefaults()
		s.list = append(s.list, &armed{Fault: f})
	}
}

func (s *faultSet) current() []Fault {
	out := []Fault{}
	for _, a := range s.list {
		f := a.Fault
		f.Actions = slices.Clone(f.Actions)
		out = append(out, f)
	}
	return out
}

// plan is what the faults in force do to one call.
type plan struct {
	delay       time.Duration
	spoil       *Fault
	asString    bool
	installFail bool
	stopHang    bool
	fewer       bool
	decimals    bool
}

// draw decides which faults act on a call before or after its change.
func (s *faultSet) draw(act *action, after bool, now time.Time) plan {
	var p plan
	for _, a := range s.list {
		if a.After != after || !a.matches(act) || (p.spoil != nil && a.spoils()) {
			continue
		}
		if !a.acts(s.rng, now) {
			continue
		}
		a.Hits++
		p.add(a.Fault)
	}
	return p
}

func (p *plan) add(f Fault) {
	switch f.Kind {
	case KindLatency:
		p.delay += time.Duration(f.DelayMS) * time.Millisecond
	case KindRetCodeString:
		p.asString = true
	case KindInstallFail:
		p.installFail = true
	case KindStopHang:
		p.stopHang = true
	case KindFewer:
		p.fewer = true
	case KindDecimalFees:
		p.decimals = true
	default:
		p.spoil = &f
	}
}

func (a *armed) spoils() bool { return !slices.Contains(quietKinds(), a.Kind) }

func (a *armed) matches(act *action) bool {
	if a.WritesOnly && !act.writes() {
		return false
	}
	switch a.Kind {
	case KindInstallFail, KindFewer:
		return act.name == "CreateInstances"
	case KindStopHang:
		return act.name == "StopInstance"
	default:
		return len(a.Actions) == 0 || slices.Contains(a.Actions, act.name) || slices.Contains(a.Actions, act.full())
	}
}

func (a *armed) acts(rng *rand.Rand, now time.Time) bool {
	if a.Count > 0 && a.Hits >= a.Count {
		return false
	}
	a.seen++
	if a.seen <= a.Skip {
		return false
	}
	if a.Percent > 0 && rng.IntN(100) >= a.Percent {
		return false
	}
	return a.Kind != KindThrottle || a.over(now)
}

// over takes one call out of the throttle's bucket; true when it is empty.
func (a *armed) over(now time.Time) bool {
	if a.Rate == 0 {
		return true
	}
	each := time.Second / time.Duration(a.Rate)
	full := each * time.Duration(a.Burst)
	if a.last.IsZero() {
		a.tokens = full
	} else {
		a.tokens = min(a.tokens+now.Sub(a.last), full)
	}
	a.last = now
	if a.tokens < each {
		return true
	}
	a.tokens -= each
	return false
}

// SetFaults replaces the faults in force; counters start again.
func (c *Cloud) SetFaults(faults ...Fault) error {
	if err := validateFaults(faults); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.set(faults)
	return nil
}

// Faults returns the faults in force with how often each acted.
func (c *Cloud) Faults() []Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faults.current()
}
