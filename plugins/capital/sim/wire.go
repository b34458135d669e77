package sim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tradewind.example/simkit/web"
)

// Bounds of one request: bytes, query parameters, and levels of a JSON body.
const (
	maxBody  = 1 << 20
	maxQuery = 200
	maxDepth = 8
)

// object is a JSON object of an answer.
type object map[string]any

// request is one call. It lives for one call.
type request struct {
	params
	id      string // RequestId
	service string // the path without its last slash
	action  string
	shape   shape
	query   map[string]string
	acct    *account
	now     time.Time
	plan    plan
	fails   Kind   // what a fault does to the change itself
	subject string // the resource, for the call log
	secret  string // the salted digest of a password that came with the call
}

// answer is what a handler gives back.
type answer struct {
	data   any
	task   string // TaskId beside Data, of the vpc service
	page   *page
	noData bool // the answer has no Data at all
}

// page is the paging written beside Data.
type page struct{ number, size, total int }

// action is one row of the API.
type action struct {
	run   func(*Cloud, *request) (answer, *apiError)
	verbs []string
	shape shape
	// writes marks calls that can change resources or money.
	writes bool
}

// ServeHTTP is the vendor API, all its hosts in one.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	q := &request{id: randomHex(16), service: strings.TrimSuffix(r.URL.Path, "/"), params: newParams(nil)}
	out := c.serve(w, r, q)
	c.record(q, out, time.Since(started))
	c.write(w, q, out)
}

// outcome is what goes back on the wire.
type outcome struct {
	answer
	err   *apiError
	spoil *Fault // replaces or destroys the answer
	plan  plan
}

// serve runs one call: faults before, the change, faults after.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, q *request) outcome {
	act, err := c.find(q, r)
	if err == nil {
		err = q.read(w, r)
	}
	if err == nil {
		err = c.admit(q, act, r.Method)
	}
	if err != nil {
		return outcome{err: err}
	}
	web.Pause(r.Context(), q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return outcome{spoil: s, plan: q.plan, err: s.refusal(q.action)}
	}
	ans, after, err := c.run(act, q)
	web.Pause(r.Context(), after.Delay)
	after.Quiet = append(after.Quiet, q.plan.Quiet...)
	if after.Spoil != nil {
		err = after.Spoil.refusal(q.action)
	}
	return outcome{answer: ans, err: err, spoil: after.Spoil, plan: after}
}

// find reads the query and finds service, action and verb.
func (c *Cloud) find(q *request, r *http.Request) (action, *apiError) {
	q.shape = shapeOf(q.service)
	actions, ok := c.routes[q.service]
	if !ok {
		q.service = ""
		return action{}, refuse(404, "InvalidEvent.InvalidUrl.NotFound", "the path does not exist")
	}
	var err *apiError
	if q.query, err = readQuery(r.URL.RawQuery); err != nil {
		return action{}, err
	}
	q.action = q.query["Action"]
	if q.action == "" {
		return action{}, refuse(400, codeMissing, "the query parameter Action is missing")
	}
	act, ok := actions[q.action]
	if !ok {
		return action{}, refuse(400, "UnsupportedAction", "the action does not exist here")
	}
	q.shape = act.shape
	if !slices.Contains(act.verbs, r.Method) {
		return action{}, refuse(400, "UnsupportedHTTPMethod", "the action wants %s", strings.Join(act.verbs, " or "))
	}
	return act, nil
}

// admit verifies the signature and draws the faults before the change.
func (c *Cloud) admit(q *request, act action, method string) *apiError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.authenticate(q, method); err != nil {
		return err
	}
	q.plan = c.draw(q, act, false)
	q.fails = failing(q.plan)
	return nil
}

// run makes the change and its record under one lock, then draws the faults
// that spoil the answer of a change that was made.
func (c *Cloud) run(act action, q *request) (answer, plan, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return answer{}, plan{}, refuse(500, codeInternal, "the simulator can not keep its state")
	}
	q.now = c.now()
	c.settle(q.now)
	ans, err := c.perform(act, q)
	if err != nil {
		return answer{}, plan{}, translate(q.service, c.cfg.VPCNotFound, err)
	}
	if act.writes {
		c.keep(q)
	}
	if c.broken != nil {
		return answer{}, plan{}, refuse(500, codeInternal, "the simulator can not keep its state")
	}
	return ans, c.draw(q, act, true), nil
}

// perform runs a handler; one that refuses has changed nothing.
func (c *Cloud) perform(act action, q *request) (answer, *apiError) {
	ids := c.ids
	ans, err := act.run(c, q)
	if err == nil {
		if err = q.err(); err != nil && act.writes {
			c.log.Error("a change was made and then refused", "action", q.action)
		}
	}
	if err != nil {
		c.ids = ids
	}
	return ans, err
}

// readQuery decodes a query in which each name stands once.
func readQuery(raw string) (map[string]string, *apiError) {
	if strings.Count(raw, "&") >= maxQuery {
		return nil, refuse(400, codeParse, "the query has too many parameters")
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(400, codeParse, "the query can not be read")
	}
	out := make(map[string]string, len(form))
	for k, v := range form {
		if len(v) > 1 {
			return nil, refuse(400, codeParse, "a query parameter is repeated")
		}
		out[k] = v[0]
	}
	return out, nil
}

// read collects the arguments: the query's, and for POST the body's over them.
func (q *request) read(w http.ResponseWriter, r *http.Request) *apiError {
	values := map[string]any{}
	for k, v := range q.query {
		if !slices.Contains(publicNames, k) && v != "" {
			values[k] = v
		}
	}
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return refuse(413, codeParse, "the body is too large")
		}
		if err != nil {
			return refuse(400, codeParse, "the body can not be read")
		}
		if err := readBody(body, values); err != nil {
			return err
		}
	}
	q.params = newParams(values)
	return nil
}

// readBody reads a JSON object, whatever the Content-Type; no body is an empty one.
func readBody(body []byte, into map[string]any) *apiError {
	if strings.TrimSpace(string(body)) == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil || d.More() {
		return refuse(400, codeParse, "the body is not one JSON object")
	}
	if !shallow(out, maxDepth) {
		return refuse(400, codeParse, "the body is nested too deeply")
	}
	for k, v := range out {
		into[k] = v
	}
	return nil
}

func shallow(v any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			if !shallow(e, depth-1) {
				return false
			}
		}
	case []any:
		for _, e := range x {
			if !shallow(e, depth-1) {
				return false
			}
		}
	}
	return true
}

// write sends the outcome in the shape of the service.
func (c *Cloud) write(w http.ResponseWriter, q *request, out outcome) {
	if out.spoil != nil && web.Destroy(w, out.spoil.Kind, out.spoil.Status) {
		return
	}
	status, body := http.StatusOK, q.shape.success(q, out.answer)
	if out.err != nil {
		status, body = q.shape.refusal(q, out.err, out.plan.Has(KindRetCodeString))
	}
	b, err := json.Marshal(body)
	if err != nil {
		c.log.Error("an answer could not be written", "action", q.action, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
