package sim

import (
	"net/http"
	"time"

	"tradewind.example/simkit/calls"
)

// codeOK is the code of success.
const codeOK = "Success"

// Call is one line of the call log. It never holds parameters with secrets.
// Its Subject is the resource id, or the name of a create.
type Call struct {
	calls.Line
	Service string `json:"service,omitempty"`
	// Status is the HTTP status; 0 when a fault destroyed the answer.
	Status int `json:"status"`
	// RetCode is the code that was answered, or the kind of the fault.
	RetCode string `json:"ret_code"`
	UUID    string `json:"request_uuid"`
}

// Count sums the calls of one action.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *request, out outcome, took time.Duration) {
	call := Call{
		Line:    calls.Line{Action: q.action, Subject: q.subject, TookUS: took.Microseconds()},
		Service: q.service, Status: http.StatusOK, RetCode: codeOK, UUID: q.id,
	}
	if q.acct != nil {
		call.Account = q.acct.Name
	}
	if out.err != nil {
		call.Status, call.RetCode = out.err.status, out.err.code
	}
	if out.spoil != nil {
		call.Fault, call.After = out.spoil.Kind, out.spoil.After
	}
	if _, ok := c.routes[q.service][q.action]; !ok {
		call.Action = calls.Unknown
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Add(call, c.now(), call.verdict())
}

func (c *Call) verdict() calls.Verdict {
	switch {
	case c.RetCode == codeOK:
		return calls.OK
	case c.Status == 0:
		return calls.Spoiled
	default:
		return calls.Refused
	}
}
