package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"tradewind.example/core/catalog"
	"tradewind.example/core/order"
	"tradewind.example/core/plugin"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/host"
	hostcatalog "tradewind.example/host/catalog"
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
)

// Plugin returns the plugin's client; calls wait for a plugin that is starting.
func (p plugins[C]) Plugin(name string) (C, error) {
	var none C
	found, err := p.host.Plugin(name)
	if err != nil {
		return none, err
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

// operated adapts the host to the operator's use-cases.
type operated struct {
	host *host.Host
	drop string // folder from which plugins are installed
}

var _ plugin.Host = operated{}

// Plugins returns the state of every plugin.
func (o operated) Plugins(context.Context) ([]plugin.Plugin, error) {
	statuses := o.host.Statuses()
	out := make([]plugin.Plugin, 0, len(statuses))
	for _, s := range statuses {
		p, err := o.host.Plugin(s.Name)
		if err != nil {
			return nil, err
		}
		d, _ := p.Description()
		out = append(out, plugin.Plugin{
			Name: s.Name, Version: s.Version, SHA256: s.SHA256, State: fmt.Sprint(s.State), Since: s.Since, Reason: s.Reason,
			Restarts: s.Restarts, LastError: s.LastError, PID: s.PID, Description: d,
		})
	}
	return out, nil
}

// Install takes a binary of the drop folder and brings it into use: a new
// version of a known plugin replaces the old one without failing a call.
func (o operated) Install(ctx context.Context, file, sum string) (plugin.Plugin, error) {
	if o.drop == "" {
		return plugin.Plugin{}, fault.Unsupported("installing over REST is off: set plugins.drop_dir")
	}
	before := o.host.Entries()
	entry, err := o.host.Install(ctx, filepath.Join(o.drop, filepath.Base(file)), host.InstallOptions{SHA256: sum})
	if err != nil {
		return plugin.Plugin{}, err
	}
	known := slices.ContainsFunc(before, func(e hostcatalog.Entry) bool { return e.Name == entry.Name })
	if known {
		err = o.host.Upgrade(ctx, entry.Name, entry.Version, hostcatalog.Edit{})
	} else {
		err = o.host.Start(ctx, entry.Name)
	}
	if err != nil {
		return plugin.Plugin{}, fmt.Errorf("starting the installed version: %w", err)
	}
	all, err := o.Plugins(ctx)
	if err != nil {
		return plugin.Plugin{}, err
	}
	for _, p := range all {
		if p.Name == entry.Name {
			return p, nil
		}
	}
	return plugin.Plugin{}, fault.Internal(nil, "the installed plugin %q is not listed", entry.Name)
}

// Operate performs a verb.
func (o operated) Operate(ctx context.Context, name string, verb plugin.Verb) error {
	switch verb {
	case plugin.VerbStart:
		return o.host.Start(ctx, name)
	case plugin.VerbStop:
		return o.host.Stop(ctx, name)
	case plugin.VerbRestart:
		return o.host.Restart(ctx, name)
	case plugin.VerbResume:
		return o.host.Resume(ctx, name)
	}
	return fault.Invalid("verb", "must be start, stop, restart or resume")
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
