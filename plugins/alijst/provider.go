package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

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
// purchases that the cloud may not show yet and the list of its regions.
type plugin struct {
	purchases once.Purchases
	places    *places
	clock     clock.Clock
	wall      clock.Clock // of signatures, which the cloud holds against its own
	transport *http.Transport
	alone     *http.Transport
	retry     retry.Policy
	kinds     []*provider.Kind
	shelves   map[string]looker
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 5, Base: 500 * time.Millisecond, Max: 20 * time.Second})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	retailcloud.GetEndpointMap() // the SDK fills it on first use, which is a race between two first clients
	p := &plugin{
		places: newPlaces(c), clock: c, wall: clock.Real{}, transport: newTransport(), alone: newTransport(), retry: policy,
		shelves: map[string]looker{},
	}
	p.alone.DisableKeepAlives = true
	p.kinds = []*provider.Kind{appKind(p), configKind(p), environmentKind(p), claimKind(p), pointKind(p), serviceKind(p)}
	for _, k := range []*provider.Kind{
		instanceKind(p), orderKind(p), podKind(p), userKind(p), clusterKind(p), nodeKind(p), volumeKind(p), labelKind(p),
		allocationKind(p), databaseKind(p), accountKind(p), backupKind(p),
	} {
		p.kinds = append(p.kinds, k.Manage()) // seen and kept by the account's own people; the others are sold
	}
	return p
}

// newTransport is a pool of connections that all accounts share; nothing of an
// account stays on a connection.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
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
		Name: "alijst", Version: version, Title: "Alibaba JST", Currency: currency,
		Summary: "Applications, environments, clusters and databases of Alibaba Cloud JST (retailcloud)",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true},
		Limits:  provider.Limits{MaxPageSize: pageSize, MaxConcurrent: 16, CreateDeadline: 2 * time.Hour},
	}, nil
}

// Kinds returns the registered kinds.
func (p *plugin) Kinds() []*provider.Kind { return p.kinds }

// Shutdown lets go of the idle connections.
func (p *plugin) Shutdown(context.Context) error {
	p.transport.CloseIdleConnections()
	p.alone.CloseIdleConnections()
	return nil
}

// Check asks for one application: the cheapest call of JST that needs a good
// signature. The cloud does not tell the account's name.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	r := retailcloud.CreateListAppRequest()
	r.PageNumber, r.PageSize = whole(1), whole(1)
	out, err := read[struct{ TotalCount loose }](ctx, c, r)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the keys are refused: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the keys may not call ListApp: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	}
	return provider.CheckResponse{OK: true, Account: c.cfg.AccessKeyID, Details: []string{out.TotalCount.text() + " applications"}}, nil
}
