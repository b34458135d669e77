package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/simkit/web"
)

// Bounds of one request: bytes of the body and parameters.
const (
	maxBody   = 1 << 20
	maxParams = 2000
)

// The versions of the two products.
const (
	versionJST = "2018-03-13"
	versionECS = "2014-05-26"
)

// ServeHTTP is the vendor API, of JST and of ECS. Its path is "/".
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	id := newUUID()
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	values, status := decode(w, r)
	if status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	q := &call{values: values, action: values["Action"], method: r.Method}
	act, out := c.serve(r.Context(), q)
	c.record(q, act, out, id, time.Since(started))
	c.write(w, act, out, id)
}

// outcome is what goes back on the wire.
type outcome struct {
	body  answer
	err   *refusal
	spoil *Fault // replaces or destroys the answer
	plan  plan
}

// serve runs one call: faults before, the change, faults after.
func (c *Cloud) serve(ctx context.Context, q *call) (action, outcome) {
	act, err := c.admit(q)
	if err != nil {
		return act, outcome{err: err, plan: q.plan}
	}
	web.Pause(ctx, q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return act, outcome{spoil: s, plan: q.plan, err: s.refusal()}
	}
	body, after, err := c.run(act, q)
	web.Pause(ctx, after.Delay)
	after.Quiet = append(after.Quiet, q.plan.Quiet...)
	if after.Spoil != nil {
		err = after.Spoil.refusal()
	}
	return act, outcome{body: body, err: err, spoil: after.Spoil, plan: after}
}

// admit checks the call as the gateway does and draws the faults before the change.
func (c *Cloud) admit(q *call) (action, *refusal) {
	act, err := c.find(q)
	if err != nil {
		return act, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return act, gateway(500, "InternalError", "The request processing has failed due to some unknown error.")
	}
	if err := c.authenticate(q, act); err != nil {
		return act, err
	}
	q.plan = c.draw(q, act, false)
	if q.plan.Spoil != nil {
		return act, nil
	}
	return act, check(act.params, q.values)
}

