package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"tradewind.example/core/config"
	"tradewind.example/core/plugin"
	"tradewind.example/core/pluginstore"
	"tradewind.example/core/store"
	"tradewind.example/host"
	hostcatalog "tradewind.example/host/catalog"
	"tradewind.example/host/crash"
	"tradewind.example/host/guard"
	"tradewind.example/host/rollout"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/fault"
)

// operated adapts the host to the operator's use-cases.
type operated struct {
	host  *host.Host
	areas *pluginstore.Service
	trust signature.Trust
	drop  string // folder from which plugins are installed
}

var (
	_ plugin.Host      = operated{}
	_ plugin.Catalogue = operated{}
	_ plugin.Crashes   = operated{}
)

// Plugins returns the state of every plugin.
func (o operated) Plugins(context.Context) ([]plugin.Plugin, error) {
	statuses := o.host.Statuses()
	out := make([]plugin.Plugin, 0, len(statuses))
	for _, s := range statuses {
		p, err := o.host.Plugin(s.Name)
		if fault.Is(err, fault.ClassNotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, pluginOf(p, s))
	}
	return out, nil
}

// Inspect tells everything of one plugin.
func (o operated) Inspect(ctx context.Context, name string) (plugin.Detail, error) {
	p, err := o.host.Plugin(name)
	if err != nil {
		return plugin.Detail{}, err
	}
	chosen, err := o.host.Selection(name)
	if err != nil {
		return plugin.Detail{}, err
	}
	d := detailOf(p)
	d.Selection = selectionOf(chosen, o.host.Declared(name))
	d.Versions = o.versions(chosen)
	if level, set, err := o.host.LogLevel(name); err == nil && set {
		d.LogLevel = strings.ToLower(level.String())
	}
	d.Storage, err = o.storage(ctx, name)
	return d, err
}

func (o operated) versions(chosen hostcatalog.Selection) []plugin.Version {
	var out []plugin.Version
	for _, e := range o.host.Versions(chosen.Name) {
		v := versionOf(e)
		v.Active = e.Version == chosen.Active
		v.Signature = o.signature(e.SignedBy)
		for _, pin := range chosen.Pins {
			if cmp.Or(pin.Version, chosen.Active) == e.Version {
				v.Groups = append(v.Groups, pin.Group)
			}
		}
		out = append(out, v)
	}
	return out
}

func (o operated) signature(signedBy string) string {
	switch {
	case signedBy == "":
		return "none"
	case slices.ContainsFunc(o.trust.Keys, func(k signature.Key) bool { return k.ID() == signedBy }):
		return "trusted"
	}
	return "untrusted"
}

// mostAreas bounds how many roots a plugin's storage is told for.
const mostAreas = 50

func (o operated) storage(ctx context.Context, name string) (plugin.Storage, error) {
	q := o.areas.Quota()
	out := plugin.Storage{QuotaKeys: q.Keys, QuotaBytes: q.Bytes}
	err := o.areas.EachUsage(ctx, func(u pluginstore.Usage) error {
		if u.Plugin != name {
			return nil
		}
		out.Roots++
		out.Keys, out.Bytes = out.Keys+u.Keys, out.Bytes+u.Bytes
		out.Fullest = append(out.Fullest, plugin.Area{RootOrg: u.RootOrg, Keys: u.Keys, Bytes: u.Bytes})
		return nil
	})
	slices.SortFunc(out.Fullest, func(a, b plugin.Area) int { return cmp.Compare(b.Bytes, a.Bytes) })
	out.Fullest = out.Fullest[:min(len(out.Fullest), mostAreas)]
	return out, err
}

// Install takes a file of the drop folder. A plugin's first version starts.
func (o operated) Install(ctx context.Context, file, sum string, by plugin.Edit) (plugin.Installed, error) {
	if o.drop == "" {
		return plugin.Installed{}, fault.Unsupported("installing over REST is off: set plugins.drop_dir")
	}
	known := map[string]bool{}
	for _, s := range o.host.Statuses() {
		known[s.Name] = true
	}
	e, err := o.host.Install(ctx, filepath.Join(o.drop, filepath.Base(file)), host.InstallOptions{SHA256: sum, Edit: hostcatalog.Edit(by)})
	if err != nil {
		return plugin.Installed{}, err
	}
	out := plugin.Installed{Name: e.Name, Version: e.Version, SHA256: e.SHA256, First: !known[e.Name]}
	if !out.First {
		return out, nil
	}
	if err := o.host.Start(ctx, e.Name); err != nil {
		return plugin.Installed{}, fmt.Errorf("starting the installed version: %w", err)
	}
	return out, nil
}

