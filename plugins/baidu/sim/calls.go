package sim

import (
	"net/http"
	"time"

	"tradewind.example/simkit/calls"
)

// Call is one line of the call log. It never holds parameters with secrets.
// Its Subject is the resource id, or the client token of a create.
type Call struct {
	calls.Line
	Region string `json:"region,omitempty"`
	// Status is the HTTP status that was answered; -1 when a fault destroyed the answer.
	Status int `json:"status"`
	// Code is the error code that was answered.
	Code string `json:"code,omitempty"`
	ID   string `json:"request_id"`
}

// Count sums the calls of one action; OK counts answers with status 200.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *request, out outcome, id string, took time.Duration) {
	call := Call{
		Line:   calls.Line{Action: calls.Unknown, Subject: q.subject, TookUS: took.Microseconds()},
		Region: q.region.ID, Status: http.StatusOK, ID: id,
	}
	if q.op != nil {
		call.Action = q.op.name
	}
	if call.Subject == "" && len(q.vars) > 0 {
		call.Subject = q.vars[0][:min(len(q.vars[0]), 64)]
	}
	if out.err != nil {
		call.Status, call.Code = out.err.status, out.err.code
	}
	if out.spoil != nil {
		call.Fault, call.After = out.spoil.Kind, out.spoil.After
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.acct != nil {
		call.Account = q.acct.label()
	}
	c.calls.Add(call, c.now(), verdict(call.Status))
}

func verdict(status int) calls.Verdict {
	switch {
	case status == http.StatusOK:
		return calls.OK
	case status < 0:
		return calls.Spoiled
	default:
		return calls.Refused
	}
}