// find returns the action that the call names.
func (c *Cloud) find(q *call) (action, *refusal) {
	common := []string{"Action", "Version", "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"}
	for _, name := range common {
		if q.values[name] == "" {
			return action{}, missing(name)
		}
	}
	act, ok := c.actions[q.action]
	switch q.values["Version"] {
	case versionJST:
	case versionECS:
		act, ok = regionsAction(), q.action == "DescribeRegions"
	default:
		return action{}, gateway(400, "InvalidVersion", "Specified parameter Version is not valid.")
	}
	if !ok {
		return action{}, gateway(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	if q.method != act.http && !c.cfg.AnyVerb {
		return act, gateway(405, "UnsupportedHTTPMethod", "This http method is not supported.")
	}
	return act, nil
}

// authenticate finds the account and verifies key, time, nonce, signature and right.
func (c *Cloud) authenticate(q *call, act action) *refusal {
	acct := c.accounts[q.values["AccessKeyId"]]
	if acct == nil {
		return gateway(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	}
	if acct.Disabled {
		return gateway(403, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
	}
	if acct.SecurityToken != q.values["SecurityToken"] {
		return gateway(400, "InvalidSecurityToken.Mismatch", "Specified SecurityToken mismatch with the AccessKey.")
	}
	now := c.cfg.RealNow()
	if err := c.fresh(q, now); err != nil {
		return err
	}
	if q.values["SignatureMethod"] != "HMAC-SHA1" || q.values["SignatureVersion"] != "1.0" {
		return gateway(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
	}
	text := toSign(q.method, q.values)
	if !sameSignature(q.values["Signature"], sign(text, acct.AccessKeySecret)) {
		return gateway(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:%s", text)
	}
	if !c.nonces.use(acct.Name+"/"+q.values["SignatureNonce"], now) {
		return gateway(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	if acct.ReadOnly && act.writes {
		return gateway(403, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.")
	}
	q.acct = acct
	return acct.throttle(c.cfg.CallsPerMinute, now)
}

// fresh refuses a timestamp that is malformed or off.
func (c *Cloud) fresh(q *call, now time.Time) *refusal {
	at, err := time.Parse("2006-01-02T15:04:05Z", q.values["Timestamp"])
	if err != nil {
		return gateway(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if now.Sub(at).Abs() > window {
		return gateway(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

// throttle counts the calls of a minute.
func (a *account) throttle(limit int, now time.Time) *refusal {
	if now.Sub(a.minute) >= time.Minute {
		a.minute, a.count = now, 0
	}
	a.count++
	if limit > 0 && a.count > limit {
		return gateway(400, "Throttling.User", "Request was denied due to user flow control.")
	}
	return nil
}

// run makes the change under the lock, then draws the faults that spoil the
// answer of a change that was made.
func (c *Cloud) run(act action, q *call) (answer, plan, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	q.acct.world.settle(now)
	body, err := act.run(q.acct.world, q)
	if err != nil {
		return nil, plan{}, err
	}
	q.acct.world.settle(now)
	if act.writes {
		c.keep(q, now)
	}
	return body, c.draw(q, act, true), nil
}

// decode merges the query with a form body, which wins. A status other than
// 0 is an HTTP failure.
func decode(w http.ResponseWriter, r *http.Request) (map[string]string, int) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed
	}
	out, status := fromForm(r.URL.RawQuery)
	if status != 0 || r.Method == http.MethodGet {
		return out, status
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, http.StatusRequestEntityTooLarge
		}
		return nil, http.StatusBadRequest
	}
	form, status := fromForm(string(body))
	maps.Copy(out, form)
	return out, status
}

func fromForm(s string) (map[string]string, int) {
	if strings.Count(s, "&") >= maxParams {
		return nil, http.StatusRequestEntityTooLarge
	}
	form, err := url.ParseQuery(s)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	out := make(map[string]string, len(form))
	for k, v := range form {
		out[k] = v[0]
	}
	return out, 0
}

// write sends the outcome in the shape of the gateway or of the product.
func (c *Cloud) write(w http.ResponseWriter, act action, out outcome, id string) {
	if out.spoil != nil && web.Destroy(w, out.spoil.Kind, out.spoil.Status) {
		return
	}
	status, body := c.shape(act, out, id)
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	switch shapeOf(out.plan) {
	case shapeLower:
		b = lowerKeys(b)
	case shapeTruncated:
		b = b[:len(b)/2]
	case shapePlain, shapeString:
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// shape builds status and body.
func (c *Cloud) shape(act action, out outcome, id string) (int, answer) {
	body := answer{"RequestId": id}
	if out.err != nil && out.err.word != "" {
		body["HostId"], body["Code"], body["Message"] = "retailcloud.aliyuncs.com", out.err.word, out.err.text
		body["Recommend"] = ""
		return out.err.status, body
	}
	status, code, why := http.StatusOK, codeOK, ""
	if out.err == nil {
		maps.Copy(body, out.body)
	} else {
		status, code, why = c.cfg.BusinessStatus, out.err.code, out.err.text
		if out.err.status != 0 {
			status = out.err.status
		}
	}
	if act.bare {
		return status, body
	}
	body["Code"] = code
	if shapeOf(out.plan) == shapeString {
		body["Code"] = strconv.Itoa(code)
	}
	body[act.errText] = why
	if act.success {
		body["Success"] = code == codeOK
	}
	return status, body
}

// lowerKeys writes the first letter of every key small, as the manual's samples do.
func lowerKeys(b []byte) []byte {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return b
	}
	out, err := json.Marshal(lowered(v))
	if err != nil {
		return b
	}
	return out
}

func lowered(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			if k != "" {
				k = strings.ToLower(k[:1]) + k[1:]
			}
			out[k] = lowered(e)
		}
		return out
	case []any:
		for i := range x {
			x[i] = lowered(x[i])
		}
	}
	return v
}

func newUUID() string { return strings.ToUpper(web.NewUUID()) }
