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
	// KindThrottle answers 429 to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle Kind = "throttle"
	// KindRetCode answers the error Code with HTTP status Status and Message. (a)
	KindRetCode Kind = "retcode"
	// KindHTTP answers the HTTP status Status, 400 to 599, with an HTML page. (a)
	KindHTTP Kind = "http"
	// KindEmpty answers the HTTP status Status without a body. (a)
	KindEmpty Kind = "empty"
	// KindDrop closes the connection without an answer. (a)
	KindDrop Kind = "drop"
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON Kind = "non_json"
	// KindCodeNumber answers an error whose code is a JSON number. (a)
	KindCodeNumber Kind = "retcode_number"
	// KindSuccessFalse answers {"success": false} with status 200; without
	// Actions it concerns payments, cancellations and transfers. (a)
	KindSuccessFalse Kind = "success_false"
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature Kind = "bad_signature"
	// KindExpired answers RequestExpired.
	KindExpired Kind = "request_expired"
	// KindTokenMismatch answers IdempotentParameterMismatch.
	KindTokenMismatch Kind = "token_mismatch"
	// KindSoldOut answers that there is no stock; without Actions it concerns creates of instances.
	KindSoldOut Kind = "sold_out"
	// KindLowBalance answers that the money does not suffice; without Actions it concerns what is paid.
	KindLowBalance Kind = "low_balance"
	// KindInstallFail makes new instances end in Error and their orders in CREATE_FAILED.
	KindInstallFail Kind = "install_fail"
	// KindRefundFail makes confirmed refunds end in REFUND_FAILED.
	KindRefundFail Kind = "refund_fail"
	// KindStopHang leaves a graceful stop in Stopping until a forced one.
	KindStopHang Kind = "stop_hang"
)

// maxDelay bounds one wait.
const maxDelay = 10 * time.Minute

// maxFaults bounds the faults in force at once.
const maxFaults = 100

// Fault is one switch. Faults are tried in order: waits add up, the first
// that spoils the answer wins, and one that did not act is not counted.
type Fault struct {
	Kind Kind `json:"kind" yaml:"kind"`
	// Actions filters by action name; empty is every action.
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
	// Status is the HTTP status of the kinds that have one; 0 is 503 for http, 403 for empty and 500 for the others.
	Status int `json:"status,omitempty" yaml:"status"`
	// Code and Message belong to KindRetCode; empty is InternalError.
	Code    string `json:"code,omitempty" yaml:"code"`
	Message string `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// fatal are the kinds that leave no answer of the API at all.
func fatal() []Kind { return []Kind{KindDrop, KindHTTP, KindEmpty, KindNonJSON} }

// late are the kinds that can come after the change.
func late() []Kind {
	return append(fatal(), KindLatency, KindRetCode, KindCodeNumber, KindSuccessFalse)
}

// inner are the kinds that change what the cloud does, not what it answers.
func inner() []Kind { return []Kind{KindInstallFail, KindRefundFail, KindStopHang} }

func kinds() []Kind {
	return append(append(late(), inner()...), KindThrottle, KindBadSignature, KindExpired, KindTokenMismatch, KindSoldOut, KindLowBalance)
}

// refusal is the API error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *apiError {
	e := f.plainRefusal()
	if f.Message != "" {
		e.text = f.Message
	}
	return e
}

func (f *Fault) plainRefusal() *apiError {
	switch f.Kind {
	case KindThrottle:
		return throttled()
	case KindBadSignature:
		return refuse(http.StatusForbidden, codeMismatch, "The request signature we calculated does not match the signature you provided.")
	case KindExpired:
		return refuse(http.StatusBadRequest, codeExpired, "Request has expired.")
	case KindTokenMismatch:
		return refuse(http.StatusBadRequest, codeTokenMismatch, "The clientToken was used with other parameters")
	case KindSoldOut:
		return soldOut()
	case KindLowBalance:
		return lowBalance()
	case KindRetCode, KindCodeNumber:
		return refuse(f.Status, f.Code, "injected failure")
	default:
		return refuse(-1, string(f.Kind), "injected failure")
	}
}

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
	case !slices.Contains(kinds(), f.Kind):
		return fmt.Errorf("kind %q is unknown", f.Kind)
	case f.After && !slices.Contains(late(), f.Kind):
		return fmt.Errorf("kind %q cannot come after the change; leave after out", f.Kind)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", f.Percent)
	case f.Count < 0 || f.Skip < 0 || f.Rate < 0 || f.Burst < 0:
		return errors.New("count, skip, rate and burst must not be negative")
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and 600000", f.DelayMS)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 400 and 599", f.Status)
	}
	return nil
}

func (f *Fault) setDefaults() {
	f.Hits = 0
	if f.Status == 0 {
		f.Status = map[Kind]int{KindHTTP: 503, KindEmpty: 403, KindRetCode: 500, KindCodeNumber: 500}[f.Kind]
	}
	if f.Kind == KindRetCode && f.Code == "" {
		f.Code = codeInternal
	}
	if f.Kind == KindThrottle && f.Rate > 0 && f.Burst == 0 {
		f.Burst = f.Rate
	}
	if len(f.Actions) == 0 {
		f.Actions = defaultActions(f.Kind)
	}
}

// defaultActions are what a kind concerns when it names no actions; nil is everything.
func defaultActions(k Kind) []string {
	creates := []string{"CreateInstanceBySpec", "CreateInstance"}
	switch k {
	case KindSoldOut, KindInstallFail:
		return creates
	case KindSuccessFalse:
		return []string{"PayOrder", "ConfirmRefund", "CancelOrders", "SupervisorTransfer", "SupervisorGather"}
	case KindLowBalance:
		return append(creates, "PayOrder", "RenewInstance", "ChangeToPrepaid", "ResizeInstanceBySpec", "CreateEip", "RenewEip", "ResizeEip", "CreateVolume")
	case KindRefundFail:
		return []string{"PayOrder", "ConfirmRefund", "BatchRefundResource", "DeletePrepaidInstance", "RefundEip"}
	case KindStopHang:
		return []string{"StopInstance"}
	default:
		return nil
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
	installFail bool
	refundFail  bool
	stopHang    bool
}

// draw decides which faults act on a call before or after its change.
func (s *faultSet) draw(action string, writes, after bool, now time.Time) plan {
	var p plan
	for _, a := range s.list {
		if a.After != after || !a.matches(action, writes) || (p.spoil != nil && a.spoils()) {
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
	case KindInstallFail:
		p.installFail = true
	case KindRefundFail:
		p.refundFail = true
	case KindStopHang:
		p.stopHang = true
	default:
		p.spoil = &f
	}
}

func (a *armed) spoils() bool { return a.Kind != KindLatency && !slices.Contains(inner(), a.Kind) }

func (a *armed) matches(action string, writes bool) bool {
	if a.WritesOnly && !writes {
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
	return c.faults.current()
}
