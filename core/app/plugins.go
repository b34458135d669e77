package app

import (
	"context"
	"fmt"

	"tradewind.example/core/catalog"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/inventory"
	"tradewind.example/core/order"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/host"
	"tradewind.example/host/rollout"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// plugins adapts the host to the small interfaces of the domain packages: each
// asks for a plugin by name and gets the methods it declared.
type plugins[C any] struct{ host *host.Host }

// The packages' views of the host.
var (
	_ provider.Plugins = plugins[provider.Cloud]{}
	_ catalog.Plugins  = plugins[catalog.Cloud]{}
	_ quote.Plugins    = plugins[quote.Cloud]{}
	_ order.Plugins    = plugins[order.Cloud]{}
	_ resource.Plugins = plugins[resource.Cloud]{}

	_ inventory.Plugins = plugins[inventory.Cloud]{}

	_ cloudaccount.Plugins = plugins[cloudaccount.Cloud]{}
)

// Plugin returns the plugin's client; calls wait for a plugin that is starting.
// One that somebody has to start first is unavailable.
func (p plugins[C]) Plugin(name string) (C, error) {
	var none C
	found, err := p.host.Plugin(name)
	if err != nil {
		return none, err
	}
	if !found.Runs() {
		return none, fault.Unavailable("plugin %q does not run: start it or wait until somebody does", name).From(fault.SourceHost)
	}
	cloud, ok := any(found).(C)
	if !ok {
		return none, fault.Internal(nil, "plugin %q does not have the methods of %T", name, none)
	}
	return cloud, nil
}

// Describe returns what the plugin says of itself, without calling the cloud.
func (p plugins[C]) Describe(_ context.Context, name string) (contract.Description, error) {
	found, err := p.host.Plugin(name)
	if err != nil {
		return contract.Description{}, err
	}
	d, ok := found.Description()
	if !ok {
		return contract.Description{}, fault.Unavailable("plugin %q has not told what it is yet", name)
	}
	return d, nil
}

// fitsAccounts checks the accounts of a plugin with the schema of a version that
// is about to come into use.
func (a *App) fitsAccounts(ctx context.Context, name string, d contract.Description) (string, error) {
	n, err := a.providers.FitsPlugin(ctx, name, d)
	if err == nil && n == 0 {
		err = rollout.Skip("the plugin has no account yet")
	}
	return fmt.Sprintf("%d accounts fit", n), err
}

// checkThrough makes one harmless read through a version that is about to come
// into use.
func (a *App) checkThrough(ctx context.Context, name string, cloud host.Reads) (string, error) {
	enablement, err := a.providers.CheckThrough(ctx, name, cloud)
	if err == nil && enablement == "" {
		err = rollout.Skip("no account of the plugin is known to be good")
	}
	return "checked the account of enablement " + enablement, err
}
