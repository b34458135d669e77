package main

import (
	"context"

	"tradewind.example/sdk/provider"
)

const (
	version  = "1.0.0"
	currency = "CNY"
)

// plugin is the provider. It keeps nothing of an account.
type plugin struct{ host provider.HostServices }

func newPlugin() *plugin { return &plugin{} }

// UseHost takes the broker's services.
func (p *plugin) UseHost(h provider.HostServices) { p.host = h }

// Describe returns the plugin's self-portrait.
func (p *plugin) Describe(context.Context) (provider.Description, error) {
	return provider.Description{
		Name: "cpcc", Version: version, Title: "Compute centres", Currency: currency,
		Summary: "Workloads on the Kubernetes clusters of compute centres",
		Regions: provider.RegionsModel{HasRegions: true, HasZones: true},
	}, nil
}

// Check accepts every account: what it may reach is in the storage.
func (p *plugin) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	return provider.CheckResponse{OK: true, Account: req.Call.Account.ID}, nil
}
