package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

const (
	version  = "1.0.0"
	currency = "CNY"

	kindInstance = kinds.Instance
	kindEIP      = kinds.EIP
)

// plugin is the provider. Nothing in it belongs to an account, but for the
// purchases that the cloud may not show yet.
type plugin struct {
	purchases once.Purchases
	clock     clock.Clock
	transport http.RoundTripper
	retry     retry.Policy
	kinds     []*provider.Kind
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 3})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	p := &plugin{clock: c, transport: newTransport(), retry: policy}
	p.kinds = []*provider.Kind{instanceKind(p), eipKind(p), diskKind(p), vpcKind(p), subnetKind(p), groupKind(p)}
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
		return provider.Description{}, err
	}
	return provider.Description{
		Name: "ucloud", Version: version, Title: "UCloud", Currency: currency,
		Summary: "Servers, disks, addresses and networks of UCloud",
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

// Check lists the account's projects: the cheapest call that needs a good signature.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	all, err := c.projects(ctx)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the keys are refused: " + fault.As(err).Message}, nil
	case hasCode(err, codeNoProject):
		return provider.CheckResponse{Problem: "the project does not exist: check project_id"}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the keys may not call GetProjectList: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	}
	for _, pr := range all {
		if pr.ProjectId == c.cfg.ProjectID || (c.cfg.ProjectID == "" && pr.IsDefault) {
			return provider.CheckResponse{OK: true, Account: pr.ProjectId, Details: []string{"project " + pr.ProjectName}}, nil
		}
	}
	return provider.CheckResponse{Problem: "the account has no such project: check project_id"}, nil
}
