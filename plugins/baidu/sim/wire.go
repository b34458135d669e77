package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"tradewind.example/simkit/web"
)

// maxBody bounds one request in bytes.
const maxBody = 1 << 20

// request is one call after its query was read. It lives for one call.
type request struct {
	params
	op      *op
	body    []byte
	acct    *account
	cred    *credential
	region  *Region
	now     time.Time
	plan    plan
	subject string // the resource or token, for the call log
}

// ServeHTTP is the vendor API of all services. The region is read from the
// host, as in bcc.gz.baidubce.com; other hosts get the default region.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.handle(w, r, c.regionOf(r.Host))
}

// InRegion is the vendor API with a fixed region, for clients that cannot
// choose the host name.
func (c *Cloud) InRegion(name string) (http.Handler, error) {
	region := regionNamed(name)
	if region == nil {
		return nil, fmt.Errorf("region %q is not a region of the simulator", name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.handle(w, r, region) }), nil
}

func (c *Cloud) regionOf(host string) *Region {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	for label := range strings.SplitSeq(host, ".") {
		if region := regionNamed(label); region != nil {
			return region
		}
	}
	return regionNamed(c.cfg.DefaultRegion)
}

func (c *Cloud) handle(w http.ResponseWriter, r *http.Request, region *Region) {
	started := time.Now()
	id := web.NewUUID()
	w.Header().Set("x-bce-request-id", id)
	q := &request{region: region}
	out := c.receive(w, r, q)
	c.record(q, out, id, time.Since(started))
	write(w, id, out)
}

// outcome is what goes back on the wire.
type outcome struct {
	body  json.RawMessage
	err   *apiError
	spoil *Fault // replaces or destroys the answer
}

// receive reads the call and runs it: faults before, the change, faults after.
func (c *Cloud) receive(w http.ResponseWriter, r *http.Request, q *request) outcome {
	list, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return outcome{err: refuse(http.StatusBadRequest, codeInvalidURI, "The query cannot be parsed")}
	}
	q.params = newParams(list)
	if e := c.route(r, q); e != nil {
		return outcome{err: e}
	}
	q.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return outcome{err: refuse(http.StatusBadRequest, codeInvalidRequest, "The body cannot be read or exceeds 1 MiB")}
	}
	if e := c.admit(r, q, list); e != nil {
		return outcome{err: e}
	}
	return c.serve(r.Context(), q)
}

func (c *Cloud) serve(ctx context.Context, q *request) outcome {
	web.Pause(ctx, q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return outcome{spoil: s, err: s.refusal()}
	}
	body, after, err := c.run(q)
	web.Pause(ctx, after.Delay)
	if after.Spoil != nil {
		err = after.Spoil.refusal()
	}
	return outcome{body: body, err: err, spoil: after.Spoil}
}

// admit verifies the signature and draws the faults before the change.
func (c *Cloud) admit(r *http.Request, q *request, list []param) *apiError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.authenticate(r, q, list); err != nil {
		return err
	}
	q.plan = c.draw(q, false)
	return nil
}

// authenticate finds the account and verifies the signature. Identical
// requests are legal while they are valid: the scheme has no nonce.
func (c *Cloud) authenticate(r *http.Request, q *request, list []param) *apiError {
	header := r.Header.Get("Authorization")
	if header == "" {
		return accessDenied("Access denied.")
	}
	a, err := parseAuthorization(header)
	if err != nil {
		return refuse(http.StatusBadRequest, codeInvalidHeader, "The HTTP authorization header is invalid")
	}
	cred := c.keys[a.key]
	if cred == nil || (!cred.expires.IsZero() && c.now().After(cred.expires)) {
		return refuse(http.StatusForbidden, codeInvalidKey, "The Access Key ID you provided does not exist in our records.")
	}
	if !sameSignature(a.signature, a.sign(cred.secret, r, list)) {
		return refuse(http.StatusForbidden, codeMismatch, "The request signature we calculated does not match the signature you provided.")
	}
	if !a.valid(c.cfg.SignClock()) {
		return refuse(http.StatusBadRequest, codeExpired, "Request has expired.")
	}
	if session := r.Header.Get("X-Bce-Security-Token"); !sameSignature(session, cred.session) {
		return accessDenied("The security token is invalid")
	}
	if !digestOK(r, a.headers, q.body) {
		return refuse(http.StatusBadRequest, codeInvalidRequest, "The Content-MD5 does not match the body")
	}
	q.cred, q.acct = cred, c.accounts.get(cred.account)
	return nil
}

// run makes the change and its record under one lock, then draws the faults
// that spoil the answer of a change that was made.
func (c *Cloud) run(q *request) (json.RawMessage, plan, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil, plan{}, internalError()
	}
	q.now = c.now()
	c.settle(q.now)
	body, err := c.once(q)
	if cerr := c.commit(); cerr != nil {
		return nil, plan{}, internalError()
	}
	if err != nil {
		return nil, plan{}, err
	}
	return body, c.draw(q, true), nil
}

// perform runs the handler and writes its answer.
func (c *Cloud) perform(q *request) (json.RawMessage, *apiError) {
	if q.op.limited && c.tooManyBills(q) {
		return nil, throttled()
	}
	answer, err := q.op.run(c, q)
	if err == nil {
		err = q.err
	}
	if err != nil {
		return nil, err
	}
	b, merr := json.Marshal(answer)
	if merr != nil {
		c.log.Error("an answer cannot be written", "op", q.op.name, "err", merr)
		return nil, internalError()
	}
	return b, nil
}

// json reads the body. Unknown fields are ignored, as the vendor promises.
func (q *request) json(into any) *apiError {
	if len(bytes.TrimSpace(q.body)) == 0 {
		return nil
	}
	if !json.Valid(q.body) {
		return refuse(http.StatusBadRequest, codeMalformed, "The JSON you provided was not well-formed")
	}
	if err := json.Unmarshal(q.body, into); err != nil {
		return badBody("The JSON you provided was well-formed and valid, but not appropriate for this operation.")
	}
	return nil
}

// write sends the outcome.
func write(w http.ResponseWriter, id string, out outcome) {
	if out.spoil != nil && spoilAnswer(w, id, out.spoil) {
		return
	}
	if out.err != nil {
		writeError(w, id, out.err.code, out.err)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(out.body)
}

// writeError sends the vendor's error body; code is a number only by a fault.
func writeError(w http.ResponseWriter, id string, code any, e *apiError) {
	b, err := json.Marshal(struct {
		RequestID string `json:"requestId"`
		Code      any    `json:"code"`
		Message   string `json:"message"`
	}{id, code, e.text})
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(e.status)
	_, _ = w.Write(b)
}

// spoilAnswer destroys the answer; false means the fault is an ordinary refusal.
func spoilAnswer(w http.ResponseWriter, id string, f *Fault) bool {
	switch f.Kind {
	case KindHTTP:
		web.Page(w, f.Status, http.StatusText(f.Status))
	case KindCodeNumber:
		e := f.refusal()
		writeError(w, id, e.status, e)
	case KindSuccessFalse:
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = io.WriteString(w, `{"success":false}`)
	default:
		return web.Destroy(w, f.Kind, f.Status)
	}
	return true
}
