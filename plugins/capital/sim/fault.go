package sim

import (
	"bytes"
	"encoding/json"
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
	// KindRetCode answers the code RetCode with Status and Message. (a)
	KindRetCode Kind = "retcode"
	// KindHTTP answers the HTTP status Status, 400 to 599. (a)
	KindHTTP Kind = "http"
	// KindDrop closes the connection without an answer. (a)
	KindDrop Kind = "drop"
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON Kind = "non_json"
	// KindRetCodeString writes the numeric codes of the gcw service as JSON strings.
	KindRetCodeString Kind = "retcode_string"
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature Kind = "bad_signature"
	// KindSoldOut answers Resource.SoldOut; without Actions it concerns CreateInstance.
	KindSoldOut Kind = "sold_out"
	// KindNoMoney answers Balance.Insufficient; without Actions it concerns every purchase.
	KindNoMoney Kind = "insufficient_balance"
	// KindQuota answers MaxEcsCountExceed to CreateInstance, Quota.Exceeded to other calls;
	// without Actions it concerns every create.
	KindQuota Kind = "quota_exceeded"
	// KindInstallFail makes all new instances of a create end in failed.
	KindInstallFail Kind = "install_fail"
	// KindPartFail makes the last new instance of a create end in failed.
	KindPartFail Kind = "part_fail"
	// KindTaskFail ends the event or task of any other change in error; the change does not come about.
	KindTaskFail Kind = "task_fail"
	// KindStopHang leaves a graceful stop in shutting_down until a hard one.
	KindStopHang Kind = "stop_hang"
)

// kinds lists every kind; a kind of afterKinds can come after the change, one
// of changeKinds changes what a call does and not what it answers.
var (
	kinds = []Kind{
		KindLatency, KindThrottle, KindRetCode, KindHTTP, KindDrop, KindNonJSON, KindRetCodeString, KindBadSignature,
		KindSoldOut, KindNoMoney, KindQuota, KindInstallFail, KindPartFail, KindTaskFail, KindStopHang,
	}
	afterKinds  = []Kind{KindLatency, KindRetCode, KindHTTP, KindDrop, KindNonJSON}
	changeKinds = []Kind{KindInstallFail, KindPartFail, KindTaskFail, KindStopHang}
	purchases   = []string{"CreateInstance", "CreateEIP", "CreateBandwidth", "CreateDisk", "UpdateEIP", "UpdateBandwidth", "BandwidthRemoveEIP", "ExtendDisk", "ChangeInstanceConfigure"}
	creates     = []string{"CreateInstance", "CreateEIP", "CreateBandwidth", "CreateDisk", "CreateVPC", "CreateSubnet", "CreateVirtualGateWay", "CreateSecurityGroup", "CreateImage"}
)

// maxDelay bounds one wait.
const maxDelay = 10 * time.Minute

// maxFaults bounds the faults in force at once.
const maxFaults = 100

// RetCode is a code of the vendor; JSON may give it as a number too.
type RetCode string

// UnmarshalJSON takes text and numbers.
func (c *RetCode) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(b, []byte(`"`)) {
		*c = RetCode(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(c))
}

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
	// Status is the HTTP status of KindHTTP, 0 is 503, and of KindRetCode, 0 is 500.
	Status int `json:"status,omitempty" yaml:"status"`
	// RetCode and Message belong to KindRetCode; empty is InternalError.
	RetCode RetCode `json:"ret_code,omitempty" yaml:"ret_code"`
	Message string  `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// refusal is the API error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *apiError {
	pick := func(status int, code, text string) *apiError {
		if f.Message != "" {
			text = f.Message
		}
		return refuse(status, code, "%s", text)
	}
	switch f.Kind {
	case KindThrottle:
		return pick(http.StatusTooManyRequests, codeThrottled, "too many requests")
	case KindBadSignature:
		return pick(http.StatusForbidden, "SignatureDoesNotMatch", "the signature does not match")
	case KindSoldOut:
		return pick(http.StatusForbidden, codeSoldOut, "sold out")
	case KindNoMoney:
		return pick(http.StatusForbidden, codeNoMoney, "the balance does not cover the price")
	case KindQuota:
		return pick(http.StatusBadRequest, codeQuota, "the quota is used up")
	case KindRetCode:
		return pick(f.Status, string(f.RetCode), "injected failure")
	default:
		return pick(0, string(f.Kind), string(f.Kind))
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
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("kind %q is unknown", f.Kind)
	case f.After && !slices.Contains(afterKinds, f.Kind):
		return fmt.Errorf("kind %q cannot come after the change; leave after out", f.Kind)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", f.Percent)
	case f.Count < 0 || f.Skip < 0 || f.Rate < 0 || f.Burst < 0:
		return errors.New("count, skip, rate and burst must not be negative")
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and 600000", f.DelayMS)
	case f.Kind == KindHTTP && f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 400 and 599", f.Status)
	case f.Kind == KindRetCode && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 200 and 599", f.Status)
	}
	return nil
}

func (f *Fault) setDefaults() {
	f.Hits = 0
	if f.Kind == KindHTTP && f.Status == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	if f.Kind == KindRetCode && f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	if f.Kind == KindRetCode && f.RetCode == "" {
		f.RetCode = codeInternal
	}
	if f.Kind == KindThrottle && f.Rate > 0 && f.Burst == 0 {
		f.Burst = f.Rate
	}
	if len(f.Actions) == 0 {
		f.Actions = defaultActions(f.Kind)
	}
}

// defaultActions are what a fault without a filter concerns; none is every action.
func defaultActions(k Kind) []string {
	switch k {
	case KindSoldOut, KindInstallFail, KindPartFail:
		return []string{"CreateInstance"}
	case KindStopHang:
		return []string{"OperateInstance"}
	case KindNoMoney:
		return slices.Clone(purchases)
	case KindQuota:
		return slices.Clone(creates)
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
	delay    time.Duration
	spoil    *Fault
	asString bool
	fails    Kind // of changeKinds
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
		p.add(a.Fault, action)
	}
	return p
}

func (p *plan) add(f Fault, action string) {
	switch {
	case f.Kind == KindLatency:
		p.delay += time.Duration(f.DelayMS) * time.Millisecond
	case f.Kind == KindRetCodeString:
		p.asString = true
	case slices.Contains(changeKinds, f.Kind):
		p.fails = f.Kind
	case f.Kind == KindQuota && action == "CreateInstance":
		p.spoil = &Fault{Kind: KindRetCode, Status: http.StatusBadRequest, RetCode: "MaxEcsCountExceed", Message: f.Message}
	default:
		p.spoil = &f
	}
}

func (a *armed) spoils() bool {
	return a.Kind != KindLatency && a.Kind != KindRetCodeString && !slices.Contains(changeKinds, a.Kind)
}

func (a *armed) matches(action string, writes bool) bool {
	if (a.WritesOnly || slices.Contains(changeKinds, a.Kind)) && !writes {
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