// Upgrade brings an installed version into use.
func (o operated) Upgrade(ctx context.Context, name, version string, by plugin.Edit) error {
	return stale(o.host.Upgrade(ctx, name, version, hostcatalog.Edit(by)))
}

// Rollback brings the version before back.
func (o operated) Rollback(ctx context.Context, name string, by plugin.Edit) error {
	return stale(o.host.Rollback(ctx, name, hostcatalog.Edit(by)))
}

// Alter changes what else is selected.
func (o operated) Alter(ctx context.Context, name string, a plugin.Alteration, by plugin.Edit) error {
	edit := hostcatalog.Edit(by)
	var err error
	switch a.Action {
	case plugin.ActionPin:
		err = o.host.Pin(ctx, name, hostcatalog.Pin(a.Pin), edit)
	case plugin.ActionUnpin:
		err = o.host.Unpin(ctx, name, a.Pin.Group, edit)
	case plugin.ActionEnable:
		err = o.host.Enable(ctx, name, a.Version, edit)
	case plugin.ActionDisable:
		err = o.host.Disable(ctx, name, a.Version, edit)
	case plugin.ActionRemove:
		err = o.host.Remove(ctx, name, a.Version, edit)
	default:
		err = fault.Internal(nil, "no alteration is called %q", a.Action)
	}
	return stale(err)
}

// stale tells that something was changed meanwhile in the words of the store.
func stale(err error) error {
	if !errors.Is(err, hostcatalog.ErrStale) {
		return err
	}
	return fault.As(err).With(errors.Join(store.ErrStale, err))
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
	case plugin.VerbReload:
		return o.host.Reload(ctx, name)
	case plugin.VerbResume:
		return o.host.Resume(ctx, name)
	}
	return fault.Internal(nil, "no verb is called %q", verb)
}

// SetLogLevel shows the plugin's log from a level on.
func (o operated) SetLogLevel(ctx context.Context, name, level string) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return fault.Invalid("level", "must be debug, info, warn or error")
	}
	return o.host.SetLogLevel(ctx, name, l)
}

// ResetBreaker closes a circuit breaker.
func (o operated) ResetBreaker(_ context.Context, name string, key plugin.BreakerKey) error {
	p, err := o.host.Plugin(name)
	if err != nil {
		return err
	}
	return p.ResetBreaker(guard.BreakerKey(key))
}

// Diagnose asks the plugin's processes what they are doing.
func (o operated) Diagnose(ctx context.Context, name string) ([]plugin.Doing, error) {
	all, err := o.host.Diagnose(ctx, name)
	out := make([]plugin.Doing, 0, len(all))
	for _, d := range all {
		out = append(out, plugin.Doing(d))
	}
	return out, err
}

// Crashes returns the kept reports of crashes.
func (o operated) Crashes(_ context.Context, name string) ([]plugin.Crash, error) {
	all, err := o.host.CrashReports(name)
	out := make([]plugin.Crash, 0, len(all))
	for _, r := range all {
		out = append(out, crashOf(r))
	}
	return out, err
}

// Crash returns one of them.
func (o operated) Crash(_ context.Context, name, id string) (plugin.Crash, error) {
	r, err := o.host.CrashReport(name, id)
	return crashOf(r), err
}

func crashOf(r crash.Report) plugin.Crash {
	out := plugin.Crash{
		ID: r.ID, Time: r.Time, Version: r.Version, SHA256: r.SHA256, PID: r.PID, Kind: string(r.Kind), Status: r.Status, Signal: r.Signal,
		OutOfMemory: r.OutOfMemory, Uptime: r.Uptime, ResidentBytes: r.ResidentBytes, Message: r.Message, Trace: r.Trace, Output: r.Output,
	}
	for _, c := range r.Calls {
		out.Calls = append(out.Calls, plugin.CrashCall(c))
	}
	return out
}

func (a *App) orgExists(r store.Reader, id string) (bool, error) {
	_, err := a.tenants.OrgTx(r, id)
	if fault.Is(err, fault.ClassNotFound) {
		return false, nil
	}
	return err == nil, err
}

// watchPolicy is the host's form of the setting. There the zero window means the
// default.
func watchPolicy(w config.PluginWatch) rollout.Policy {
	p := rollout.Policy{Window: w.Window, Every: w.Every, MinCalls: int64(w.MinCalls), Ratio: int64(w.Ratio), Floor: int64(w.Floor)}
	if w.Window == 0 {
		p.Window = -1
	}
	return p
}
