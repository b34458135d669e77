package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/capitalonline/cds-gic-sdk-go/common"
	cdshttp "github.com/capitalonline/cds-gic-sdk-go/common/http"
	"github.com/capitalonline/cds-gic-sdk-go/common/profile"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// maxAnswer bounds the bytes read of one answer.
const maxAnswer = 16 << 20

// apiVersion is the only one that the cloud documents.
const apiVersion = "2019-08-08"

// cloud is one account at one place, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg      Config
	endpoint *url.URL // nil: the vendor's hosts
	region   string
	zone     string
	secrets  []secret.Value // never shown, whatever the cloud answers
	base     http.RoundTripper
	retry    retry.Policy
	places   *places
	logFlags int
}

// open reads the call's account; region "" is allowed.
func (p *plugin) open(call provider.Call) (*cloud, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	u, err := place(call.Account)
	if err != nil {
		return nil, err
	}
	return &cloud{
		cfg: cfg, endpoint: u, region: call.Region, zone: call.Zone, secrets: []secret.Value{cfg.SecretKey},
		base: cloudhttp.Traced(p.transport), retry: p.retry, places: p.places, logFlags: p.logFlags,
	}, nil
}

// openIn is open for calls that need a region.
func (p *plugin) openIn(call provider.Call) (*cloud, error) {
	if call.Region == "" {
		return nil, fault.Invalid("call.region", "is required")
	}
	return p.open(call)
}

// at is the same account in another place.
func (c *cloud) at(region, zone string) *cloud {
	out := *c
	out.region, out.zone = region, zone
	return &out
}

// hiding is the same account with one more text that must not be shown.
func (c *cloud) hiding(text secret.Value) *cloud {
	out := *c
	out.secrets = append(slices.Clone(c.secrets), text)
	return &out
}

// identity tells accounts apart, without a secret.
func (c *cloud) identity() string {
	host := ""
	if c.endpoint != nil {
		host = c.endpoint.String()
	}
	return host + "\n" + c.cfg.Area + "\n" + c.cfg.AccessKey
}

// service is one of the vendor's, by its path.
type service string

const (
	ecs     service = "ecs/v1"
	ecs11   service = "ecs/v1.1"
	ebs     service = "ebs/v1"
	sg      service = "sg/v1"
	subject service = "platform/subject"
	vpc     service = "vpc"
	gcw     service = "gcw"
)

// domain is where the SDK sends requests: host and path.
func (c *cloud) domain(s service) string {
	host := cdshttp.RootDomainNew
	if s == vpc || s == gcw {
		host = cdshttp.RootDomain
		if c.cfg.Area != "cn" {
			host = "cdsapi-" + c.cfg.Area + ".capitalonline.net"
		}
	}
	return host + "/" + string(s)
}

// object is a JSON object that the cloud is asked with.
type object = map[string]any

// ask is one request: with query it is a GET, else a POST of body.
type ask struct {
	service service
	action  string
	query   map[string]string
	body    object
}

// get is an ask whose arguments stand in the query, as pairs.
func get(s service, action string, pairs ...string) ask {
	q := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q[pairs[i]] = pairs[i+1]
	}
	return ask{service: s, action: action, query: q}
}

// post is an ask whose arguments stand in the body.
func post(s service, action string, body object) ask {
	return ask{service: s, action: action, body: body}
}

// read sends a request that changes nothing, again if it fails for a passing
// reason, and decodes the answer's data.
func read[T any](ctx context.Context, c *cloud, a ask) (T, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (T, error) {
		out, _, err := invoke[T](ctx, c, a, false)
		return out, err
	})
}

// write sends a request that changes something, once. A failure after which the
// change may have happened has the outcome unknown. The task is that of the vpc
// service, "" where there is none.
func write[T any](ctx context.Context, c *cloud, a ask) (out T, task string, err error) {
	return invoke[T](ctx, c, a, true)
}

