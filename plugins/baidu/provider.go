package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

const (
	version  = "1.0.0"
	currency = "CNY"
)

// plugin is the provider. What it remembers of an account is the names of its
// regions and the temporary keys of its customers' roles, apart for each key, and
// whose turn it is.
type plugin struct {
	regions   *regionCache
	roles     *roles
	turns     once.Turns
	clock     clock.Clock
	transport http.RoundTripper
	retry     retry.Policy
	kinds     []*provider.Kind
	host      provider.HostServices // keeps transfers; nil where none does
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 3})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	p := &plugin{regions: newRegionCache(), roles: newRoles(c), clock: c, transport: newTransport(), retry: policy}
	p.kinds = []*provider.Kind{instanceKind(p), eipKind(p), diskKind(p), vpcKind(p), subnetKind(p), groupKind(p), customerKind(p), transferKind(p)}
	return p
}

// UseHost takes the broker's services.
func (p *plugin) UseHost(h provider.HostServices) { p.host = h }

// newTransport is the pool of connections that all accounts share; nothing of
// an account stays on a connection.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Describe returns the plugin's self-portrait.
func (p *plugin) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Config]()
	if err != nil {
		return provider.Description{}, err
	}
	return provider.Description{
		Name: "baidu", Version: version, Title: "Baidu AI Cloud", Currency: currency,
		Summary: "Servers, disks, addresses and networks of Baidu AI Cloud, and a reseller's customers and orders",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true, HasZones: true},
		Limits:  provider.Limits{MaxPageSize: pageSize, MaxConcurrent: 16, CreateDeadline: time.Hour},
	}, nil
}

// Kinds returns the registered kinds.
func (p *plugin) Kinds() []*provider.Kind { return p.kinds }

// Shutdown lets go of the idle connections.
func (p *plugin) Shutdown(context.Context) error {
	if t, ok := p.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// Check asks for the regions: a read that every good key may make.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	all, err := c.regionRows(ctx)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the keys are refused: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the keys may not list regions: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	case len(all) == 0:
		return provider.CheckResponse{Problem: "the account has no region: check its state at the cloud"}, nil
	}
	return provider.CheckResponse{OK: true, Account: c.cfg.AccessKey}, nil
}
