package app

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/core/pluginevent"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/core/store/outbox"
	contract "tradewind.example/sdk/provider"
)

// eventer streams what happens at a cloud.
type eventer interface {
	Events(ctx context.Context, req contract.EventsRequest, yield func(contract.Event) error) error
}

// pluginEvents builds what acts on the events of plugins.
func (a *App) pluginEvents() (err error) {
	a.acted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tradewind_plugin_events_total",
		Help: "What became of the events of plugins, each counted at least once.",
	}, []string{"plugin", "type", "result"})
	a.told, err = pluginevent.New(pluginevent.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Resources: a.resources,
		Waiters: []pluginevent.Waiter{a.buys, a.resources}, ProvidersTx: a.providers.BehindTx,
		Append: a.appendPluginEvent, Subscriptions: a.subscriptions, Subscribe: a.hearPlugin,
		Count: func(plugin, eventType string, r pluginevent.Result) {
			a.acted.WithLabelValues(plugin, eventType, string(r)).Inc()
		},
	})
	return err
}

// appendPluginEvent hands a plugin's event to the outbox.
func (a *App) appendPluginEvent(tx store.Tx, e pluginevent.Event) error {
	raw, err := pluginevent.Encode(e)
	if err != nil {
		return err
	}
	return a.events.Append(tx, pluginTopic, e.Plugin+"/"+e.Cursor, raw)
}

// actOnPluginEvents is the outbox's handler; the outbox is older than what acts.
func (a *App) actOnPluginEvents(ctx context.Context, list []outbox.Event) error {
	return a.told.Handle(ctx, list)
}

// subscriptions returns the accounts in use whose plugin tells of events.
func (a *App) subscriptions(ctx context.Context) (out []pluginevent.Subscription, err error) {
	tells := map[string]bool{}
	err = a.store.View(ctx, func(r store.Reader) error {
		out = nil
		return a.providers.EachEnablementTx(r, func(e provider.Enablement) error {
			p, err := a.providers.ProviderTx(r, e.ProviderID)
			if err != nil || e.State != provider.StateActive {
				return err
			}
			known, ok := tells[p.PluginName]
			if !ok {
				known = a.tellsEvents(ctx, p.PluginName)
				tells[p.PluginName] = known
			}
			if known {
				out = append(out, pluginevent.Subscription{ID: e.ID, Plugin: p.PluginName, RootOrg: e.RootID, Org: e.OrgID})
			}
			return nil
		})
	})
	return out, err
}

// tellsEvents reports whether the plugin has said that it tells of events.
func (a *App) tellsEvents(ctx context.Context, plugin string) bool {
	d, err := plugins[eventer]{a.host}.Describe(ctx, plugin)
	return err == nil && slices.Contains(d.Capabilities, contract.CapEvents)
}

// hearPlugin streams an account's events.
func (a *App) hearPlugin(ctx context.Context, s pluginevent.Subscription, cursor string, yield func(contract.Event) error) error {
	var access provider.Access
	err := a.store.View(ctx, func(r store.Reader) (err error) {
		access, err = a.providers.CallVia(ctx, r, s.Org, s.ID, provider.PurposeWindDown)
		return err
	})
	if err != nil {
		return err
	}
	cloud, err := plugins[eventer]{a.host}.Plugin(access.Plugin)
	if err != nil {
		return err
	}
	return cloud.Events(ctx, contract.EventsRequest{Call: access.Call, Cursor: cursor}, yield)
}
