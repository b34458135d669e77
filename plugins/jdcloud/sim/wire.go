package sim

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"tradewind.example/simkit/web"
)

// request is one call after its parameters were read. It lives for one call.
type request struct {
	params
	act     *route
	who     *principal
	acct    *account
	region  string
	now     time.Time
	plan    plan
	subject string // the resource or token, for the call log
}

// answer is an object of a response.
type answer map[string]any

// outcome is what goes back on the wire.
type outcome struct {
	result answer
	err    *apiError
	spoil  *Fault // replaces or destroys the answer
	plan   plan
}

// ServeHTTP is the vendor API of all services. The service is named by the
// credential's scope; where the host name or a path prefix names one too, the
// two must agree.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	id := newRequestID()
	w.Header().Set("x-jdcloud-request-id", id)
	q := &request{}
	out := c.serve(w, r, q)
	c.record(q, out, id, time.Since(started))
	write(w, id, out)
}

// serve runs one call: signature, faults before, the change, faults after.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, q *request) outcome {
	body, err := readBody(w, r)
	if err != nil {
		return outcome{err: err}
	}
	if err := c.admit(q, r, body); err != nil {
		return outcome{err: err, spoil: q.plan.Spoil}
	}
	web.Pause(r.Context(), q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return outcome{spoil: s, plan: q.plan, err: s.refusal()}
	}
	result, after, err := c.run(q)
	web.Pause(r.Context(), after.Delay)
	after.Quiet = append(after.Quiet, q.plan.Quiet...)
	if after.Spoil != nil {
		err = after.Spoil.refusal()
	}
	return outcome{result: result, err: err, spoil: after.Spoil, plan: after}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, statusInvalid, "the body is too large")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, statusInvalid, "the body cannot be read")
	}
	return body, nil
}

// admit checks signature, service, path, region and form, and draws the
// faults that act before the change.
func (c *Cloud) admit(q *request, r *http.Request, body []byte) *apiError {
	c.mu.Lock()
	defer c.mu.Unlock()
	cred, who, err := c.verify(r, body)
	if err != nil {
		return err
	}
	q.who, q.acct = who, who.acct
	service, path := c.mount(r.Host, r.URL.EscapedPath())
	if c.routes[cred.service] == nil || (service != "" && service != cred.service) {
		return unauthenticated("the credential is for another service")
	}
	act, inPath := c.find(cred.service, r.Method, path)
	if act == nil {
		return refuse(http.StatusNotFound, statusNotFound, "no such api")
	}
	q.act = act
	if err := c.checkRegion(q, inPath, cred.region); err != nil {
		return err
	}
	if err := q.read(r, inPath, body); err != nil {
		return err
	}
	if !c.allow(rateKey{q.acct.Name, cred.service}) {
		return refuse(http.StatusTooManyRequests, statusRate, "too many requests, try again later")
	}
	q.plan = c.draw(&act.action, false)
	return nil
}

func (c *Cloud) checkRegion(q *request, inPath map[string]string, signed string) *apiError {
	region, ok := inPath["regionId"]
	if !ok {
		if signed != anyRegion {
			return unauthenticated("the credential is for another region")
		}
		return nil
	}
	if region != signed {
		return unauthenticated("the credential is for another region")
	}
	if c.regionOf(region) == nil {
		return invalid("regionId", "there is no such region")
	}
	q.region = region
	return nil
}

// read takes the parameters; fields of the path may be repeated in the body
// with the same value.
func (q *request) read(r *http.Request, inPath map[string]string, body []byte) *apiError {
	values, err := fromQuery(r.URL.RawQuery)
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodDelete {
		values, err = fromBody(body)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, statusInvalid, "the parameters cannot be read: %s", readable(err))
	}
	for name, v := range inPath {
		if got := values[name]; got != nil && got != "" && got != v {
			return invalid(name, "it does not match the path")
		}
		values[name] = v
	}
	q.params = newParams(values)
	return nil
}

func readable(err error) string {
	if errors.Is(err, errTooBig) {
		return errTooBig.Error()
	}
	return "malformed"
}

// run makes the change and its record under one lock, then draws the faults
// that spoil the answer of a change that was made.
func (c *Cloud) run(q *request) (answer, plan, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	closed := refuse(http.StatusServiceUnavailable, statusUnavailable, "service unavailable")
	if c.broken != nil {
		return nil, plan{}, closed
	}
	q.now = c.now()
	c.settle(q.now)
	body, err := q.act.run(c, q)
	if cerr := c.commit(); cerr != nil {
		return nil, plan{}, closed
	}
	if err != nil {
		return nil, plan{}, err
	}
	return body, c.draw(&q.act.action, true), nil
}

// write sends the outcome: the HTTP status is the code of the error.
func write(w http.ResponseWriter, id string, out outcome) {
	if out.spoil != nil && spoilAnswer(w, id, out) {
		return
	}
	status, body := http.StatusOK, answer{"requestId": id}
	if out.err != nil {
		status = out.err.code
		body["error"] = out.err.wire(out.plan.Has(KindRetCodeString))
	} else {
		result := out.result
		if result == nil {
			result = answer{}
		}
		body["result"] = result
	}
	send(w, status, body)
}

func (e *apiError) wire(asString bool) answer {
	out := answer{"code": e.code, "status": e.status, "message": e.text}
	if asString {
		out["code"] = strconv.Itoa(e.code)
	}
	if len(e.detail) > 0 {
		out["details"] = e.detail
	}
	return out
}

func send(w http.ResponseWriter, status int, body answer) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// spoilAnswer destroys the answer; false means the fault is an ordinary refusal.
func spoilAnswer(w http.ResponseWriter, id string, out outcome) bool {
	switch f := out.spoil; f.Kind {
	case KindHTTP:
		web.Page(w, f.Status, "gateway")
	case KindNoError:
		send(w, f.Status, answer{"requestId": id})
	default:
		return web.Destroy(w, f.Kind, f.Status)
	}
	return true
}

// newRequestID is 32 letters and digits, as the vendor's are.
func newRequestID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b [32]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b[:])
}
