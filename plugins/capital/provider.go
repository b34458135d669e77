package main

import (
	"context"
	"log"
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

// plugin is the provider. Nothing in it belongs to an account, but for the
// purchases that the cloud may not show yet and the list of its places.
type plugin struct {
	purchases once.Purchases
	places    *places
	clock     clock.Clock
	transport http.RoundTripper
	retry     retry.Policy
	logFlags  int
	kinds     []*provider.Kind
	shelves   map[string]looker
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 3})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	p := &plugin{
		places: newPlaces(c), clock: c, transport: newTransport(), retry: policy,
		logFlags: log.Flags(), shelves: map[string]looker{},
	}
	p.kinds = []*provider.Kind{
		instanceKind(p), diskKind(p), imageKind(p), vpcKind(p), subnetKind(p), gatewayKind(p),
		eipKind(p), bandwidthKind(p), groupKind(p),
	}
	return p
}

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
		return provider.Description{}, fault.Internal(err, "the config has no schema")
	}
	return provider.Description{
		Name: "capital", Version: version, Title: "Capital Online", Currency: currency,
		Summary: "Servers, disks, images, addresses and networks of Capital Online (首云)",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true, HasZones: true},
		Limits:  provider.Limits{MaxPageSize: pageSize, MaxConcurrent: 16, CreateDeadline: 2 * time.Hour},
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

// Check reads the account's test funds: the cheapest call that needs a good
// signature. The cloud tells neither the account's name nor its balance.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	all, err := c.funds(ctx)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the keys are refused: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the keys may not call DescribeAccountSubject: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	}
	out := provider.CheckResponse{OK: true, Account: c.cfg.AccessKey}
	for _, f := range all {
		out.Details = append(out.Details, "test fund "+f.Name+": "+string(f.Balance)+" "+currency+" left until "+f.EndTime)
	}
	return out, nil
}
