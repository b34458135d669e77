package sim

import (
	"slices"
	"time"
)

// Call is one line of the call log. It never holds parameters with secrets.
type Call struct {
	// Seq counts calls from 1 in the order they ended.
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"time"`
	Action  string    `json:"action"`
	Account string    `json:"account,omitempty"`
	// Method is the verb of HTTP.
	Method string `json:"method"`
	// Subject is the resource.
	Subject string `json:"subject,omitempty"`
	// Params are the parameters that are not common to all actions; Password is masked.
	Params map[string]string `json:"params,omitempty"`
	// Unknown are the names among them that no document has.
	Unknown []string `json:"unknown,omitempty"`
	// RetCode is what was answered; -1 when a fault destroyed the answer, -2 when the gateway refused.
	RetCode int `json:"ret_code"`
	// ErrorCode is the word of the gateway.
	ErrorCode string `json:"error_code,omitempty"`
	Fault     Kind   `json:"fault,omitempty"`
	After     bool   `json:"after,omitempty"`
	UUID      string `json:"request_uuid"`
	// TookUS is the real time in microseconds.
	TookUS int64 `json:"took_us"`
}

// Count sums the calls of one action.
type Count struct {
	Calls int64 `json:"calls"`
	// OK counts answers with code 0, Refused those with another one,
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

// record adds a call. Unknown action names share one count, so that a client
// cannot grow the map.
func (c *Cloud) record(q *call, act action, out outcome, id string, took time.Duration) {
	line := Call{Action: q.action, Method: q.method, Subject: q.subject, UUID: id, TookUS: took.Microseconds()}
	if q.acct != nil {
		line.Account = q.acct.Name
		line.Params, line.Unknown = shown(q.values, act)
	}
	if out.err != nil {
		line.RetCode, line.ErrorCode = out.err.logged(), out.err.word
	}
	if out.spoil != nil {
		line.Fault, line.After = out.spoil.Kind, out.spoil.After
	}
	if act.http == "" {
		line.Action = "unknown"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	line.Time = c.now()
	c.calls.add(line)
}

// shown returns the parameters that a log may hold, and which of them are not documented.
func shown(values map[string]string, act action) (map[string]string, []string) {
	out, unknown := map[string]string{}, []string(nil)
	for _, name := range sortedKeys(values) {
		if isCommon(name) {
			continue
		}
		out[name] = values[name]
		if name == "Password" {
			out[name] = masked
		}
		if !slices.ContainsFunc(act.params, func(p param) bool { return p.fits(name) }) {
			unknown = append(unknown, name)
		}
	}
	return out, unknown
}

// isCommon tells the parameters that every call of the RPC style carries.
func isCommon(name string) bool {
	switch name {
	case "Action", "Version", "Format", "Timestamp", "AccessKeyId", "SecurityToken", "RegionId",
		"Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType":
		return true
	}
	return false
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
	case codeOK:
		n.OK++
	case codeSpoiled:
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
