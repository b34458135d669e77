package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// The cloud's services, as its signature and its host names call them.
const (
	serviceVM      = "vm"
	serviceVPC     = "vpc"
	serviceDisk    = "disk"
	serviceUser    = "user"
	serviceIAM     = "iam"
	serviceAsset   = "asset"
	serviceBilling = "billing"
	serviceOrder   = "order"
	serviceRenewal = "renewal"
	serviceRefund  = "refund"
	serviceTag     = "resourcetag"
	servicePartner = "partner"
)

// maxAnswer bounds the bytes read of one answer.
const maxAnswer = 16 << 20

// errRedirect ends a request that the cloud wants sent elsewhere.
var errRedirect = errors.New("the cloud answered with a redirect")

// cloud is one account at one place, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg       Config
	account   provider.Account
	region    string
	zone      string
	secrets   []secret.Value // never shown, whatever the cloud answers
	client    *http.Client
	retry     retry.Policy
	catalogue *catalogue
}

// open reads the call's account; region "" is allowed.
func (p *plugin) open(call provider.Call) (*cloud, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	if _, err := endpoint(call.Account, serviceVM); err != nil {
		return nil, err
	}
	if call.Region != "" && !regionPattern.MatchString(call.Region) {
		return nil, fault.Invalid("call.region", "must be a region like cn-north-1")
	}
	return &cloud{
		cfg: cfg, account: call.Account, region: call.Region, zone: call.Zone,
		secrets: []secret.Value{cfg.SecretKey, cfg.SecurityToken},
		client:  p.client, retry: p.retry, catalogue: p.catalogue,
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

// hiding is the same account with more texts that must not be shown.
func (c *cloud) hiding(texts ...secret.Value) *cloud {
	out := *c
	out.secrets = append(slices.Clone(c.secrets), texts...)
	return &out
}

// key tells the account apart from all others, at their clouds.
func (c *cloud) key() string { return c.account.Endpoint + "\n" + c.cfg.AccessKey }

// read sends a request that changes nothing, again if it fails for a passing
// reason. R is the answer's result; the SDK's type, or one of our own where
// that one breaks.
func read[R any](ctx context.Context, c *cloud, service string, req core.RequestInterface) (R, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (R, error) {
		return invoke[R](ctx, c, service, req, false)
	})
}

// write sends a request that changes something, once. A failure after which the
// change may have happened has the outcome unknown.
func write[R any](ctx context.Context, c *cloud, service string, req core.RequestInterface) (R, error) {
	return invoke[R](ctx, c, service, req, true)
}

// act is write for the many changes that answer nothing.
func act(ctx context.Context, c *cloud, service string, req core.RequestInterface) error {
	_, err := write[struct{}](ctx, c, service, req)
	return err
}

// invoke sends one request and reads its answer.
func invoke[R any](ctx context.Context, c *cloud, service string, req core.RequestInterface, writes bool) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	var out R
	if err := ctx.Err(); err != nil {
		return out, fault.Unavailable("the call was over before the cloud was asked").With(err)
	}
	f := failure{writes: writes, secrets: c.secrets}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	r, err := c.request(ctx, service, req)
	if err != nil {
		return out, err
	}
	status, body, err := c.send(r)
	if err != nil {
		f.sent = sent.Load()
		return out, f.network(err)
	}
	result, err := f.result(status, body)
	if err != nil || len(result) == 0 {
		return out, err
	}
	if err := json.Unmarshal(result, &out); err != nil {
		var zero R
		return zero, f.doubt("", "the cloud's answer cannot be read", nil)
	}
	return out, nil
}

// request is a signed request, built by the SDK's core. Its time is the
// machine's and its nonce is new each time: the cloud refuses those it knows.
func (c *cloud) request(ctx context.Context, service string, r core.RequestInterface) (*http.Request, error) {
	quiet := core.NewDummyLogger() // the SDK's default one prints requests to standard output
	fields, err := json.Marshal(r)
	if err != nil {
		return nil, unwritable(err)
	}
	builder := core.GetParameterBuilder(r.GetMethod(), quiet)
	path, err := builder.BuildURL(r.GetURL(), fields)
	if err != nil {
		return nil, unwritable(err)
	}
	body, err := builder.BuildBody(fields)
	if err != nil {
		return nil, unwritable(err)
	}
	base, err := endpoint(c.account, service)
	if err != nil {
		return nil, err
	}
	// Without a way to get the body again, the transport does not repeat the
	// request by itself: its nonce would be known by then, and read as bad keys.
	req, err := http.NewRequestWithContext(ctx, r.GetMethod(), base+"/"+r.GetVersion()+path, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, unwritable(err)
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tradewind-provider-jdcloud/"+version)
	if !c.cfg.SecurityToken.IsZero() {
		req.Header.Set("x-jdcloud-security-token", base64.StdEncoding.EncodeToString([]byte(c.cfg.SecurityToken.Reveal())))
	}
	signer := core.NewSigner(*core.NewCredentials(c.cfg.AccessKey, c.cfg.SecretKey.Reveal()), quiet)
	if _, err := signer.Sign(req, strings.NewReader(body), service, scope(r), time.Now()); err != nil {
		return nil, unwritable(err)
	}
	return req, nil
}

// scope is the region that a request is signed for.
func scope(r core.RequestInterface) string {
	if region := r.GetRegionId(); region != "" {
		return region
	}
	return "jdcloud-api"
}

// unwritable tells nothing of the cause, which may quote the request.
func unwritable(error) error {
	return fault.Internal(nil, "the vendor's SDK cannot write the request")
}

// send sends one request and reads the whole answer.
func (c *cloud) send(req *http.Request) (status int, body []byte, err error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return 0, nil, errRedirect
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		body = nil // reads as an answer that cannot be read
	}
	return resp.StatusCode, body, err
}
