package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	// KindThrottle answers 409 to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle Kind = "throttle"
	// KindRetCode answers HTTP Status (500) with RetCode (10401) and Message. (a)
	KindRetCode Kind = "retcode"
	// KindHTTP answers the HTTP status Status, 400 to 599, with a page. (a)
	KindHTTP Kind = "http"
	// KindDrop closes the connection without an answer. (a)
	KindDrop Kind = "drop"
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON Kind = "non_json"
	// KindBadSignature answers 401 although the key is right.
	KindBadSignature Kind = "bad_signature"
	// KindSoldOut answers 412/10406: the cluster is full; without Actions it concerns installs and operations.
	KindSoldOut Kind = "sold_out"
	// KindInsufficientBalance answers 412/10410: the account is overdue; without Actions as sold_out.
	KindInsufficientBalance Kind = "insufficient_balance"
	// KindInstallFail makes an install fail half way; everything it made is taken back.
	KindInstallFail Kind = "install_fail"
	// KindStopHang leaves components in stopping.
	KindStopHang Kind = "stop_hang"
	// KindDeployLost swallows a deploy: the answer is a success and nothing starts.
	KindDeployLost Kind = "deploy_lost"
	// KindAbnormal makes components that start end in abnormal.
	KindAbnormal Kind = "abnormal"
	// KindRegionDown makes every status of components null in the answer.
	KindRegionDown Kind = "region_down"
	// KindUpgradeAdds makes upgrades that add components end in HTTP 500.
	KindUpgradeAdds Kind = "upgrade_adds"
)

// effects are the kinds that change what a call does and spoil no answer.
var effects = []Kind{KindLatency, KindInstallFail, KindStopHang, KindDeployLost, KindAbnormal, KindRegionDown, KindUpgradeAdds}

// spoilers are the kinds that replace or destroy an answer.
var spoilers = []Kind{KindThrottle, KindRetCode, KindHTTP, KindDrop, KindNonJSON, KindBadSignature, KindSoldOut, KindInsufficientBalance}

// maxDelay bounds one wait.
const maxDelay = 10 * time.Minute

// maxFaults bounds the faults in force at once.
const maxFaults = 100

// Fault is one switch. Faults are tried in order: waits add up, the first
// that spoils the answer wins, and one that did not act is not counted.
type Fault struct {
	Kind Kind `json:"kind" yaml:"kind"`
	// Actions filters by the name of the call; empty is every call.
	Actions []string `json:"actions,omitempty" yaml:"actions"`
	// WritesOnly spares calls that change nothing.
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
	// Status belongs to KindHTTP (0 is 503) and KindRetCode (0 is 500).
	Status int `json:"status,omitempty" yaml:"status"`
	// RetCode and Message belong to KindRetCode; 0 is 10401.
	RetCode int    `json:"ret_code,omitempty" yaml:"ret_code"`
	Message string `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// refusal is the error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *apiError {
	switch f.Kind {
	case KindThrottle:
		return refuse(http.StatusConflict, http.StatusConflict, "too frequent", "操作过于频繁，请稍后再试")
	case KindBadSignature:
		return exception(http.StatusUnauthorized, "No such user or user is not admin", "AuthenticationFailed")
	case KindSoldOut:
		return noResources()
	case KindInsufficientBalance:
		return refuse(http.StatusPreconditionFailed, codeOverdue, "account is overdue", "账户已欠费")
	case KindRetCode:
		return refuse(f.Status, f.RetCode, f.Message, f.Message)
	default:
		return &apiError{status: max(f.Status, http.StatusOK), code: spoiled}
	}
}

// spoiled is the code of a destroyed answer in the call log.
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
	case !slices.Contains(effects, f.Kind) && !slices.Contains(spoilers, f.Kind):
		return fmt.Errorf("kind %q is unknown", f.Kind)
	case f.After && !slices.Contains([]Kind{KindLatency, KindRetCode, KindHTTP, KindDrop, KindNonJSON}, f.Kind):
		return fmt.Errorf("kind %q cannot come after the change; leave after out", f.Kind)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", f.Percent)
	case f.Count < 0 || f.Skip < 0 || f.Burst < 0 || f.Rate < 0 || f.Rate > 1000000:
		return errors.New("count, skip, rate and burst must not be negative, and rate at most a million")
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and 600000", f.DelayMS)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 400 and 599", f.Status)
	}
	return nil
}

func (f *Fault) setDefaults() {
	f.Hits = 0
	switch f.Kind {
	case KindHTTP:
		f.Status = orElse(f.Status, http.StatusServiceUnavailable)
	case KindRetCode:
		f.Status, f.RetCode = orElse(f.Status, http.StatusInternalServerError), orElse(f.RetCode, codeUnhandled)
	case KindThrottle:
		f.Burst = orElse(f.Burst, f.Rate)
	case KindSoldOut, KindInsufficientBalance:
		if len(f.Actions) == 0 {
			f.Actions = []string{opInstall, opOperate}
		}
	}
}

func orElse(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
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

// plan is what the faults in force do to one call.
type plan struct {
	delay   time.Duration
	spoil   *Fault
	effects []Kind
}

func (p *plan) has(k Kind) bool { return slices.Contains(p.effects, k) }

// draw decides which faults act on a call before or after its change.
func (s *faultSet) draw(action string, writes, after bool, now time.Time) plan {
	var p plan
	for _, a := range s.list {
		effect := slices.Contains(effects, a.Kind)
		if a.After != after || !a.matches(action, writes) || (p.spoil != nil && !effect) || !a.acts(s.rng, now) {
			continue
		}
		a.Hits++
		f := a.Fault
		switch {
		case a.Kind == KindLatency:
			p.delay += time.Duration(a.DelayMS) * time.Millisecond
		case effect:
			p.effects = append(p.effects, a.Kind)
		default:
			p.spoil = &f
		}
	}
	return p
}

// concerns are the calls that an effect changes.
func concerns(k Kind) []string {
	switch k {
	case KindInstallFail:
		return []string{opInstall}
	case KindStopHang:
		return []string{opOperate, opClose}
	case KindDeployLost, KindAbnormal:
		return []string{opInstall, opOperate, opUpgrade, opAddComponent}
	case KindUpgradeAdds:
		return []string{opUpgrade}
	case KindRegionDown:
		return []string{opListComponents, opGetComponent, opGetApp, opDeleteApp}
	}
	return nil
}

func (a *armed) matches(action string, writes bool) bool {
	if a.WritesOnly && !writes {
		return false
	}
	if only := concerns(a.Kind); only != nil && !slices.Contains(only, action) {
		return false
	}
	return len(a.Actions) == 0 || slices.Contains(a.Actions, action)
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
	out := []Fault{}
	for _, a := range c.faults.list {
		f := a.Fault
		f.Actions = slices.Clone(f.Actions)
		out = append(out, f)
	}
	return out
}
