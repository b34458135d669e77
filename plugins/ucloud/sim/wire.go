package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/simkit/web"
)

// Bounds of one request: bytes, parameters, and levels of a JSON body.
const (
	maxBody   = 1 << 20
	maxParams = 2000
	maxDepth  = 6
)

// request is one call after its parameters were read. It lives for one call.
type request struct {
	params
	action  string
	acct    *account
	member  *member // nil for the account itself
	project string
	region  *Region
	zone    string
	now     time.Time
	plan    plan
	subject string // the resource or tag, for the call log
}

// answer is the body of a response, without Action, RetCode and Message.
type answer map[string]any

// action is one row of the API.
type action struct {
	run func(*Cloud, *request) (answer, *retError)
	// scoped calls concern resources: they need a region and a project.
	scoped bool
	// writes marks calls that can change resources or money.
	writes bool
}

// ServeHTTP is the vendor API. Any path is accepted.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	uuid := web.NewUUID()
	w.Header().Set("X-UCLOUD-REQUEST-UUID", uuid)
	raw, status := decode(w, r)
	if status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	q := newRequest(raw)
	out := c.serve(r.Context(), r.Header, raw, q)
	c.record(q, out, uuid, time.Since(started))
	write(w, q.action, out)
}

// outcome is what goes back on the wire.
type outcome struct {
	body  answer
	err   *retError
	spoil *Fault // replaces or destroys the answer
	plan  plan
}

// serve runs one call: faults before, the change, faults after.
func (c *Cloud) serve(ctx context.Context, h http.Header, raw map[string]any, q *request) outcome {
	act, err := c.admit(q, h, raw)
	if err != nil {
		return outcome{err: err}
	}
	web.Pause(ctx, q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return outcome{spoil: s, plan: q.plan, err: s.refusal()}
	}
	body, after, err := c.run(act, q)
	web.Pause(ctx, after.Delay)
	after.Quiet = append(after.Quiet, q.plan.Quiet...)
	if after.Spoil != nil {
		err = after.Spoil.refusal()
	}
	return outcome{body: body, err: err, spoil: after.Spoil, plan: after}
}

// admit checks action and signature and draws the faults before the change.
func (c *Cloud) admit(q *request, h http.Header, raw map[string]any) (action, *retError) {
	if q.action == "" {
		return action{}, refuse(codeNoAction, "Missing Action")
	}
	act, ok := c.actions[q.action]
	if !ok {
		return action{}, refuse(codeUnknownAction, "Action [%s] does not exist", q.action)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.authenticate(q, h, raw); err != nil {
		return act, err
	}
	q.plan = c.draw(q, act, false)
	return act, nil
}

// authenticate finds the account and verifies the signature.
func (c *Cloud) authenticate(q *request, h http.Header, raw map[string]any) *retError {
	got := q.values["Signature"]
	if got == "" {
		return refuse(codeNoSignature, "Missing Signature")
	}
	acct, m, private := c.keyOf(q.values["PublicKey"])
	if acct == nil {
		return refuse(codeNoUser, "User does not exist")
	}
	if !sameSignature(got, sign(raw, private)) {
		return refuse(codeBadSignature, "Signature VerifyAC Error")
	}
	if !acct.tokenOK(q.values["SecurityToken"], c.now()) {
		return refuse(codeNoToken, "Token does not exist")
	}
	if acct.ChannelKey != "" && h.Get("channel-key") != acct.ChannelKey {
		return refuse(codeNoToken, "Token does not exist")
	}
	q.acct, q.member = acct, m
	return nil
}

// keyOf finds whose public key this is: an account's, or that of a sub user.
func (c *Cloud) keyOf(public string) (*account, *member, string) {
	if a := c.accounts[public]; a != nil {
		return a, nil, a.PrivateKey
	}
	if a, m := c.memberKey(public); a != nil {
		return a, m, a.privateKeyOf(public)
	}
	return nil, nil, ""
}

func (a *account) tokenOK(token string, now time.Time) bool {
	if token == "" {
		return true
	}
	for _, t := range a.Tokens {
		if t.Value == token {
			return t.ExpiresUnix == 0 || now.Unix() < t.ExpiresUnix
		}
	}
	return false
}

// run makes the change and its record under one lock, then draws the faults
// that spoil the answer of a change that was made.
func (c *Cloud) run(act action, q *request) (answer, plan, *retError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil, plan{}, refuse(codeUnavailable, "service unavailable")
	}
	q.now = c.now()
	c.settle(q.now)
	body, err := c.runScoped(act, q)
	if cerr := c.commit(); cerr != nil {
		return nil, plan{}, refuse(codeUnavailable, "service unavailable")
	}
	if err != nil {
		return nil, plan{}, err
	}
	return body, c.draw(q, act, true), nil
}

