package sim

import (
	"time"

	"tradewind.example/simkit/calls"
)

// Call is one line of the call log. It never holds parameters with secrets.
// Its Subject is the resource id, or the tag of a create.
type Call struct {
	calls.Line
	Region string `json:"region,omitempty"`
	// RetCode is what was answered; -1 when a fault destroyed the answer.
	RetCode int    `json:"ret_code"`
	UUID    string `json:"request_uuid"`
}

// Count sums the calls of one action; OK counts answers with RetCode 0.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *request, out outcome, uuid string, took time.Duration) {
	call := Call{
		Line:   calls.Line{Action: q.action, Subject: q.subject, TookUS: took.Microseconds()},
		Region: q.values["Region"], UUID: uuid,
	}
	if len(call.Region) > 63 {
		call.Region = ""
	}
	if q.acct != nil {
		call.Account = q.acct.Name
	}
	if out.err != nil {
		call.RetCode = out.err.code
	}
	if out.spoil != nil {
		call.Fault, call.After = out.spoil.Kind, out.spoil.After
	}
	if _, ok := c.actions[q.action]; !ok {
		call.Action = calls.Unknown
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Add(call, c.now(), verdict(call.RetCode))
}

func verdict(code int) calls.Verdict {
	switch code {
	case codeOK:
		return calls.OK
	case -1:
		return calls.Spoiled
	default:
		return calls.Refused
	}
}
