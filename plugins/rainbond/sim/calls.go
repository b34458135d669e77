package sim

import (
	"time"

	"tradewind.example/simkit/calls"
)

// Call is one line of the call log. It never holds keys or bodies. Its Subject
// is the team, the app or the app model the call concerned.
type Call struct {
	calls.Line
	User   string `json:"user,omitempty"`
	Status int    `json:"status"`
	// Code is the code of the answer's body, 200 for a success; -1 when a
	// fault destroyed the answer.
	Code int `json:"code"`
}

// Count sums the calls of one name.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *call, out outcome, took time.Duration) {
	line := Call{
		Line:   calls.Line{Action: calls.Unknown, Subject: q.subject, TookUS: took.Microseconds()},
		Status: out.status(), Code: codeOK,
	}
	if q.op != nil {
		line.Action = q.op.name
	}
	if q.user != nil {
		line.User = q.user.Name
	}
	if out.err != nil {
		line.Code = out.err.code
	}
	if out.spoil != nil {
		line.Fault, line.After = out.spoil.Kind, out.spoil.After
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Add(line, c.now(), verdict(line.Code))
}

func verdict(code int) calls.Verdict {
	switch code {
	case codeOK:
		return calls.OK
	case spoiled:
		return calls.Spoiled
	default:
		return calls.Refused
	}
}
