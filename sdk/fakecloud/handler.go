package fakecloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a request gets.
type answer struct {
	status int
	body   any // nil: none
	wait   time.Duration
}

// problem is an error in the API's words.
type problem struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

func refuse(status int, code, format string, args ...any) answer {
	return answer{status: status, body: problem{Code: code, Message: fmt.Sprintf(format, args...)}}
}

// call is one request on its way through the cloud.
type call struct {
	*http.Request
	id    string
	body  []byte
	key   string
	kind  string
	fault Fault
}

type operation func(c *Cloud, r *call, a *account) answer

// routes fills the table of the API.
func (c *Cloud) routes() {
	c.mux = http.NewServeMux()
	for pattern, do := range map[string]operation{
		"GET /v1/account":               (*Cloud).whoAmI,
		"GET /v1/regions":               (*Cloud).regions,
		"POST /v1/{kind}":               (*Cloud).create,
		"GET /v1/{kind}":                (*Cloud).list,
		"GET /v1/{kind}/{id}":           (*Cloud).get,
		"PATCH /v1/{kind}/{id}":         (*Cloud).update,
		"DELETE /v1/{kind}/{id}":        (*Cloud).remove,
		"POST /v1/{kind}/{id}/{action}": (*Cloud).act,
	} {
		c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, do) })
	}
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.serve(w, r, func(*Cloud, *call, *account) answer {
			return refuse(http.StatusNotFound, "NoSuchPath", "there is nothing at %q", r.URL.Path)
		})
	})
}

// ServeHTTP answers one request of the API.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// serve lets one request pass all that can go wrong before and after its work.
func (c *Cloud) serve(w http.ResponseWriter, req *http.Request, do operation) {
	r := &call{Request: req, id: c.nextRequest(), kind: req.PathValue("kind")}
	var err error
	if r.body, err = readBody(req); err != nil {
		c.send(w, r, refuse(http.StatusRequestEntityTooLarge, "TooLarge", "%v", err))
		return
	}
	if !c.delay(req) {
		c.hangUp(w, r)
		return
	}
	if r.key = c.signer(req, r.body); r.key == "" {
		c.send(w, r, refuse(http.StatusUnauthorized, "BadSignature", "the key or its signature is wrong"))
		return
	}
	r.fault = c.fault(r)
	switch r.fault.Trouble {
	case LoseRequest:
		c.hangUp(w, r)
		return
	case FailBefore:
		c.send(w, r, r.fault.answer())
		return
	}
	c.finish(w, r, c.work(r, do))
}

// work does what is asked for, under the cloud's lock.
func (c *Cloud) work(r *call, do operation) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[r.key]
	if wait := a.bucket.take(c.clock.Now(), c.switches.RatePerSecond); wait > 0 {
		out := refuse(http.StatusTooManyRequests, "Throttled", "too many requests; come back later")
		out.wait = wait
		return out
	}
	if _, ok := c.cfg.Kinds[r.kind]; !ok && r.kind != "" {
		return refuse(http.StatusNotFound, "NoSuchKind", "there is no kind %q", r.kind)
	}
	return do(c, r, a)
}

// finish sends the answer, or what a fault makes of it.
func (c *Cloud) finish(w http.ResponseWriter, r *call, out answer) {
	switch r.fault.Trouble {
	case LoseAnswer:
		c.hangUp(w, r)
	case FailAfter:
		c.send(w, r, r.fault.answer())
	default:
		c.send(w, r, out)
	}
}

// answer is what FailBefore and FailAfter say.
func (f Fault) answer() answer {
	out := refuse(f.Status, f.Code, "the cloud has a bad day")
	out.wait = f.Wait
	return out
}

func (c *Cloud) nextRequest() string {
	if c.cfg.Step > 0 {
		c.Advance(c.cfg.Step)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	return "req-" + strconv.Itoa(c.requests)
}

// delay waits for the latency; false when the caller has given up.
func (c *Cloud) delay(req *http.Request) bool {
	c.mu.Lock()
	d := c.switches.Latency
	c.mu.Unlock()
	if d <= 0 {
		return true
	}
	select {
	case <-c.clock.After(d):
		return true
	case <-req.Context().Done():
		return false
	}
}

// hangUp breaks the connection without an answer.
func (c *Cloud) hangUp(w http.ResponseWriter, r *call) {
	c.record(r.logged(c.clock.Now(), 0))
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler) // what net/http offers where there is no connection to take over
}

// send writes the answer.
func (c *Cloud) send(w http.ResponseWriter, r *call, out answer) {
	if p, ok := out.body.(problem); ok {
		p.RequestID = r.id
		out.body = p
	}
	body, err := json.Marshal(out.body)
	if err != nil {
		out.status, body = http.StatusInternalServerError, nil
	}
	if out.body == nil {
		body = nil
	}
	if r.fault.Trouble == Malformed {
		body = bytes.Clone(body[:len(body)/2])
	}
	if out.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((out.wait+time.Second-1)/time.Second)))
	}
	w.Header().Set("X-Request-Id", r.id)
	w.Header().Set("Content-Type", "application/json")
	c.record(r.logged(c.clock.Now(), out.status))
	w.WriteHeader(out.status)
	_, _ = w.Write(body) // the caller may be gone; that is its business
}

func (r *call) logged(now time.Time, status int) Request {
	return Request{
		ID: r.id, At: now, Key: r.key, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Body: r.body,
		Status: status, Trouble: r.fault.Trouble,
	}
}

// decode reads a request's body into out, strictly.
func decode(body []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("the body is not what this request takes: %w", err)
	}
	return nil
}

// object reports whether a spec is a JSON object.
func object(spec json.RawMessage) error {
	if !strings.HasPrefix(strings.TrimSpace(string(spec)), "{") {
		return errors.New("spec must be an object")
	}
	return nil
}
