package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/baidubce/bce-sdk-go/auth"
	"github.com/baidubce/bce-sdk-go/bce"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// maxAnswer bounds the bytes read of one answer.
const maxAnswer = 16 << 20

var (
	// errRedirect ends a request that the cloud wants sent elsewhere: signed
	// requests go to the configured place only.
	errRedirect = errors.New("the cloud answered with a redirect")
	// errUnreadable ends a request whose answer is not of the API, whatever its
	// status says: the SDK takes it for a success when it expects no answer.
	errUnreadable = errors.New("the cloud's answer is not JSON")
	errTooLarge   = errors.New("the cloud's answer is too large")
)

// service is one of the cloud's products, each with hosts of its own.
type service string

const (
	compute  service = "bcc" // networks and disks too
	elastic  service = "eip"
	billing  service = "billing"
	identity service = "iam"
	tokens   service = "sts"
)

// cloud is one account at one place, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg     Config
	codes   map[string]fault.Class
	gateway *url.URL // nil: straight to the cloud's hosts
	region  string
	zone    string
	secrets []secret.Value // never shown, whatever the cloud answers
	base    http.RoundTripper
	retry   retry.Policy
	roles   *roles
}

// open reads the call's account; region "" is allowed.
func (p *plugin) open(call provider.Call) (*cloud, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	codes, err := cfg.codes()
	if err != nil {
		return nil, err
	}
	if err := cfg.checkRole(); err != nil {
		return nil, err
	}
	way, err := gateway(call.Account)
	if err != nil {
		return nil, err
	}
	return &cloud{
		cfg: cfg, codes: codes, gateway: way, region: call.Region, zone: call.Zone,
		secrets: []secret.Value{cfg.SecretKey, cfg.SecurityToken, cfg.CustomerMobile},
		base:    cloudhttp.Traced(p.transport), retry: p.retry, roles: p.roles,
	}, nil
}

// openIn is open for calls that need a region that exists: the region is part
// of the host's name, and no host is asked that may be anybody's.
func (p *plugin) openIn(ctx context.Context, call provider.Call) (*cloud, error) {
	if call.Region == "" {
		return nil, fault.Invalid("call.region", "is required")
	}
	c, err := p.open(call)
	if err != nil {
		return nil, err
	}
	return c, p.regions.check(ctx, c, p.clock.Now())
}

// at is the same account in another place.
func (c *cloud) at(region, zone string) *cloud {
	out := *c
	out.region, out.zone = region, zone
	return &out
}

// hiding is the same account with more texts that must not be shown.
func (c *cloud) hiding(texts ...secret.Value) *cloud {
	out := *c
	out.secrets = append(slices.Clone(c.secrets), texts...)
	return &out
}

// owner tells apart whose resources are meant, for what is remembered of them:
// those of a key or, with a role, of a customer.
func (c *cloud) owner() string {
	out := c.cfg.Domain + "\n" + c.cfg.AccessKey
	if c.gateway != nil {
		out = c.gateway.Host + "\n" + out
	}
	if c.assumes() {
		out += "\n" + c.cfg.CustomerAccount
	}
	return out
}

// host is where a service answers.
func (c *cloud) host(s service) string {
	switch s {
	case identity, tokens:
		return string(s) + ".bj." + c.cfg.Domain
	case billing:
		return string(s) + "." + c.cfg.Domain
	}
	if c.region == "" {
		return string(s) + "." + c.cfg.Domain
	}
	return string(s) + "." + c.region + "." + c.cfg.Domain
}

// sender sends one request with one of the SDK's clients.
type sender[A any] func(*bce.BceClient) (A, error)

// read sends a request that changes nothing, again if it fails for a passing reason.
func read[A any](ctx context.Context, c *cloud, s service, send sender[A]) (A, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (A, error) {
		return invoke(ctx, c, s, false, send)
	})
}

// write sends a request that changes something, once. A failure after which the
// change may have happened has the outcome unknown.
func write[A any](ctx context.Context, c *cloud, s service, send sender[A]) (A, error) {
	return invoke(ctx, c, s, true, send)
}

// done is the answer of requests that have none.
type done struct{}

// writeDone is write for the SDK's methods without an answer.
func writeDone(ctx context.Context, c *cloud, s service, send func(*bce.BceClient) error) error {
	_, err := write(ctx, c, s, func(k *bce.BceClient) (done, error) { return done{}, send(k) })
	return err
}

