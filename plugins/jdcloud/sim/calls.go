package sim

import "time"

// Call is one line of the call log. It never holds parameters with secrets.
type Call struct {
	// Seq counts calls from 1 in the order they ended.
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"time"`
	Service string    `json:"service,omitempty"`
	Action  string    `json:"action"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	// Subject is the resource id, or the client token of a create.
	Subject string `json:"subject,omitempty"`
	// RetCode is the code of the error answered, 0 for success and -1 when a
	// fault destroyed the answer; Status is its word.
	RetCode   int    `json:"ret_code"`
	Status    string `json:"status,omitempty"`
	Fault     Kind   `json:"fault,omitempty"`
	After     bool   `json:"after,omitempty"`
	RequestID string `json:"request_uuid"`
	// TookUS is the real time in microseconds.
	TookUS int64 `json:"took_us"`
}

// Count sums the calls of one action.
type Count struct {
	Calls int64 `json:"calls"`
	// OK counts successes, Refused answers with an error,
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

// record adds a call. Calls that reached no action share one count, so that
// a client cannot grow the map.
func (c *Cloud) record(q *request, out outcome, id string, took time.Duration) {
	call := Call{Action: "unknown", Region: q.region, Subject: short(q.subject), RequestID: id, TookUS: took.Microseconds()}
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
	switch call.RetCode {
	case 0:
		n.OK++
	case spoiled:
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
