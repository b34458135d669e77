package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"

	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// maxAnswer bounds the bytes read of one answer.
const maxAnswer = 16 << 20

// errRedirect ends a request that the cloud wants sent elsewhere: signed
// requests go to the configured place only.
var errRedirect = errors.New("the cloud answered with a redirect")

// cloud is one account at one place, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg      Config
	endpoint string
	region   string
	zone     string
	headers  http.Header
	secrets  []secret.Value // never shown, whatever the cloud answers
	base     http.RoundTripper
	retry    retry.Policy
}

// open reads the call's account; region "" is allowed.
func (p *plugin) open(call provider.Call) (*cloud, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	headers, err := cfg.headers()
	if err != nil {
		return nil, err
	}
	url, err := endpoint(call.Account)
	if err != nil {
		return nil, err
	}
	return &cloud{
		cfg: cfg, endpoint: url, region: call.Region, zone: call.Zone, headers: headers,
		secrets: []secret.Value{cfg.PrivateKey, cfg.SecurityToken, cfg.ChannelKey},
		base:    cloudhttp.Traced(p.transport), retry: p.retry,
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

// sdkClient is what all of the SDK's clients have.
type sdkClient interface {
	SetTransport(http.RoundTripper)
	GetLogger() log.Logger
}

// sdkAnswer is what all of the SDK's answers have.
type sdkAnswer interface {
	GetRetCode() int
	GetMessage() string
	GetRequestUUID() string
}

// maker is the constructor of one of the SDK's clients.
type maker[C sdkClient] func(*ucloud.Config, *auth.Credential) C

// read sends a request that changes nothing, again if it fails for a passing reason.
func read[C sdkClient, A sdkAnswer](ctx context.Context, c *cloud, newClient maker[C], send func(C) (A, error)) (A, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (A, error) {
		return invoke(ctx, c, false, newClient, send)
	})
}

// write sends a request that changes something, once. A failure after which the
// change may have happened has the outcome unknown.
func write[C sdkClient, A sdkAnswer](ctx context.Context, c *cloud, newClient maker[C], send func(C) (A, error)) (A, error) {
	return invoke(ctx, c, true, newClient, send)
}

// invoke sends one request with a client of its own.
func invoke[C sdkClient, A sdkAnswer](
	ctx context.Context, c *cloud, writes bool, newClient maker[C], send func(C) (A, error),
) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	var zero A
	if err := ctx.Err(); err != nil {
		return zero, fault.Unavailable("the call was over before the cloud was asked").With(err)
	}
	client := newClient(c.config(), c.credential())
	client.GetLogger().SetOutput(io.Discard)
	trip := &trip{}
	client.SetTransport(c.bound(ctx, trip))
	answer, err := send(client)
	if err == nil && answer.GetRetCode() == 0 {
		return answer, nil
	}
	f := failure{writes: writes, sent: trip.sent.Load(), status: int(trip.status.Load()), requestID: trip.id(), secrets: c.secrets}
	if err == nil {
		return zero, f.refused(answer.GetRetCode(), answer.GetMessage())
	}
	return zero, f.of(err)
}

func (c *cloud) config() *ucloud.Config {
	cfg := ucloud.NewConfig()
	cfg.BaseUrl, cfg.Region, cfg.Zone, cfg.ProjectId = c.endpoint, c.region, c.zone, c.cfg.ProjectID
	cfg.Timeout, cfg.MaxRetries, cfg.LogLevel = c.cfg.timeout(), 0, log.FatalLevel
	cfg.UserAgent = "tradewind-provider-ucloud/" + version
	return &cfg
}

func (c *cloud) credential() *auth.Credential {
	cred := auth.NewCredential()
	cred.PublicKey, cred.PrivateKey = c.cfg.PublicKey, c.cfg.PrivateKey.Reveal()
	cred.SecurityToken = c.cfg.SecurityToken.Reveal()
	return &cred
}

// trip is what the transport saw of a request.
type trip struct {
	sent      atomic.Bool  // there was a connection, so bytes may have left
	status    atomic.Int64 // 0 without an answer
	requestID atomic.Value
}

func (t *trip) id() string {
	id, _ := t.requestID.Load().(string)
	return id
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bound is the transport of one request: it ends with ctx, which the SDK knows
// nothing of, and notes what happened.
func (c *cloud) bound(ctx context.Context, t *trip) http.RoundTripper {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { t.sent.Store(true) },
	})
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.WithContext(ctx)
		for name, values := range c.headers {
			r.Header[name] = values
		}
		resp, err := c.base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		t.status.Store(int64(resp.StatusCode))
		t.requestID.Store(resp.Header.Get("X-UCLOUD-REQUEST-UUID"))
		if resp.StatusCode >= 300 && resp.StatusCode < 400 {
			return nil, errors.Join(errRedirect, resp.Body.Close())
		}
		resp.Body = limited{Reader: io.LimitReader(resp.Body, maxAnswer), Closer: resp.Body}
		return resp, nil
	})
}

type limited struct {
	io.Reader
	io.Closer
}
