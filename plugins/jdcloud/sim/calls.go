package sim

import (
	"time"

	"tradewind.example/simkit/calls"
)

// Call is one line of the call log. It never holds parameters with secrets.
// Its Subject is the resource id, or the client token of a create.
type Call struct {
	calls.Line
	Service string `json:"service,omitempty"`
	Region  string `json:"region,omitempty"`
	// RetCode is the code of the error answered, 0 for success and -1 when a
	// fault destroyed the answer; Status is its word.
	RetCode   int    `json:"ret_code"`
	Status    string `json:"status,omitempty"`
	RequestID string `json:"request_uuid"`
}

// Count sums the calls of one action.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *request, out outcome, id string, took time.Duration) {
	call := Call{
		Line:   calls.Line{Action: calls.Unknown, Subject: short(q.subject), TookUS: took.Microseconds()},
		Region: q.region, RequestID: id,
	}
	if q.act != nil {
		call.Service, call.Action = q.act.service, q.act.name
	}
	if q.acct != nil {
		call.Account = q.acct.Name
	}
	if out.err != nil {
		call.RetCode, call.Status = out.err.code, out.err.status
	}
	if out.spoil != nil {
		call.Fault, call.After = out.spoil.Kind, out.spoil.After
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Add(call, c.now(), verdict(call.RetCode))
}

func verdict(code int) calls.Verdict {
	switch code {
	case 0:
		return calls.OK
	case spoiled:
		return calls.Spoiled
	default:
		return calls.Refused
	}
}
