package sim

import "time"

// Call is one line of the call log. It never holds keys or bodies.
type Call struct {
	// Seq counts calls from 1 in the order they ended.
	Seq    int64     `json:"seq"`
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	User   string    `json:"user,omitempty"`
	// Subject is the team, the app or the app model the call concerned.
	Subject string `json:"subject,omitempty"`
	Status  int    `json:"status"`
	// Code is the code of the answer's body, 200 for a success; -1 when a
	// fault destroyed the answer.
	Code  int  `json:"code"`
	Fault Kind `json:"fault,omitempty"`
	After bool `json:"after,omitempty"`
	// TookUS is the real time in microseconds.
	TookUS int64 `json:"took_us"`
}

// Count sums the calls of one name.
type Count struct {
	Calls int64 `json:"calls"`
	// OK counts successes, Refused refusals, Spoiled answers a fault destroyed.
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

// record adds a call. Calls of unknown paths share one count, so that a client
// cannot grow the map.
func (c *Cloud) record(q *call, out outcome, took time.Duration) {
	line := Call{Action: "unknown", Subject: q.subject, Status: out.status(), Code: codeOK, TookUS: took.Microseconds()}
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
	line.Time = c.now()
	c.calls.add(line)
}

func (l *callLog) add(line Call) {
	l.seq++
	line.Seq = l.seq
	n := l.counts[line.Action]
	if n == nil {
		n = &Count{}
		l.counts[line.Action] = n
	}
	n.Calls++
	switch line.Code {
	case codeOK:
		n.OK++
	case spoiled:
		n.Spoiled++
	default:
		n.Refused++
	}
	switch {
	case l.size == 0:
	case len(l.ring) < l.size:
		l.ring = append(l.ring, line)
	default:
		l.ring[int((l.seq-1)%int64(l.size))] = line
	}
}

// Calls returns up to limit of the last calls, oldest first.
func (c *Cloud) Calls(limit int) []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.calls
	n := min(max(limit, 0), len(l.ring))
	out := make([]Call, 0, n)
	for i := l.seq - int64(n); i < l.seq; i++ {
		out = append(out, l.ring[int(i%int64(l.size))])
	}
	return out
}

// Counts returns the exact counts per name since start.
func (c *Cloud) Counts() map[string]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Count, len(c.calls.counts))
	for k, v := range c.calls.counts {
		out[k] = *v
	}
	return out
}
