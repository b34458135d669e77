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
	// KindThrottle answers 409 to calls over Rate per second, with bursts of Burst; Rate 0 throttles every call.
	KindThrottle = faults.Throttle
	// KindRetCode answers HTTP Status (500) with RetCode (10401) and Message. (a)
	KindRetCode = faults.RetCode
	// KindHTTP answers the HTTP status Status, 400 to 599, with a page. (a)
	KindHTTP = faults.HTTP
	// KindDrop closes the connection without an answer. (a)
	KindDrop = faults.Drop
	// KindNonJSON answers an HTML page with status 200. (a)
	KindNonJSON = faults.NonJSON
	// KindBadSignature answers 401 although the key is right.
	KindBadSignature = faults.BadSignature
	// KindSoldOut answers 412/10406: the cluster is full; without Actions it concerns installs and operations.
	KindSoldOut = faults.SoldOut
	// KindInsufficientBalance answers 412/10410: the account is overdue; without Actions as sold_out.
	KindInsufficientBalance = faults.InsufficientBalance
	// KindInstallFail makes an install fail half way; everything it made is taken back.
	KindInstallFail = faults.InstallFail
	// KindStopHang leaves components in stopping.
	KindStopHang = faults.StopHang
	// KindDeployLost swallows a deploy: the answer is a success and nothing starts.
	KindDeployLost Kind = "deploy_lost"
	// KindAbnormal makes components that start end in abnormal.
	KindAbnormal Kind = "abnormal"
	// KindRegionDown makes every status of components null in the answer.
	KindRegionDown Kind = "region_down"
	// KindUpgradeAdds makes upgrades that add components end in HTTP 500.
	KindUpgradeAdds Kind = "upgrade_adds"
)

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

// vocabulary is what the set of faults has to know of this console's.
func vocabulary() faults.Vocabulary[Fault] {
	work := []string{opInstall, opOperate}
	starts := []string{opInstall, opOperate, opUpgrade, opAddComponent}
	return faults.Vocabulary[Fault]{
		Words: faults.Common().With(faults.Words{
			KindSoldOut:             {Concerns: work},
			KindInsufficientBalance: {Concerns: work},
			KindInstallFail:         {Quiet: true, Only: []string{opInstall}},
			KindStopHang:            {Quiet: true, Only: []string{opOperate, opClose}},
			KindDeployLost:          {Quiet: true, Only: starts},
			KindAbnormal:            {Quiet: true, Only: starts},
			KindUpgradeAdds:         {Quiet: true, Only: []string{opUpgrade}},
			KindRegionDown:          {Quiet: true, Only: []string{opListComponents, opGetComponent, opGetApp, opDeleteApp}},
		}),
		View: func(f *Fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: func(f *Fault) error { return faults.Between("status", f.Status, 400, 599) },
		Complete: func(f *Fault) {
			switch f.Kind {
			case KindHTTP:
				f.Status = faults.OrElse(f.Status, http.StatusServiceUnavailable)
			case KindRetCode:
				f.Status, f.RetCode = faults.OrElse(f.Status, http.StatusInternalServerError), faults.OrElse(f.RetCode, codeUnhandled)
			}
		},
	}
}

// plan is what the faults in force do to one call.
type plan = faults.Plan[Fault]

// draw decides which faults act on a call before or after its change.
func (c *Cloud) draw(q *call, after bool) plan {
	return c.faults.Draw(faults.Call{Action: q.op.name, Writes: q.op.writes, After: after, Now: c.now()})
}
