package sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tradewind.example/simkit/web"
)

// maxBody bounds one request in bytes.
const maxBody = 1 << 20

// call is one request on its way. It lives for one call.
type call struct {
	op      *op
	vars    map[string]string // the variable parts of the path
	query   url.Values
	body    []byte
	user    *User
	team    *team
	region  *Region
	app     *app
	part    *component
	now     time.Time
	plan    plan
	subject string // for the call log
}

// ServeHTTP is the console's OpenAPI under /openapi/v1 and the store's under
// /app-server/openapi.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	q := &call{query: r.URL.Query()}
	out := c.receive(w, r, q)
	c.record(q, out, time.Since(started))
	out.write(w)
}

// outcome is what goes back on the wire.
type outcome struct {
	success int
	body    json.RawMessage
	err     *apiError
	spoil   *Fault // replaces or destroys the answer
}

func (o outcome) status() int {
	if o.err != nil {
		return o.err.status
	}
	return o.success
}

// receive reads the call and runs it: faults before, the change, faults after.
func (c *Cloud) receive(w http.ResponseWriter, r *http.Request, q *call) outcome {
	if err := c.route(r, q); err != nil {
		return outcome{err: err}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return outcome{err: exception(http.StatusRequestEntityTooLarge, "request body cannot be read or is too large", "ParseError")}
	}
	q.body = body
	if err := c.admit(r.Header.Values("Authorization"), q); err != nil {
		return outcome{err: err}
	}
	return c.serve(r.Context(), q)
}

func (c *Cloud) serve(ctx context.Context, q *call) outcome {
	web.Pause(ctx, q.plan.Delay)
	if s := q.plan.Spoil; s != nil {
		return outcome{spoil: s, err: s.refusal()}
	}
	body, after, err := c.run(q)
	web.Pause(ctx, after.Delay)
	if after.Spoil != nil {
		err = after.Spoil.refusal()
	}
	return outcome{success: q.op.status, body: body, err: err, spoil: after.Spoil}
}

// admit checks the key and draws the faults before the change. The header
// holds the raw key: a scheme before it makes it another key.
func (c *Cloud) admit(header []string, q *call) *apiError {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := strings.Join(header, ",")
	if q.op.store {
		if err := c.openStore(key); err != nil {
			return err
		}
	} else {
		if key == "" {
			return exception(http.StatusUnauthorized, "No token", "NotAuthenticated")
		}
		u := c.users[key]
		if u == nil || (u.ExpiresUnix != 0 && c.now().Unix() >= u.ExpiresUnix) {
			return exception(http.StatusUnauthorized, "No such user or user is not admin", "AuthenticationFailed")
		}
		q.user = u
	}
	q.plan = c.draw(q, false)
	return nil
}

// run makes the change and keeps it under one lock, then draws the faults
// that spoil the answer of a change that was made. A refused write is kept
// too: a refused install may have left the row of its store.
func (c *Cloud) run(q *call) (json.RawMessage, plan, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil, plan{}, unhandled("the database is gone")
	}
	q.now = c.now()
	c.settle(q.now)
	body, err := c.perform(q)
	if q.op.writes && c.commit() != nil {
		return nil, plan{}, unhandled("the database is gone")
	}
	if err != nil {
		return nil, plan{}, err
	}
	return body, c.draw(q, true), nil
}

// perform finds what the path names, runs the handler and writes its answer.
func (c *Cloud) perform(q *call) (json.RawMessage, *apiError) {
	if err := c.resolve(q); err != nil {
		return nil, err
	}
	answer, err := q.op.run(c, q)
	if err != nil {
		return nil, err
	}
	b, merr := json.Marshal(answer)
	if merr != nil {
		c.log.Error("an answer cannot be written", "op", q.op.name, "err", merr)
		return nil, unhandled("the answer cannot be written")
	}
	return b, nil
}

// write sends the outcome.
func (o outcome) write(w http.ResponseWriter) {
	if o.spoil != nil && spoilAnswer(w, o.spoil) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	body, status := o.body, o.success
	if o.err != nil {
		for k, v := range o.err.header {
			w.Header().Set(k, v)
		}
		status = o.err.status
		body, _ = json.Marshal(o.err.body) // strings and numbers alone
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// spoilAnswer destroys the answer; false means the fault is an ordinary refusal.
func spoilAnswer(w http.ResponseWriter, f *Fault) bool {
	if f.Kind == KindHTTP {
		web.Page(w, f.Status, http.StatusText(f.Status))
		return true
	}
	return web.Destroy(w, f.Kind, f.Status)
}
