package sim

import "time"

// Call is one line of the call log. It never holds parameters with secrets.
type Call struct {
	// Seq counts calls from 1 in the order they ended.
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"time"`
	Action  string    `json:"action"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	// Subject is the resource id, or the client token of a create.
	Subject string `json:"subject,omitempty"`
	// Status is the HTTP status that was answered; -1 when a fault destroyed the answer.
	Status int `json:"status"`
	// Code is the error code that was answered.
	Code  string `json:"code,omitempty"`
	Fault Kind   `json:"fault,omitempty"`
	After bool   `json:"after,omitempty"`
	ID    string `json:"request_id"`
	// TookUS is the real time in microseconds.
	TookUS int64 `json:"took_us"`
}

// Count sums the calls of one action.
type Count struct {
	Calls int64 `json:"calls"`
	// OK counts answers with status 200, Refused those with an error,
	// Spoiled those a fault destroyed.
	OK      int64 `json:"ok"`
	Refused int64 `json:"refused"`
	Spoiled int64 `json:"spoiled"`
}

// callLog is a ring of the last calls and exact counts; guarded by the Cloud's mutex.
type callLog struct {
	ring   []Call
	size   int
	seq    int64
	counts map[string]*Count
}

func newCallLog(size int) callLog {
	return callLog{size: size, counts: map[string]*Count{}}
}

// record adds a call. Unknown paths share one count, so that a client cannot
// grow the map.
func (c *Cloud) record(q *request, out outcome, id string, took time.Duration) {
	call := Call{Action: "unknown", Region: q.region.ID, Subject: q.subject, Status: 200, ID: id, TookUS: took.Microseconds()}
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
	call.Time = c.now()
	c.calls.add(call)
}

func (l *callLog) add(call Call) {
	l.seq++
	call.Seq = l.seq
	n := l.counts[call.Action]
	if n == nil {
		n = &Count{}
		l.counts[call.Action] = n
	}
	n.Calls++
	switch {
	case call.Status == 200:
		n.OK++
	case call.Status < 0:
		n.Spoiled++
	default:
		n.Refused++
	}
	if l.size == 0 {
		return
	}
	if len(l.ring) < l.size {
		l.ring = append(l.ring, call)
		return
	}
	l.ring[int((l.seq-1)%int64(l.size))] = call
}

// last returns the newest calls, oldest first.
func (l *callLog) last(n int) []Call {
	n = min(n, len(l.ring))
	out := make([]Call, 0, n)
	for i := l.seq - int64(n); i < l.seq; i++ {
		out = append(out, l.ring[int(i%int64(max(l.size, 1)))])
	}
	return out
}

// Calls returns up to limit of the last calls, oldest first.
func (c *Cloud) Calls(limit int) []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls.last(max(limit, 0))
}

// Counts returns the exact counts per action since start.
func (c *Cloud) Counts() map[string]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Count, len(c.calls.counts))
	for k, v := range c.calls.counts {
		out[k] = *v
	}
	return out
}
