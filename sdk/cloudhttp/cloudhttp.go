// Package cloudhttp calls a cloud's HTTP API: it signs, bounds time and size,
// never follows a redirect with a signed request, and makes a fault of every
// failure, without URLs or bodies in it, which may hold secrets. It knows no
// cloud; what a cloud says inside a good answer is the plugin's to judge.
//
// A [Client] is safe for concurrent use when its Sign and Classify are. It
// keeps no account: credentials come with each request, through Sign.
package cloudhttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Defaults of [Config].
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMaxBytes = 8 << 20
)

// Config makes a client. The zero value is usable.
type Config struct {
	Transport http.RoundTripper // default: a clone of http.DefaultTransport
	Timeout   time.Duration     // of one request with its answer; the context's deadline also holds
	MaxBytes  int64             // of one answer's body
	Clock     clock.Clock       // reads a Retry-After date
	// Classify may make the fault of an answer with status 400 or more from the
	// cloud's own words; nil means that [Client.Do] makes it from the status. It
	// sets the outcome itself.
	Classify func(resp *Response, req *Request) *fault.Error
}

// Client calls HTTP APIs.
type Client struct {
	http     *http.Client
	timeout  time.Duration
	maxBytes int64
	clock    clock.Clock
	classify func(*Response, *Request) *fault.Error
}

// New makes a client.
func New(cfg Config) *Client {
	c := &Client{timeout: cfg.Timeout, maxBytes: cfg.MaxBytes, clock: cfg.Clock, classify: cfg.Classify}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxBytes <= 0 {
		c.maxBytes = DefaultMaxBytes
	}
	if c.clock == nil {
		c.clock = clock.Real{}
	}
	transport := cfg.Transport
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	c.http = &http.Client{
		Transport:     Traced(transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close closes the connections that no call uses; call it in Shutdown. The
// client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request is one call.
type Request struct {
	Method string // default GET
	URL    string // with scheme and host
	Query  url.Values
	Header http.Header
	Body   []byte
	// Change tells that the call may change something: its lost answer is then
	// a fault with the outcome unknown.
	Change bool
	// Sign is called last, with everything set; nil: not signed.
	Sign func(req *http.Request, body []byte) error
}

// Response is an answer with a status below 300.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one call and reads the whole answer. Every error is a fault: from
// the status (see [FromStatus]) or from the transport, where a failure before
// the request left is not done, and one after it unknown for a change.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, broken(err, req.URL.Host, r.Change && sent.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	if err != nil {
		return nil, broken(err, req.URL.Host, r.Change)
	}
	if int64(len(body)) > c.maxBytes {
		return nil, tooLarge(c.maxBytes, r.Change)
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if out.Status >= 300 {
		return nil, c.refused(out, &r)
	}
	return out, nil
}

func newRequest(ctx context.Context, r Request) (*http.Request, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.Internal(withoutURL(err), "the plugin made a request that is not valid")
	}
	if len(r.Query) > 0 {
		q := req.URL.Query()
		for k, v := range r.Query {
			q[k] = v
		}
		req.URL.RawQuery = q.Encode()
	}
	for k, v := range r.Header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	if r.Sign == nil {
		return req, nil
	}
	if err := r.Sign(req, r.Body); err != nil {
		return nil, fault.Internal(err, "the request could not be signed")
	}
	return req, nil
}

// broken is the fault of a call whose answer did not arrive.
func broken(err error, host string, unknown bool) error {
	cause := withoutURL(err)
	what := "the cloud at %q cannot be reached"
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		what = "the cloud at %q did not answer in time"
	}
	e := fault.Unavailable(what, host).From(fault.SourceCloud).With(cause)
	if unknown {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// withoutURL drops the address from an error: its query may hold a signature.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func tooLarge(limit int64, change bool) error {
	e := fault.New(fault.ClassInternal, "the cloud's answer is larger than %d bytes", limit).From(fault.SourceCloud)
	if change {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// refused is the fault of an answer with a bad status.
func (c *Client) refused(resp *Response, req *Request) error {
	if c.classify != nil {
		if e := c.classify(resp, req); e != nil {
			return e
		}
	}
	e := FromStatus(resp.Status, req.Change)
	e.RetryAfter = RetryAfter(resp.Header, c.clock.Now())
	return e
}
