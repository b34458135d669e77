package sim

import (
	"errors"

	"tradewind.example/simkit/faults"
)

// Kind says what a Fault does.
type Kind = faults.Kind

// The kinds of faults. Those marked (a) can also come after the change.
const (
	// KindLatency waits DelayMS of real time. A client that gives up meanwhile
	// does not stop the change. (a)
	KindLatency = faults.Latency
	// KindThrottle answers 429 RATE_LIMIT to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle = faults.Throttle
	// KindRetCode answers the error RetCode with ErrorStatus and Message. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers an HTML page with the HTTP status Status, 400 to 599. (a)
	KindHTTP = faults.HTTP
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindEmpty answers the HTTP status Status, 200 to 599, without a body. (a)
	KindEmpty = faults.Empty
	// KindNoError answers the HTTP status Status, 400 to 599, as JSON without
	// an error in it, which the vendor's SDK takes for success. (a)
	KindNoError Kind = "no_error"
	// KindRetCodeString writes the code of an error as a JSON string.
	KindRetCodeString = faults.RetCodeString
	// KindBadSignature answers 401 although the signature is right.
	KindBadSignature = faults.BadSignature
	// KindSoldOut refuses as if the type were out of stock; without Actions it concerns CreateInstances.
	KindSoldOut = faults.SoldOut
	// KindNoBalance refuses as if the balance were short; without Actions it
	// concerns the calls that buy.
	KindNoBalance = faults.InsufficientBalance
	// KindInstallFail makes new instances end in error and vanish, unbilled.
	KindInstallFail = faults.InstallFail
	// KindStopHang leaves a stopped instance in stopping for an hour.
	KindStopHang = faults.StopHang
	// KindFewer makes CreateInstances deliver one instance less than ordered.
	KindFewer Kind = "fewer"
	// KindDecimalFees writes exact decimals into the integer money fields of
	// order and partner answers.
	KindDecimalFees Kind = "decimal_fees"
)

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

// vocabulary is what the set of faults has to know of this cloud's.
func vocabulary() faults.Vocabulary[Fault] {
	create := []string{"CreateInstances"}
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindEmpty: {Late: true}, KindNoError: {Late: true}, KindRetCodeString: {Quiet: true}, KindDecimalFees: {Quiet: true},
			KindSoldOut: {Concerns: create},
			KindNoBalance: {Concerns: []string{
				"CreateInstances", "CreateDisks", "CreateElasticIps", "RenewInstance", "ResizeInstance", "ExtendDisk", "ModifyElasticIp",
			}},
			KindInstallFail: {Quiet: true, Only: create},
			KindFewer:       {Quiet: true, Only: create},
			KindStopHang:    {Quiet: true, Only: []string{"StopInstance"}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: (*Fault).check,
		Complete: func(f *Fault) {
			f.Status = faults.OrElse(f.Status, map[Kind]int{KindHTTP: 503, KindEmpty: 200, KindNoError: 500}[f.Kind])
		},
	}
}

func (f *Fault) check() error {
	lowest := 400
	if f.Kind == KindEmpty {
		lowest = 200
	}
	return errors.Join(faults.Between("status", f.Status, lowest, 599), faults.Between("ret_code", f.RetCode, 400, 599))
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(act *action, after bool) plan {
	return c.faults.Draw(faults.Call{Action: act.name, Alias: act.full(), Writes: act.writes(), After: after, Now: c.now()})
}
