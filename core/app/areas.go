package app

import (
	"tradewind.example/core/pluginevent"
	"tradewind.example/core/pluginstore"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// openAreas builds the storage that plugins use. It stands before the host,
// whose plugins use it as soon as they run.
func (a *App) openAreas() (err error) {
	c := a.cfg.Plugins.Storage
	a.areas, err = pluginstore.New(pluginstore.Config{
		Store: a.store, Clock: a.clock, Sealer: a.keyring, RootExists: a.rootExists, Event: a.keepPluginEvent,
		Quota: pluginstore.Quota{Keys: int64(c.Keys), Bytes: int64(c.Bytes)}, Keep: c.KeepTokens, EventsPerSecond: float64(c.EventsPerSecond),
	})
	return err
}

// rootExists reports whether id is a root org, deleted ones included: what a
// plugin kept for one stays readable until it is cleaned up.
func (a *App) rootExists(r store.Reader, id string) (bool, error) {
	org, err := a.tenants.OrgTx(r, id)
	if fault.Is(err, fault.ClassNotFound) {
		return false, nil
	}
	return err == nil && org.RootID == org.ID, err
}

// keepPluginEvent hands a plugin's event to the outbox.
func (a *App) keepPluginEvent(tx store.Tx, e pluginstore.Event) error {
	return a.appendPluginEvent(tx, pluginevent.Event(e))
}
