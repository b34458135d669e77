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
	// KindThrottle answers Throttling.User to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle = faults.Throttle
	// KindRetCode answers the number RetCode with Message, or the gateway's ErrorCode with ErrorStatus. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers the HTTP status Status, 400 to 599, as text. (a)
	KindHTTP = faults.HTTP
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindEmpty answers HTTP Status (200) without a body. (a)
	KindEmpty = faults.Empty
	// KindNumericCode answers HTTP Status (403) with the number RetCode as Code, which makes the vendor's SDK panic. (a)
	KindNumericCode Kind = "numeric_code"
	// KindRetCodeString writes the Code of the answer as a JSON string. (a)
	KindRetCodeString = faults.RetCodeString
	// KindLowerCase writes every key of the answer with a small first letter. (a)
	KindLowerCase Kind = "lower_case"
	// KindTruncated cuts the JSON in half. (a)
	KindTruncated Kind = "truncated"
	// KindBadSignature answers SignatureDoesNotMatch although the signature is right.
	KindBadSignature = faults.BadSignature
	// KindClockSkew answers InvalidTimeStamp.Expired.
	KindClockSkew Kind = "clock_skew"
	// KindNonceUsed answers SignatureNonceUsed.
	KindNonceUsed Kind = "nonce_used"
	// KindSoldOut refuses with code 1004; without Actions it concerns CreateEnvironment, CreateCluster and AddClusterNode.
	KindSoldOut = faults.SoldOut
	// KindInsufficientBalance refuses with code 1005; without Actions it concerns CreateCluster.
	KindInsufficientBalance = faults.InsufficientBalance
	// KindInstallFail lets new clusters and deploy orders fail.
	KindInstallFail = faults.InstallFail
	// KindStopHang lets the deletion of a cluster and a deploy order take an hour a step.
	KindStopHang = faults.StopHang
	// KindNotAdmitted lets deploys and scalings be answered with Admitted false and BusinessCode 102000.
	KindNotAdmitted Kind = "not_admitted"
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

// vocabulary is what the set of faults has to know of this cloud's.
func vocabulary() faults.Vocabulary[Fault] {
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindEmpty: {Late: true}, KindNumericCode: {Late: true}, KindClockSkew: {}, KindNonceUsed: {},
			KindRetCodeString: {Late: true, Quiet: true}, KindLowerCase: {Late: true, Quiet: true}, KindTruncated: {Late: true, Quiet: true},
			KindSoldOut:             {Concerns: []string{"CreateEnvironment", "CreateCluster", "AddClusterNode"}},
			KindInsufficientBalance: {Concerns: []string{"CreateCluster"}},
			KindInstallFail:         {Quiet: true, Concerns: []string{"CreateCluster", "DeployApp", "ScaleApp"}},
			KindStopHang:            {Quiet: true, Concerns: []string{"DeleteCluster", "DeployApp", "ScaleApp"}},
			KindNotAdmitted:         {Quiet: true, Concerns: []string{"DeployApp", "ScaleApp"}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check:    (*Fault).check,
		Complete: (*Fault).complete,
	}
}

func (f *Fault) check() error {
	lowest := 400
	if f.Kind == KindEmpty {
		lowest = 200
	}
	if f.RetCode < 0 {
		return errors.New("ret_code must not be negative")
	}
	return errors.Join(faults.Between("status", f.Status, lowest, 599), faults.Between("error_status", f.ErrorStatus, 400, 599))
}

func (f *Fault) complete() {
	switch f.Kind {
	case KindHTTP:
		f.Status = faults.OrElse(f.Status, 503)
	case KindEmpty:
		f.Status = faults.OrElse(f.Status, 200)
	case KindNumericCode:
		f.Status, f.RetCode = faults.OrElse(f.Status, 403), faults.OrElse(f.RetCode, codeForbidden)
	case KindRetCode:
		f.RetCode, f.ErrorStatus = faults.OrElse(f.RetCode, codeUnavailable), faults.OrElse(f.ErrorStatus, 400)
	}
}

// shape is how the JSON of an answer is written; the greatest of several wins.
type shape int

const (
	shapePlain shape = iota
	shapeString
	shapeLower
	shapeTruncated
)

// shapeOf is the shape that a plan gives an answer.
func shapeOf(p plan) shape {
	switch {
	case p.Has(KindTruncated):
		return shapeTruncated
	case p.Has(KindLowerCase):
		return shapeLower
	case p.Has(KindRetCodeString):
		return shapeString
	default:
		return shapePlain
	}
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(q *call, act action, after bool) plan {
	return c.faults.Draw(faults.Call{Action: q.action, Writes: act.writes, After: after, Now: c.now()})
}