// call is a request that the SDK has no method for. Path parts that come from
// callers must have been checked.
type call struct {
	method, path string
	query        map[string]string
	body         any
}

// raw sends a request through the SDK's generic builder, which signs it.
func raw[A any](r call) sender[A] {
	return func(k *bce.BceClient) (A, error) {
		var out A
		b := bce.NewRequestBuilder(k).WithMethod(r.method).WithURL(r.path).WithResult(&out)
		for name, value := range r.query {
			b.WithQueryParam(name, value)
		}
		if r.body != nil {
			b.WithBody(r.body)
		}
		return out, b.Do()
	}
}

// invoke sends one request with a client of its own.
func invoke[A any](ctx context.Context, c *cloud, s service, writes bool, send sender[A]) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	var zero A
	if err := ctx.Err(); err != nil {
		return zero, fault.Unavailable("the call was over before the cloud was asked").With(err)
	}
	k, err := c.keysFor(ctx, s)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	t := &trip{}
	answer, err := send(c.client(ctx, s, k, t))
	if err == nil {
		return answer, nil
	}
	err = failure{cloud: c.hiding(k.secret, k.token), writes: writes, trip: t}.of(err)
	if k.role != "" && fault.Is(err, fault.ClassUnauthenticated) {
		c.roles.forget(k.role)
	}
	return zero, err
}

// client is an SDK client for one request. It is made by hand: the SDK's
// constructors keep transports for the whole process. It never repeats a
// request, and its transport knows the deadline, so it needs none.
func (c *cloud) client(ctx context.Context, s service, k keys, t *trip) *bce.BceClient {
	scheme := "https"
	if c.gateway != nil {
		scheme = c.gateway.Scheme
	}
	return &bce.BceClient{
		Config: &bce.BceClientConfiguration{
			Endpoint: scheme + "://" + c.host(s), UserAgent: "tradewind-provider-baidu/" + version, Retry: bce.NewNoRetryPolicy(),
			Credentials: &auth.BceCredentials{
				AccessKeyId: k.access, SecretAccessKey: k.secret.Reveal(), SessionToken: k.token.Reveal(),
			},
			SignOption: &auth.SignOptions{HeadersToSign: auth.DEFAULT_HEADERS_TO_SIGN, ExpireSeconds: auth.DEFAULT_EXPIRE_SECONDS},
		},
		Signer:     &auth.BceV1Signer{},
		HTTPClient: &http.Client{Transport: c.bound(ctx, t)},
	}
}

// trip is what the transport saw of a request. What the cloud says of a refusal
// is read here, because the SDK makes up codes where there are none.
type trip struct {
	sent      atomic.Bool // there was a connection, so bytes may have left
	status    int         // 0 without an answer
	requestID string
	code      string // the cloud's own; "" when it said none
	message   string
	err       error // why there is no answer
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bound is the transport of one request: it ends with ctx, which the SDK knows
// nothing of, and notes what happened. By a gateway, the request still names
// the cloud's host, which is signed and tells product and region.
func (c *cloud) bound(ctx context.Context, t *trip) http.RoundTripper {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { t.sent.Store(true) },
	})
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.WithContext(ctx)
		if c.gateway != nil {
			r.Host = r.URL.Host
			to := *r.URL
			to.Scheme, to.Host = c.gateway.Scheme, c.gateway.Host
			r.URL = &to
		}
		resp, err := c.base.RoundTrip(r)
		if err == nil {
			err = t.note(resp)
		}
		if err != nil {
			t.err = err
			return nil, err
		}
		return resp, nil
	})
}

// note reads the whole answer, so that its connection can be used again
// whatever the SDK reads of it.
func (t *trip) note(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	t.status, t.requestID = resp.StatusCode, resp.Header.Get("X-Bce-Request-Id")
	switch {
	case err != nil:
		return err
	case len(body) > maxAnswer:
		return errTooLarge
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return errRedirect
	case resp.StatusCode < 300 && len(body) > 0 && !json.Valid(body):
		return errUnreadable
	case resp.StatusCode >= 400:
		t.refusal(body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// refusal reads the cloud's words; what is not of their form is no word of its.
func (t *trip) refusal(body []byte) {
	var said struct {
		RequestID string `json:"requestId"`
		Code      string `json:"code"`
		Message   string `json:"message"`
	}
	if json.Unmarshal(body, &said) != nil {
		return
	}
	t.code, t.message = said.Code, said.Message
	if said.RequestID != "" {
		t.requestID = said.RequestID
	}
}
