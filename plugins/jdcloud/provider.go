package main

import (
	"context"
	"net"
	"net/http"
	"time"

	userapi "github.com/jdcloud-api/jdcloud-sdk-go/services/user/apis"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

const (
	version  = "1.0.0"
	currency = "CNY"
)

// plugin is the provider. Nothing in it belongs to an account, but for the
// purchases that the cloud may not show yet.
type plugin struct {
	purchases once.Purchases
	catalogue *catalogue
	clock     clock.Clock
	client    *http.Client
	retry     retry.Policy
	kinds     []*provider.Kind
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 3})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	p := &plugin{catalogue: newCatalogue(), clock: c, client: newHTTPClient(), retry: policy}
	p.kinds = []*provider.Kind{instanceKind(p), eipKind(p), diskKind(p), vpcKind(p), subnetKind(p), groupKind(p), resellerKind(p)}
	return p
}

// newHTTPClient has the pool of connections that all accounts share; nothing
// of an account stays on a connection. Signed requests go nowhere but to the
// endpoint, so redirects are not followed.
func newHTTPClient() *http.Client {
	pool := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	return &http.Client{
		Transport:     cloudhttp.Traced(pool),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Describe returns the plugin's self-portrait.
func (p *plugin) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Config]()
	if err != nil {
		return provider.Description{}, err
	}
	return provider.Description{
		Name: "jdcloud", Version: version, Title: "JD Cloud", Currency: currency,
		Summary: "Servers, disks, addresses and networks of JD Cloud",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true, HasZones: true},
		Limits:  provider.Limits{MaxPageSize: pageSize, MaxConcurrent: 16, RatePerSecond: 16, CreateDeadline: time.Hour},
	}, nil
}

// Kinds returns the registered kinds.
func (p *plugin) Kinds() []*provider.Kind { return p.kinds }

// Shutdown lets go of the idle connections.
func (p *plugin) Shutdown(context.Context) error {
	p.client.CloseIdleConnections()
	return nil
}

// Check asks who the keys belong to: the cheapest call that needs a good signature.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	who, err := c.identity(ctx)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the keys are refused: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the keys may not call DescribeUser: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	}
	return provider.CheckResponse{OK: true, Account: who.Pin, Details: []string{"login name " + who.LoginName}}, nil
}

// identity is whose keys these are.
func (c *cloud) identity(ctx context.Context) (userapi.DescribeUserResult, error) {
	return read[userapi.DescribeUserResult](ctx, c, serviceUser, userapi.NewDescribeUserRequestWithoutParam())
}
