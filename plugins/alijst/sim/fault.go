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
	// KindThrottle answers Throttling.User to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle Kind = "throttle"
	// KindRetCode answers the number RetCode with Message, or the gateway's ErrorCode with ErrorStatus. (a)
	KindRetCode Kind = "retcode"
	// KindHTTP answers the HTTP status Status, 400 to 599, as text. (a)
	KindHTTP Kind = "http"
	// KindDrop closes the connection without an answer. (a)
	KindDrop Kind = "drop"
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON Kind = "non_json"
	// KindEmpty answers HTTP Status (200) without a body. (a)
	KindEmpty Kind = "empty"
	// KindNumericCode answers HTTP Status (403) with the number RetCode as Code, which makes the vendor's SDK panic. (a)
	KindNumericCode Kind = "numeric_code"
	// KindRetCodeString writes the Code of the answer as a JSON string. (a)
	KindRetCodeString Kind = "retcode_string"
	// KindLowerCase writes every key of the answer with a small first letter. (a)
	KindLowerCase Kind = "lower_case"
	// KindTruncated cuts the JSON in half. (a)
	KindTruncated Kind = "truncated"
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature Kind = "bad_signature"
	// KindClockSkew answers InvalidTimeStamp.Expired.
	KindClockSkew Kind = "clock_skew"
	// KindNonceUsed answers SignatureNonceUsed.
	KindNonceUsed Kind = "nonce_used"
	// KindSoldOut refuses with code 1004; without Actions it concerns CreateEnvironment, CreateCluster and AddClusterNode.
	KindSoldOut Kind = "sold_out"
	// KindInsufficientBalance refuses with code 1005; without Actions it concerns CreateCluster.
	KindInsufficientBalance Kind = "insufficient_balance"
	// KindInstallFail lets new clusters and deploy orders fail.
	KindInstallFail Kind = "install_fail"
	// KindStopHang lets the deletion of a cluster and a deploy order take an hour a step.
	KindStopHang Kind = "stop_hang"
	// KindNotAdmitted lets deploys and scalings be answered with Admitted false and BusinessCode 102000.
	KindNotAdmitted Kind = "not_admitted"
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
	// Status belongs to KindHTTP (503), KindEmpty (200) and KindNumericCode (403).
	Status int `json:"status,omitempty" yaml:"status"`
	// RetCode and Message belong to KindRetCode and KindNumericCode; 0 is 1500, and 3 with the latter.
	RetCode int    `json:"ret_code,omitempty" yaml:"ret_code"`
	Message string `json:"message,omitempty" yaml:"message"`
	// ErrorCode makes KindRetCode a refusal of the gateway with this word and ErrorStatus (400).
	ErrorCode   string `json:"error_code,omitempty" yaml:"error_code"`
	ErrorStatus int    `json:"error_status,omitempty" yaml:"error_status"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// refusal is the error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *refusal {
	why := func(def string) string {
		if f.Message != "" {
			return f.Message
		}
		return def
	}
	switch f.Kind {
	case KindThrottle:
		return gateway(400, "Throttling.User", "%s", why("Request was denied due to user flow control."))
	case KindBadSignature:
		return gateway(400, "SignatureDoesNotMatch", "%s", why("Specified signature is not matched with our calculation. server string to sign is:POST&%2F&"))
	case KindClockSkew:
		return gateway(400, "InvalidTimeStamp.Expired", "%s", why("Specified time stamp or date value is expired."))
	case KindNonceUsed:
		return gateway(400, "SignatureNonceUsed", "%s", why("Specified signature nonce was used already."))
	case KindSoldOut:
		return refuse(codeSoldOut, "%s", why("resource is sold out"))
	case KindInsufficientBalance:
		return refuse(codeNoBalance, "%s", why("balance is not enough"))
	case KindNumericCode:
		return &refusal{status: f.Status, code: f.RetCode, text: why("no permission")}
	case KindRetCode:
		if f.ErrorCode != "" {
			return gateway(f.ErrorStatus, f.ErrorCode, "%s", why("injected failure"))
		}
		return refuse(f.RetCode, "%s", why("injected failure"))
	default:
		return refuse(codeSpoiled, "%s", why(string(f.Kind)))
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

// ownWords are the kinds that name their own refusal or work, and anytime
// those that can also come after the change.
func ownWords() []Kind {
	return []Kind{
		KindThrottle, KindBadSignature, KindClockSkew, KindNonceUsed, KindSoldOut,
		KindInsufficientBalance, KindInstallFail, KindStopHang, KindNotAdmitted,
	}
}

func anytime() []Kind {
	return []Kind{
		KindLatency, KindRetCode, KindHTTP, KindDrop, KindNonJSON, KindEmpty,
		KindNumericCode, KindRetCodeString, KindLowerCase, KindTruncated,
	}
}

func (f *Fault) validate() error {
	switch {
	case !slices.Contains(ownWords(), f.Kind) && !slices.Contains(anytime(), f.Kind):
		return fmt.Errorf("kind %q is unknown", f.Kind)
	case f.After && !slices.Contains(anytime(), f.Kind):
		return fmt.Errorf("kind %q cannot come after the change; leave after out", f.Kind)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", f.Percent)
	case f.Count < 0 || f.Skip < 0 || f.Rate < 0 || f.Burst < 0 || f.RetCode < 0:
		return errors.New("count, skip, rate, burst and ret_code must not be negative")
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and 600000", f.DelayMS)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599 || (f.Status < 400 && f.Kind != KindEmpty)):
		return fmt.Errorf("status: %d is not between 400 and 599", f.Status)
	case f.ErrorStatus != 0 && (f.ErrorStatus < 400 || f.ErrorStatus > 599):
		return fmt.Errorf("error_status: %d is not between 400 and 599", f.ErrorStatus)
	}
	return nil
}

func (f *Fault) setDefaults() {
	f.Hits = 0
	switch f.Kind {
	case KindHTTP:
		f.Status = orElse(f.Status, 503)
	case KindEmpty:
		f.Status = orElse(f.Status, 200)
	case KindNumericCode:
		f.Status, f.RetCode = orElse(f.Status, 403), orElse(f.RetCode, codeForbidden)
	case KindRetCode:
		f.RetCode, f.ErrorStatus = orElse(f.RetCode, codeUnavailable), orElse(f.ErrorStatus, 400)
	case KindThrottle:
		f.Burst = orElse(f.Burst, f.Rate)
	}
	if len(f.Actions) == 0 {
		f.Actions = f.Kind.concerns()
	}
}

func orElse(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// concerns returns the actions of a kind that is about some only.
func (k Kind) concerns() []string {
	switch k {
	case KindSoldOut:
		return []string{"CreateEnvironment", "CreateCluster", "AddClusterNode"}
	case KindInsufficientBalance:
		return []string{"CreateCluster"}
	case KindInstallFail:
		return []string{"CreateCluster", "DeployApp", "ScaleApp"}
	case KindStopHang:
		return []string{"DeleteCluster", "DeployApp", "ScaleApp"}
	case KindNotAdmitted:
		return []string{"DeployApp", "ScaleApp"}
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

// shape is how the JSON of an answer is written; the greatest of several wins.
type shape int

const (
	shapePlain shape = iota
	shapeString
	shapeLower
	shapeTruncated
)

// plan is what the faults in force do to one call.
type plan struct {
	delay       time.Duration
	spoil       *Fault
	shape       shape
	installFail bool
	stopHang    bool
	notAdmitted bool
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
	case KindRetCodeString:
		p.shape = max(p.shape, shapeString)
	case KindLowerCase:
		p.shape = max(p.shape, shapeLower)
	case KindTruncated:
		p.shape = max(p.shape, shapeTruncated)
	case KindNotAdmitted:
		p.notAdmitted = true
	case KindInstallFail:
		p.installFail = true
	case KindStopHang:
		p.stopHang = true
	default:
		p.spoil = &f
	}
}

func (a *armed) spoils() bool {
	return !slices.Contains([]Kind{
		KindLatency, KindRetCodeString, KindLowerCase, KindTruncated, KindInstallFail, KindStopHang, KindNotAdmitted,
	}, a.Kind)
}

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