// invoke sends one request and decodes its data.
func invoke[T any](ctx context.Context, c *cloud, a ask, writes bool) (T, string, error) {
	var zero T
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return zero, "", fault.Unavailable("the call was over before the cloud was asked").With(err)
	}
	t := &trip{ctx: ctx, cloud: c}
	sdkErr := c.send(a, t)
	f := failure{writes: writes, sent: t.sent.Load(), secrets: c.secrets}
	switch {
	case t.err != nil:
		return zero, "", f.network(t.err)
	case t.status == 0:
		return zero, "", fault.Internal(fmt.Errorf("sending %s: %w", a.action, errors.Join(errNotSent, sdkErr)), "the vendor's SDK cannot write the request")
	}
	env, err := f.judge(t.status, t.body)
	if err != nil {
		return zero, "", err
	}
	var out T
	if len(env.Data) > 0 {
		if err := json.Unmarshal(env.Data, &out); err != nil {
			return zero, "", f.doubt("", env.RequestID.text(), "the cloud's answer cannot be read", err)
		}
	}
	return out, env.TaskID.text(), nil
}

// errNotSent says that the SDK gave a request up by itself.
var errNotSent = errors.New("no request was made")

// send gives a request to a client of the SDK made for it. Values that are
// empty are left out: the SDK signs them and does not send them.
func (c *cloud) send(a ask, t *trip) error {
	req := &rawRequest{BaseRequest: (&cdshttp.BaseRequest{}).Init().WithApiInfo(string(a.service), apiVersion, a.action), body: a.body}
	req.SetDomain(c.domain(a.service))
	req.SetHttpMethod(http.MethodPost)
	if a.query != nil {
		req.SetHttpMethod(http.MethodGet)
	}
	for name, value := range a.query {
		if value != "" {
			req.GetParams()[name] = value
		}
	}
	p := profile.NewClientProfile()
	p.HttpProfile.ReqTimeout = 0 // the context has it
	client := new(common.Client).Init(c.region)
	log.SetFlags(c.logFlags) // which Init changes for the whole process
	client.WithCredential(common.NewCredential(c.cfg.AccessKey, c.cfg.SecretKey.Reveal())).WithProfile(p).WithHttpTransport(t)
	return client.Send(req, &rawResponse{BaseResponse: &cdshttp.BaseResponse{}})
}

// rawRequest carries any action through the SDK.
type rawRequest struct {
	*cdshttp.BaseRequest
	body object
}

// MarshalJSON writes the body of a POST, without what is empty.
func (r *rawRequest) MarshalJSON() ([]byte, error) {
	out := object{}
	for name, value := range r.body {
		if value != "" && value != nil {
			out[name] = value
		}
	}
	return json.Marshal(out)
}

// rawResponse takes nothing of what the SDK reads: the transport has it.
type rawResponse struct{ *cdshttp.BaseResponse }

// UnmarshalJSON takes any answer.
func (*rawResponse) UnmarshalJSON([]byte) error { return nil }

// ParseErrorFromHTTPResponse finds no error, since the SDK judges wrongly.
func (*rawResponse) ParseErrorFromHTTPResponse([]byte) error { return nil }

// errRedirect ends a request that the cloud wants sent elsewhere: signed
// requests go to the configured place only.
var errRedirect = errors.New("the cloud answered with a redirect")

// errTooLong ends the reading of an answer.
var errTooLong = errors.New("the answer is too long")

// trip is the transport of one request. It ends with ctx, which the SDK knows
// nothing of, keeps what came back, and shows the SDK an empty success: on
// anything else it writes to the standard output or puts the signed URL into
// an error.
type trip struct {
	ctx    context.Context //nolint:containedctx // it lives for one request and is the only way past the SDK
	cloud  *cloud
	sent   atomic.Bool // there was a connection, so bytes may have left
	status int         // 0 without an answer
	body   []byte
	err    error
}

// RoundTrip makes the request.
func (t *trip) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(httptrace.WithClientTrace(t.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { t.sent.Store(true) },
	}))
	if u := t.cloud.endpoint; u != nil {
		r.URL.Scheme, r.URL.Host, r.Host = u.Scheme, u.Host, u.Host
	}
	r.Header.Set("User-Agent", "tradewind-provider-capital/"+version)
	if r.Method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if t.err = t.exchange(r); t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"Code":"Success"}`)),
	}, nil
}

// exchange keeps status and body of the answer; the connection is free again
// when it returns.
func (t *trip) exchange(r *http.Request) error {
	resp, err := t.cloud.base.RoundTrip(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return errTooLong
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return errRedirect
	}
	t.status, t.body = resp.StatusCode, bytes.TrimSpace(body)
	return nil
}