func (c *Cloud) runScoped(act action, q *request) (answer, *retError) {
	if err := q.resolve(c, act.scoped); err != nil {
		return nil, err
	}
	return act.run(c, q)
}

// resolve finds project, region and zone. Calls that are not scoped tolerate
// all three, because clients send them everywhere.
func (q *request) resolve(c *Cloud, scoped bool) *retError {
	id := q.values["ProjectId"]
	for _, p := range q.acct.Projects {
		if p.ID == id || (id == "" && p.Default) {
			q.project = p.ID
		}
	}
	if q.project == "" || (id == "" && scoped && (q.acct.SubUser || q.member != nil)) {
		return refuse(codeNoProject, "Project does not exist")
	}
	if q.member != nil && !q.member.may(q.project) {
		return refuse(codeForbidden, "no permission")
	}
	if !scoped {
		return nil
	}
	name := q.need("Region")
	if q.err != nil {
		return q.err
	}
	for i := range c.cfg.Regions {
		if c.cfg.Regions[i].Name == name {
			q.region = &c.cfg.Regions[i]
		}
	}
	if q.region == nil {
		return notAvailable("Region")
	}
	q.zone = q.values["Zone"]
	if q.zone != "" && !q.region.hasZone(q.zone) {
		return notAvailable("Zone")
	}
	return nil
}

func (q *request) key() scopeKey {
	return scopeKey{account: q.acct.Name, project: q.project, region: q.region.Name}
}

func newRequest(raw map[string]any) *request {
	q := &request{params: params{values: make(map[string]string, len(raw))}}
	flatten(q.values, "", raw)
	q.action = q.values["Action"]
	return q
}

// decode reads the parameters of a form, JSON or GET call. A status other
// than 0 is an HTTP failure.
func decode(w http.ResponseWriter, r *http.Request) (map[string]any, int) {
	if r.Method == http.MethodGet {
		return fromForm(r.URL.RawQuery)
	}
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, http.StatusRequestEntityTooLarge
		}
		return nil, http.StatusBadRequest
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		return fromJSON(body)
	}
	return fromForm(string(body))
}

func fromForm(s string) (map[string]any, int) {
	if strings.Count(s, "&") >= maxParams {
		return nil, http.StatusRequestEntityTooLarge
	}
	form, err := url.ParseQuery(s)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	out := make(map[string]any, len(form))
	for k, v := range form {
		out[k] = v[0]
	}
	return out, 0
}

func fromJSON(body []byte) (map[string]any, int) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil {
		return nil, http.StatusBadRequest
	}
	if leaves(out, maxDepth) > maxParams {
		return nil, http.StatusRequestEntityTooLarge
	}
	return out, 0
}

// leaves counts the values of a decoded body; one nested too deeply counts as too many.
func leaves(v any, depth int) int {
	if depth == 0 {
		return maxParams + 1
	}
	n := 0
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			n += leaves(e, depth-1)
		}
	case []any:
		for _, e := range x {
			n += leaves(e, depth-1)
		}
	default:
		n = 1
	}
	return n
}

// write sends the outcome: business failures are HTTP 200 with a RetCode.
func write(w http.ResponseWriter, name string, out outcome) {
	if out.spoil != nil && web.Destroy(w, out.spoil.Kind, out.spoil.Status) {
		return
	}
	body := answer{}
	if out.err == nil {
		for k, v := range out.body {
			body[k] = v
		}
	}
	body["Action"] = name + "Response"
	code := codeOK
	if out.err != nil {
		code = out.err.code
		body["Message"] = out.err.text
	}
	body["RetCode"] = code
	if out.plan.Has(KindRetCodeString) {
		body["RetCode"] = strconv.Itoa(code)
	}
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}
