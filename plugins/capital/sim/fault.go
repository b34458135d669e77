package sim

import (
	"bytes"
	"encoding/json"
	"net/http"

	"tradewind.example/simkit/faults"
)

// Kind says what a Fault does.
type Kind = faults.Kind

// The kinds of faults. Those marked (a) can also come after the change.
const (
	// KindLatency waits DelayMS of real time. A client that gives up meanwhile
	// does not stop the change. (a)
	KindLatency = faults.Latency
	// KindThrottle answers 429 to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle = faults.Throttle
	// KindRetCode answers the code RetCode with Status and Message. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers the HTTP status Status, 400 to 599. (a)
	KindHTTP = faults.HTTP
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindRetCodeString writes the numeric codes of the gcw service as JSON strings.
	KindRetCodeString = faults.RetCodeString
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature = faults.BadSignature
	// KindSoldOut answers Resource.SoldOut; without Actions it concerns CreateInstance.
	KindSoldOut = faults.SoldOut
	// KindNoMoney answers Balance.Insufficient; without Actions it concerns every purchase.
	KindNoMoney = faults.InsufficientBalance
	// KindQuota answers MaxEcsCountExceed to CreateInstance, Quota.Exceeded to other calls;
	// without Actions it concerns every create.
	KindQuota Kind = "quota_exceeded"
	// KindInstallFail makes all new instances of a create end in failed.
	KindInstallFail = faults.InstallFail
	// KindPartFail makes the last new instance of a create end in failed.
	KindPartFail Kind = "part_fail"
	// KindTaskFail ends the event or task of any other change in error; the change does not come about.
	KindTaskFail Kind = "task_fail"
	// KindStopHang leaves a graceful stop in shutting_down until a hard one.
	KindStopHang = faults.StopHang
)

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

// refusal is the API error a spoiling fault answers to an action, or stands for in the call log.
func (f *Fault) refusal(action string) *apiError {
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
		if action == "CreateInstance" {
			return pick(http.StatusBadRequest, "MaxEcsCountExceed", "injected failure")
		}
		return pick(http.StatusBadRequest, codeQuota, "the quota is used up")
	case KindRetCode:
		return pick(f.Status, string(f.RetCode), "injected failure")
	default:
		return pick(0, string(f.Kind), string(f.Kind))
	}
}

// vocabulary is what the set of faults has to know of this cloud's. The kinds
// that change what a call does act on changes alone.
func vocabulary() faults.Vocabulary[Fault] {
	instances := []string{"CreateInstance"}
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindRetCodeString: {Quiet: true},
			KindSoldOut:       {Concerns: instances},
			KindNoMoney: {Concerns: []string{
				"CreateInstance", "CreateEIP", "CreateBandwidth", "CreateDisk", "UpdateEIP", "UpdateBandwidth",
				"BandwidthRemoveEIP", "ExtendDisk", "ChangeInstanceConfigure",
			}},
			KindQuota: {Concerns: []string{
				"CreateInstance", "CreateEIP", "CreateBandwidth", "CreateDisk", "CreateVPC", "CreateSubnet",
				"CreateVirtualGateWay", "CreateSecurityGroup", "CreateImage",
			}},
			KindInstallFail: {Quiet: true, Writes: true, Concerns: instances},
			KindPartFail:    {Quiet: true, Writes: true, Concerns: instances},
			KindTaskFail:    {Quiet: true, Writes: true},
			KindStopHang:    {Quiet: true, Writes: true, Concerns: []string{"OperateInstance"}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: (*Fault).check,
		Complete: func(f *Fault) {
			switch f.Kind {
			case KindHTTP:
				f.Status = faults.OrElse(f.Status, http.StatusServiceUnavailable)
			case KindRetCode:
				f.Status = faults.OrElse(f.Status, http.StatusInternalServerError)
				if f.RetCode == "" {
					f.RetCode = codeInternal
				}
			}
		},
	}
}

func (f *Fault) check() error {
	switch f.Kind {
	case KindHTTP:
		return faults.Between("status", f.Status, 400, 599)
	case KindRetCode:
		return faults.Between("status", f.Status, 200, 599)
	default:
		return nil
	}
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// failing is the kind that makes a change end otherwise; the last one wins, and empty is none.
func failing(p plan) Kind {
	last := Kind("")
	for _, k := range p.Quiet {
		if k != KindRetCodeString {
			last = k
		}
	}
	return last
}

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(q *request, act action, after bool) plan {
	return c.faults.Draw(faults.Call{Action: q.action, Writes: act.writes, After: after, Now: c.now()})
}
