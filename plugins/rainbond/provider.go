package main

import (
	"context"
	"net"
	"net/http"
	"time"

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

	// longest bounds one request, whatever an account allows.
	longest = time.Hour
	// maxAnswer bounds the bytes of one answer: the console lists all apps of a
	// team in one.
	maxAnswer = 16 << 20
)

// plugin is the provider. Nothing in it belongs to an account, but for the
// installs that may not show yet and the restarts under way.
type plugin struct {
	purchases once.Purchases
	phases    phases
	clock     clock.Clock
	http      *cloudhttp.Client
	retry     retry.Policy
	kinds     []*provider.Kind
}

func newProvider() *plugin {
	return newPlugin(clock.Real{}, retry.Policy{Attempts: 3})
}

func newPlugin(c clock.Clock, policy retry.Policy) *plugin {
	p := &plugin{
		clock: c, retry: policy,
		http: cloudhttp.New(cloudhttp.Config{
			Transport: newTransport(), Timeout: longest, MaxBytes: maxAnswer, Clock: c, Classify: classify,
		}),
	}
	p.kinds = []*provider.Kind{appKind(p)}
	for _, k := range []*provider.Kind{componentKind(p), modelKind(p), teamKind(p), regionKind(p)} {
		p.kinds = append(p.kinds, k.Manage()) // looked at by the account's own people; apps alone are sold
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
		Name: "rainbond", Version: version, Title: "Rainbond", Currency: currency,
		Summary: "App models of an app store, installed into the clusters of a Rainbond console",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true},
		Limits:  provider.Limits{MaxPageSize: pageSize, MaxConcurrent: 16, CreateDeadline: 2 * time.Hour},
	}, nil
}

// Kinds returns the registered kinds.
func (p *plugin) Kinds() []*provider.Kind { return p.kinds }

// Shutdown lets go of the idle connections.
func (p *plugin) Shutdown(context.Context) error {
	p.http.Close()
	return nil
}

// Check reads the account's team at the console and asks the store who it is.
func (p *plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	t, err := c.team(ctx, c.cfg.Team)
	switch {
	case fault.Is(err, fault.ClassUnauthenticated):
		return provider.CheckResponse{Problem: "the console refuses the access key: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassForbidden):
		return provider.CheckResponse{Problem: "the key's user does not belong to the team: " + fault.As(err).Message}, nil
	case fault.Is(err, fault.ClassInvalid), fault.Is(err, fault.ClassNotFound):
		return provider.CheckResponse{Problem: "the team cannot be found: " + fault.As(err).Message}, nil
	case err != nil:
		return provider.CheckResponse{}, err
	}
	out := provider.CheckResponse{OK: true, Account: t.name()}
	if c.cfg.MarketURL == "" {
		out.Details = []string{"no store is named: nothing is on sale"}
		return out, nil
	}
	switch name, err := c.storeName(ctx); {
	case fault.Is(err, fault.ClassPrecondition):
		return provider.CheckResponse{Problem: fault.As(err).Message}, nil
	case err != nil && ctx.Err() != nil:
		return provider.CheckResponse{}, err
	case err != nil:
		out.Details = []string{"the store does not answer: " + fault.As(err).Message}
	default:
		out.Details = []string{"sells from the store " + name}
	}
	return out, nil
}
