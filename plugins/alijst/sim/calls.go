package sim

import (
	"slices"
	"time"

	"tradewind.example/simkit/calls"
)

// Call is one line of the call log. Its Subject is the resource.
type Call struct {
	calls.Line
	// Method is the verb of HTTP.
	Method string `json:"method"`
	// Params are the parameters that are not common to all actions; Password is masked.
	Params map[string]string `json:"params,omitempty"`
	// Unknown are the names among them that no document has.
	Unknown []string `json:"unknown,omitempty"`
	// RetCode is what was answered; -1 when a fault destroyed the answer, -2 when the gateway refused.
	RetCode int `json:"ret_code"`
	// ErrorCode is the word of the gateway.
	ErrorCode string `json:"error_code,omitempty"`
	UUID      string `json:"request_uuid"`
}

// Count sums the calls of one action; OK counts answers with code 0.
type Count = calls.Count

// record adds a call to the log.
func (c *Cloud) record(q *call, act action, out outcome, id string, took time.Duration) {
	line := Call{
		Line:   calls.Line{Action: q.action, Subject: q.subject, TookUS: took.Microseconds()},
		Method: q.method, UUID: id,
	}
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
		line.Action = calls.Unknown
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Add(line, c.now(), verdict(line.RetCode))
}

func verdict(code int) calls.Verdict {
	switch code {
	case codeOK:
		return calls.OK
	case codeSpoiled:
		return calls.Spoiled
	default:
		return calls.Refused
	}
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
