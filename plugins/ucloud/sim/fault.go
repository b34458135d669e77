package sim

import "tradewind.example/simkit/faults"

// Kind says what a Fault does.
type Kind = faults.Kind

// The kinds of faults. Those marked (a) can also come after the change.
const (
	// KindLatency waits DelayMS of real time. A client that gives up meanwhile
	// does not stop the change. (a)
	KindLatency = faults.Latency
	// KindThrottle answers 153 to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle = faults.Throttle
	// KindRetCode answers RetCode with Message. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers the HTTP status Status, 400 to 599. (a)
	KindHTTP = faults.HTTP
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindRetCodeString writes the RetCode of the answer as a JSON string.
	KindRetCodeString = faults.RetCodeString
	// KindBadSignature answers 171 although the signature is right.
	KindBadSignature = faults.BadSignature
	// KindSoldOut answers 8320; without Actions it concerns CreateUHostInstance.
	KindSoldOut = faults.SoldOut
	// KindInstallFail makes new hosts end in "Install Fail".
	KindInstallFail = faults.InstallFail
	// KindStopHang leaves a graceful stop in Stopping until a power-off.
	KindStopHang = faults.StopHang
)

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
	// Status belongs to KindHTTP; 0 is 503.
	Status int `json:"status,omitempty" yaml:"status"`
	// RetCode and Message belong to KindRetCode; 0 is 150.
	RetCode int    `json:"ret_code,omitempty" yaml:"ret_code"`
	Message string `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
}

// refusal is the API error a spoiling fault answers, or stands for in the call log.
func (f *Fault) refusal() *retError {
	text := f.Message
	pick := func(code int, def string) *retError {
		if text == "" {
			text = def
		}
		return refuse(code, "%s", text)
	}
	switch f.Kind {
	case KindThrottle:
		return pick(codeThrottled, "Request was throttled")
	case KindBadSignature:
		return pick(codeBadSignature, "Signature VerifyAC Error")
	case KindSoldOut:
		return pick(codeSoldOut, "Resource is sold out")
	case KindRetCode:
		return pick(f.RetCode, retCodeText(f.RetCode))
	default:
		return pick(-1, string(f.Kind))
	}
}

func retCodeText(code int) string {
	switch code {
	case 110:
		return "API timeout"
	case 130:
		return "gateway error"
	case codeUnavailable:
		return "service unavailable"
	default:
		return "injected failure"
	}
}

// vocabulary is what the set of faults has to know of this cloud's.
func vocabulary() faults.Vocabulary[Fault] {
	create := []string{"CreateUHostInstance"}
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindRetCodeString: {Quiet: true},
			KindSoldOut:       {Concerns: create},
			KindInstallFail:   {Quiet: true, Only: create},
			KindStopHang:      {Quiet: true, Only: []string{"StopUHostInstance"}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: func(f *Fault) error {
			if f.Kind != KindHTTP {
				return nil
			}
			return faults.Between("status", f.Status, 400, 599)
		},
		Complete: func(f *Fault) {
			switch f.Kind {
			case KindHTTP:
				f.Status = faults.OrElse(f.Status, 503)
			case KindRetCode:
				f.RetCode = faults.OrElse(f.RetCode, codeUnavailable)
			}
		},
	}
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(q *request, act action, after bool) plan {
	return c.faults.Draw(faults.Call{Action: q.action, Writes: act.writes, After: after, Now: c.now()})
}
