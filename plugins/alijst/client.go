package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

const (
	// maxAnswer bounds the bytes read of one answer.
	maxAnswer = 16 << 20
	// sdkPatience is the SDK's own time-out, which must never be the first to
	// end: requests end with their context.
	sdkPatience = time.Hour
	productECS  = "Ecs"
)

// cloud is one account at one place, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg      Config
	codes    map[string]fault.Class
	endpoint *url.URL // nil: the vendor's hosts
	region   string
	locale   string
	secrets  []secret.Value    // never shown, whatever the cloud answers
	base     http.RoundTripper // the common pool
	alone    http.RoundTripper // a connection for each request
	retry    retry.Policy
	places   *places
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
	u, err := place(call.Account)
	if err != nil {
		return nil, err
	}
	return &cloud{
		cfg: cfg, codes: codes, endpoint: u, region: call.Region, locale: call.Locale,
		secrets: []secret.Value{cfg.AccessKeySecret, cfg.SecurityToken, cfg.SignInSecret},
		base:    cloudhttp.Traced(p.transport), alone: cloudhttp.Traced(p.alone), retry: p.retry, places: p.places,
	}, nil
}

// openIn is open for calls that need a region, which must be one of the cloud's.
func (p *plugin) openIn(ctx context.Context, call provider.Call) (*cloud, error) {
	if call.Region == "" {
		return nil, fault.Invalid("call.region", "is required")
	}
	c, err := p.open(call)
	if err != nil {
		return nil, err
	}
	if err := c.here(ctx); err != nil {
		return nil, fault.NotDone(err)
	}
	return c, nil
}

// at is the same account in another region; "" is all of them.
func (c *cloud) at(region string) *cloud {
	out := *c
	out.region = region
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
	host := c.cfg.Host
	if c.endpoint != nil {
		host = c.endpoint.String()
	}
	return host + "\n" + c.cfg.AccessKeyID
}

// read sends a request that changes nothing, again if it fails for a passing
// reason, and decodes the answer.
func read[T any](ctx context.Context, c *cloud, r requests.AcsRequest) (T, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (T, error) { return invoke[T](ctx, c, r, false) })
}

// write sends a request that changes something, once. A failure after which the
// change may have happened has the outcome unknown.
func write[T any](ctx context.Context, c *cloud, r requests.AcsRequest) (T, error) {
	return invoke[T](ctx, c, r, true)
}

// nothing is the answer to a change that tells only that it happened.
type nothing struct {
	Result struct{ Success *bool }
}

// change is write for what has no answer of its own.
func change(ctx context.Context, c *cloud, r requests.AcsRequest) error {
	out, err := write[nothing](ctx, c, r)
	if err == nil && out.Result.Success != nil && !*out.Result.Success {
		return fault.Unknown(nil, "the cloud answers that the change did not succeed").From(fault.SourceCloud)
	}
	return err
}

// invoke sends one request and decodes its answer.
func invoke[T any](ctx context.Context, c *cloud, r requests.AcsRequest, writes bool) (T, error) {
	var out T
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return out, fault.Unavailable("the call was over before the cloud was asked").With(err)
	}
	own := rule(r.GetActionName())
	t := &trip{ctx: ctx, cloud: c, base: c.base}
	if own.ownConnection {
		t.base = c.alone
	}
	sdkErr := c.send(r, t)
	f := failure{writes: writes, sent: t.sent.Load(), secrets: c.secrets, codes: c.codes, rule: own, bare: r.GetProduct() == productECS}
	switch {
	case t.err != nil:
		return out, f.network(t.err)
	case t.status == 0:
		return out, fault.Internal(fmt.Errorf("sending %s: %w", r.GetActionName(), errors.Join(errNotSent, sdkErr)), "the vendor's SDK cannot write the request")
	}
	e, err := f.judge(t.status, t.body)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(t.body, &out); err != nil {
		return out, f.doubt("", e.RequestID.text(), "the cloud's answer cannot be read", err)
	}
	return out, nil
}

// errNotSent says that the SDK gave a request up by itself.
var errNotSent = errors.New("no request was made")

// send gives a request to a client of the SDK made for it. The SDK reads the
// process's proxy settings as regular expressions, of which it gets none, and
// panics on some answers, of which it sees none.
func (c *cloud) send(r requests.AcsRequest, t *trip) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the vendor's SDK panicked: %v", p)
		}
	}()
	cfg := sdk.NewConfig().WithScheme("HTTPS").WithTimeout(sdkPatience).WithAutoRetry(false)
	cfg.Transport = t
	var key auth.Credential = credentials.NewAccessKeyCredential(c.cfg.AccessKeyID, c.cfg.AccessKeySecret.Reveal())
	if !c.cfg.SecurityToken.IsZero() {
		key = credentials.NewStsTokenCredential(c.cfg.AccessKeyID, c.cfg.AccessKeySecret.Reveal(), c.cfg.SecurityToken.Reveal())
	}
	client, err := retailcloud.NewClientWithOptions(firstText(c.region, c.cfg.HomeRegion), cfg, key)
	if err != nil {
		return err
	}
	client.Domain = c.cfg.Host
	if r.GetProduct() == productECS {
		client.Domain = c.cfg.RegionsHost
	}
	client.SetNoProxy("^$")
	return client.DoAction(r, responses.NewCommonResponse())
}

// errRedirect ends a request that the cloud wants sent elsewhere: signed
// requests go to the configured place only.
var errRedirect = errors.New("the cloud answered with a redirect")

// errTooLong ends the reading of an answer.
var errTooLong = errors.New("the answer is too long")

// trip is the transport of one request. It ends with ctx, which the SDK knows
// nothing of, keeps what came back, and shows the SDK an empty success.
type trip struct {
	ctx    context.Context //nolint:containedctx // it lives for one request and is the only way past the SDK
	cloud  *cloud
	base   http.RoundTripper
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
	r.Header.Set("User-Agent", "tradewind-provider-alijst/"+version)
	if t.err = t.exchange(r); t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)),
	}, nil
}

// exchange keeps status and body of the answer; the connection is free again
// when it returns.
func (t *trip) exchange(r *http.Request) error {
	resp, err := t.base.RoundTrip(r)
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
