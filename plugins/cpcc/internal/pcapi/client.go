package pcapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
)

// Bounds of an answer.
const (
	mostAnswer = 16 << 20 // bytes
	answerTime = 2 * time.Minute
	// machineTime is for works on machines, which services answer at their ends.
	machineTime = requestTime + time.Minute
)

// Client works on clusters by the API of their centres' services. It offers what
// the nine endpoints do and nothing else: the rest is unsupported.
//
// The API tells no reasons, and wants passwords and kubeconfigs in queries, unless
// the service takes them in bodies: errors here hold neither of them nor an
// address. Safe for concurrent use.
type Client struct{ http *http.Client }

// NewClient makes a client; it must be closed.
func NewClient() *Client {
	return &Client{http: &http.Client{
		Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10},
		// What is in a query goes to nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// question is one request.
type question struct {
	endpoint string
	query    url.Values
	changes  bool // something, so that a lost answer leaves its outcome unknown
	// final says that a refusal ends it: who asked removes what may have been begun.
	final bool
	// time is how long the answer may take; 0 is answerTime.
	time time.Duration
	// repeats is set when an answer says that works may be repeated; see [Repeats].
	repeats *bool
}

// failure is the fault of an answer that was lost or cannot be read.
func (q question) failure(cause error, text string) error {
	if q.changes {
		return fault.Unknown(cause, "%s: whether it happened is not known", text)
	}
	return fault.Unavailable("%s", text).With(cause)
}

// refusal is the fault of an answer with the status false. The API does not say
// why, nor how far it came.
func (q question) refusal() error {
	if q.changes {
		out := fault.Precondition("the centre's service refused %s: its own log tells why", q.endpoint)
		if !q.final {
			out.Outcome = fault.OutcomeUnknown
		}
		return out
	}
	return fault.Unavailable("the centre's service failed at %s: its own log tells why", q.endpoint)
}

// address is where a question goes. Queries hold secrets: they are encrypted
// unless they stay on this machine or the operator allowed otherwise.
func address(s workload.Service, q question) (string, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", fault.Precondition("the centre's service has no good address: correct its pcapi_url")
	}
	if u.Scheme == "http" && !s.Plain && !local(u.Hostname()) {
		return "", fault.Precondition("the centre's service is reached without encryption: use https, or set plain_http of the account")
	}
	u.Path, u.RawPath, u.Fragment = strings.TrimSuffix(u.Path, "/")+Prefix+q.endpoint, "", ""
	if u.RawQuery = ""; !s.Body {
		u.RawQuery = q.query.Encode()
	}
	return u.String(), nil
}

// body is a question's parameters as JSON.
func (q question) body() ([]byte, error) {
	all := map[string]string{}
	for name := range q.query {
		all[name] = q.query.Get(name)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fault.Internal(err, "encoding parameters")
	}
	return raw, nil
}

// request makes the request of a question. Services that take parameters in
// bodies are asked with POST alone.
func (q question) request(ctx context.Context, s workload.Service) (*http.Request, error) {
	to, err := address(s, q)
	if err != nil {
		return nil, err
	}
	method, body := http.MethodGet, []byte(nil)
	if q.changes || s.Body {
		method = http.MethodPost
	}
	if s.Body {
		if body, err = q.body(); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Precondition("the centre's service has no good address: correct its pcapi_url")
	}
	if s.Body {
		req.Header.Set("Content-Type", "application/json")
	}
	req.SetBasicAuth(s.User, s.Password.Reveal())
	return req, nil
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// ask sends a question and returns the body of the answer.
func (c *Client) ask(ctx context.Context, s workload.Service, q question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(q.time, answerTime))
	defer cancel()
	req, err := q.request(ctx, s)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if unsent(err) {
			return nil, fault.Unavailable("the centre's service cannot be reached").With(ctx.Err())
		}
		return nil, q.failure(ctx.Err(), "the centre's service did not answer")
	}
	defer func() { _ = resp.Body.Close() }() // what was read is whole, or an error already
	if q.repeats != nil && resp.Header.Get(Repeats) != "" {
		*q.repeats = true
	}
	if err := q.status(resp.StatusCode); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, q.failure(ctx.Err(), "the answer of the centre's service broke off")
	case len(body) > mostAnswer:
		return nil, q.failure(nil, "the answer of the centre's service is too long")
	}
	return body, nil
}

// unsent reports whether no connection came about.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// status is the fault of a status that the API does not have.
func (q question) status(code int) error {
	switch {
	case code == http.StatusOK:
		return nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.Unauthenticated("the centre's service refuses its user and password: correct api_user and api_password")
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return fault.Unsupported("the centre's service has no %s", q.endpoint)
	case code == http.StatusTooManyRequests:
		return fault.Throttled(time.Minute, "the centre's service is busy")
	case code >= 300 && code < 500:
		return fault.Precondition("the centre's service answers %s with the status %d: correct its pcapi_url", q.endpoint, code)
	}
	return q.failure(nil, "the centre's service failed")
}

// told is an envelope whose data is read later.
type told struct {
	Status *bool           `json:"status"`
	Data   json.RawMessage `json:"data"`
}

// call asks a question whose answer is an envelope, and reads its data into out;
// nil leaves it.
func (c *Client) call(ctx context.Context, s workload.Service, q question, out any) error {
	body, err := c.ask(ctx, s, q)
	if err != nil {
		return err
	}
	var t told
	if err := json.Unmarshal(body, &t); err != nil || t.Status == nil {
		return q.failure(nil, "the answer of the centre's service cannot be read")
	}
	if !*t.Status {
		return q.refusal()
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(t.Data, out); err != nil {
		return q.failure(nil, "the answer of the centre's service cannot be read")
	}
	return nil
}
