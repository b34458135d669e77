package sim

import (
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
	// KindRetCode answers the error Code with HTTP status Status and Message. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers the HTTP status Status, 400 to 599, with an HTML page. (a)
	KindHTTP = faults.HTTP
	// KindEmpty answers the HTTP status Status without a body. (a)
	KindEmpty = faults.Empty
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindCodeNumber answers an error whose code is a JSON number. (a)
	KindCodeNumber Kind = "retcode_number"
	// KindSuccessFalse answers {"success": false} with status 200; without
	// Actions it concerns payments, cancellations and transfers. (a)
	KindSuccessFalse Kind = "success_false"
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature = faults.BadSignature
	// KindExpired answers RequestExpired.
	KindExpired Kind = "request_expired"
	// KindTokenMismatch answers IdempotentParameterMismatch.
	KindTokenMismatch Kind = "token_mismatch"
	// KindSoldOut answers that there is no stock; without Actions it concerns creates of instances.
	KindSoldOut = faults.SoldOut
	// KindLowBalance answers that the money does not suffice; without Actions it concerns what is paid.
	KindLowBalance Kind = "low_balance"
	// KindInstallFail makes new instances end in Error and their orders in CREATE_FAILED.
	KindInstallFail = faults.InstallFail
	// KindRefundFail makes confirmed refunds end in REFUND_FAILED.
	KindRefundFail Kind = "refund_fail"
	// KindStopHang leaves a graceful stop in Stopping until a forced one.
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
	// Status is the HTTP status of the kinds that have one; 0 is 503 for http, 403 for empty and 500 for the others.
	Status int `json:"status,omitempty" yaml:"status"`
	// Code and Message belong to KindRetCode; empty is InternalError.
	Code    string `json:"code,omitempty" yaml:"code"`
	Message string `json:"message,omitempty" yaml:"message"`
	// Hits is how often the fault acted; it is ignored on input.
	Hits int `json:"hits" yaml:"-"`
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

// vocabulary is what the set of faults has to know of this cloud's.
func vocabulary() faults.Vocabulary[Fault] {
	creates := []string{"CreateInstanceBySpec", "CreateInstance"}
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindEmpty: {Late: true}, KindCodeNumber: {Late: true}, KindExpired: {}, KindTokenMismatch: {},
			KindSuccessFalse: {Late: true, Concerns: []string{"PayOrder", "ConfirmRefund", "CancelOrders", "SupervisorTransfer", "SupervisorGather"}},
			KindSoldOut:      {Concerns: creates},
			KindLowBalance: {Concerns: append(creates,
				"PayOrder", "RenewInstance", "ChangeToPrepaid", "ResizeInstanceBySpec", "CreateEip", "RenewEip", "ResizeEip", "CreateVolume",
			)},
			KindInstallFail: {Quiet: true, Concerns: creates},
			KindRefundFail:  {Quiet: true, Concerns: []string{"PayOrder", "ConfirmRefund", "BatchRefundResource", "DeletePrepaidInstance", "RefundEip"}},
			KindStopHang:    {Quiet: true, Concerns: []string{"StopInstance"}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: func(f *Fault) error { return faults.Between("status", f.Status, 400, 599) },
		Complete: func(f *Fault) {
			f.Status = faults.OrElse(f.Status, map[Kind]int{KindHTTP: 503, KindEmpty: 403, KindRetCode: 500, KindCodeNumber: 500}[f.Kind])
			if f.Kind == KindRetCode && f.Code == "" {
				f.Code = codeInternal
			}
		},
	}
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(q *request, after bool) plan {
	return c.faults.Draw(faults.Call{Action: q.op.name, Writes: q.op.writes, After: after, Now: c.now()})
}
