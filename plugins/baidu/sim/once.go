package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long a client token is remembered after its last use.
const tokenLife = 24 * time.Hour

// token is what was answered to a client token.
type token struct {
	Hash   string          `json:"hash"`
	Answer json.RawMessage `json:"answer"`
	Used   int64           `json:"used"` // unix seconds
}

// once runs the call, or repeats the answer that its client token got before.
// Refusals are not remembered.
func (c *Cloud) once(q *request) (json.RawMessage, *apiError) {
	name := q.query["clientToken"]
	if name == "" || !q.op.token {
		return c.perform(q)
	}
	if len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return nil, badParam("clientToken")
	}
	q.subject = name
	id, hash := q.acct.ID+"/"+name, q.hash()
	if t := c.tokens.get(id); t != nil && q.now.Unix()-t.Used <= int64(tokenLife/time.Second) {
		if t.Hash != hash {
			return nil, refuse(http.StatusBadRequest, codeTokenMismatch, "The clientToken was used with other parameters")
		}
		keep(c, c.tokens, id, &token{Hash: hash, Answer: t.Answer, Used: q.now.Unix()})
		return t.Answer, nil
	}
	c.dropOldTokens(q.now)
	answer, err := c.perform(q)
	if err == nil {
		keep(c, c.tokens, id, &token{Hash: hash, Answer: answer, Used: q.now.Unix()})
	}
	return answer, err
}

// dropOldTokens forgets the oldest tokens that nobody can use any more.
func (c *Cloud) dropOldTokens(now time.Time) {
	for len(c.tokens.ids) > 0 {
		id := c.tokens.ids[0]
		if now.Unix()-c.tokens.rows[id].Used <= int64(tokenLife/time.Second) {
			return
		}
		forget(c, c.tokens, id)
	}
}

// hash names the request without the token: the operation, where it goes, its
// query and its body.
func (q *request) hash() string {
	lines := []string{q.op.name, q.region.ID, strings.Join(q.vars, "/")}
	for _, k := range sortedKeys(q.query) {
		if k != "clientToken" {
			lines = append(lines, encode(k)+"="+encode(q.query[k]))
		}
	}
	lines = append(lines, string(q.body))
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// window counts the bill queries of one second.
type window struct {
	second int64
	n      int
}

// tooManyBills counts the call against the documented rate of bill queries.
func (c *Cloud) tooManyBills(q *request) bool {
	rate := c.limits.BillRate
	if rate == 0 {
		rate = 20
	}
	w := c.billCalls[q.acct.ID]
	if w == nil || w.second != q.now.Unix() {
		w = &window{second: q.now.Unix()}
		c.billCalls[q.acct.ID] = w
	}
	w.n++
	return rate > 0 && w.n > rate
}
