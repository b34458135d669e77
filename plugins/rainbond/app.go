package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	kindApp      = "app"
	typeAppModel = "app_model"
)

// AppSpec is what a customer chooses of an app: an app model of a store in one
// of its versions. Team, region and key are the account's and the call's.
type AppSpec struct {
	AppModelID      string `json:"app_model_id" required:"true" min:"1" max:"64" title:"App model" doc:"Its key in the store"`
	AppModelVersion string `json:"app_model_version" required:"true" min:"1" max:"64" title:"Version"`
	Deploy          *bool  `json:"is_deploy,omitempty" title:"Build and start" doc:"Left out: yes. Otherwise the app is installed and waits for start"`
	Note            string `json:"app_note,omitempty" max:"500" title:"Note"`
	K8sApp          string `json:"k8s_app,omitempty" max:"63" pattern:"^[a-z]([a-z0-9-]*[a-z0-9])?$" title:"Name in the cluster" doc:"Empty: the console makes one up"`
	MarketURL       string `json:"market_url,omitempty" max:"255" title:"Store" doc:"Another one than the account's, where that is allowed; the console must know it"`
	MarketDomain    string `json:"market_domain,omitempty" max:"64" title:"Store's domain"`
	MarketType      string `json:"market_type,omitempty" max:"64" title:"Store's type"`
}

func (s AppSpec) deploys() bool { return s.Deploy == nil || *s.Deploy }

// AppState is what an app is.
type AppState struct {
	AppID      int64       `json:"app_id" title:"Number at the console"`
	TeamID     string      `json:"team_id,omitempty" title:"Team"`
	K8sApp     string      `json:"k8s_app,omitempty" title:"Name in the cluster"`
	Note       string      `json:"app_note,omitempty" title:"Note"`
	ModelID    string      `json:"app_model_id,omitempty" title:"App model as ordered"`
	Version    string      `json:"ordered_version,omitempty" title:"Version as ordered" doc:"After an upgrade the installs tell the present one"`
	CPU        int         `json:"cpu_milli" title:"Thousandths of a core" doc:"Of all components together"`
	MemoryMB   int         `json:"memory_mb" title:"Memory in MB" doc:"Of all components together"`
	Components []Component `json:"components" title:"Components"`
	Installs   []Install   `json:"installs,omitempty" title:"App models in it" doc:"When one app is read and its stores answer"`
}

// Install is one app model that was installed into an app.
type Install struct {
	Market   string   `json:"market_name,omitempty" title:"Store as the console calls it"`
	ModelID  string   `json:"app_model_id" title:"App model"`
	Name     string   `json:"name,omitempty" title:"Name"`
	Version  string   `json:"version,omitempty" title:"Present version"`
	Upgrades []string `json:"upgrades,omitempty" title:"Versions to upgrade to"`
}

type app = provider.Thing[AppState]

// appRow is an app in the console's words.
type appRow struct {
	ID     int64  `json:"ID"`
	Team   string `json:"tenant_id"`
	Name   string `json:"group_name"`
	Region string `json:"region_name"`
	Note   string `json:"note"`
	K8sApp string `json:"k8s_app"`
}

// thing shows an app with its components.
func (r appRow) thing(c *cloud, parts []Component) app {
	own, mark := split(r.Name)
	note, bought, ok := purchaseOf(r.Note)
	out := app{
		ID: strconv.FormatInt(r.ID, 10), Name: own, Token: mark, Region: c.region,
		State: AppState{AppID: r.ID, TeamID: r.Team, K8sApp: r.K8sApp, Note: note, Components: []Component{}},
	}
	out.Status, out.RawStatus = together(parts)
	if ok {
		out.Created, out.State.ModelID, out.State.Version = bought.at, bought.model, bought.version
		out.Billing = bought.billing
	}
	for _, p := range parts {
		out.State.CPU, out.State.MemoryMB = out.State.CPU+p.CPU*p.Nodes, out.State.MemoryMB+p.MemoryMB*p.Nodes
	}
	out.State.Components = append(out.State.Components, parts...)
	return out
}

// numberOf reads an app's id; ok is false for what cannot be one.
func numberOf(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == id
}

// apps is the handler of the kind app.
type apps struct{ *plugin }

// apps are the team's in the region; the console gives all of them at once.
func (c *cloud) apps(ctx context.Context) ([]appRow, error) {
	return read[[]appRow](ctx, c, c.inRegion("apps"), nil)
}

// app reads one app with its components.
func (c *cloud) app(ctx context.Context, id string) (app, error) {
	n, ok := numberOf(id)
	if !ok {
		return app{}, fault.NotFound(kindApp, id)
	}
	row, err := c.row(ctx, n)
	if err != nil {
		return app{}, err
	}
	return c.whole(ctx, row)
}

func (c *cloud) row(ctx context.Context, n int64) (appRow, error) {
	return read[appRow](ctx, c, c.inApp(n), nil)
}

// whole adds its components to an app.
func (c *cloud) whole(ctx context.Context, row appRow) (app, error) {
	parts, err := c.components(ctx, row.ID)
	return row.thing(c, parts), err
}

// components are those of an app, as they are now.
func (c *cloud) components(ctx context.Context, n int64) ([]Component, error) {
	rows, err := read[[]partRow](ctx, c, c.inApp(n, "services"), nil)
	out := make([]Component, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.component())
	}
	return out, err
}

// Get reads one app, with the versions of what is installed in it as far as its
// stores tell.
func (h apps) Get(ctx context.Context, req provider.GetRequest) (app, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return app{}, err
	}
	out, err := c.app(ctx, req.ID)
	if err != nil {
		return app{}, err
	}
	rows, err := c.installsSoon(ctx, out.State.AppID)
	for _, r := range rows {
		out.State.Installs = append(out.State.Installs, r.shown())
	}
	if err != nil && ctx.Err() != nil {
		return app{}, err
	}
	return consisting(out)
}

// storePatience bounds how long reading an app waits for its stores.
const storePatience = 5 * time.Second

// installsSoon is installs, once and within a while: an app can be read while
// its stores are away.
func (c *cloud) installsSoon(ctx context.Context, n int64) ([]installRow, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	return invoke[[]installRow](ctx, c, ask{method: http.MethodGet, at: c.inApp(n, "upgrade")})
}

// List streams the apps of the team in the region.
func (h apps) List(ctx context.Context, req provider.ListRequest, yield func(app) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.eachApp(ctx, yield)
}

// eachApp yields the apps of the region with their components. One that goes
// meanwhile is left out.
func (c *cloud) eachApp(ctx context.Context, yield func(app) error) error {
	rows, err := c.apps(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		t, err := c.whole(ctx, row)
		if fault.Is(err, fault.ClassNotFound) {
			continue
		}
		if err == nil {
			err = yield(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete takes an app's first step on its way out; polling takes the others.
func (h apps) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	n, ok := numberOf(req.ID)
	if !ok {
		return provider.Started{}, nil
	}
	gone, err := c.remove(ctx, n)
	if err != nil || gone {
		return provider.Started{}, err
	}
	return provider.Started{Operation: h.begin(c, verbDelete, n, "").String()}, nil
}

// remove takes the one step that the state of an app allows on its way out.
// Each step can be repeated.
func (c *cloud) remove(ctx context.Context, n int64) (gone bool, err error) {
	if c.cfg.Purge {
		return true, c.purge(ctx, n)
	}
	parts, err := c.components(ctx, n)
	if err != nil {
		return fault.Is(err, fault.ClassNotFound), fault.NotDone(goneIsDone(err))
	}
	idle, stopping := true, true
	for _, p := range parts {
		s := provider.Status(p.Status)
		idle = idle && (s == provider.StatusStopped || s == provider.StatusPending)
		stopping = stopping && (s == provider.StatusStopping || s == provider.StatusStopped || s == provider.StatusPending)
	}
	switch {
	case idle:
		_, err := write[nothing](ctx, c, http.MethodDelete, c.inApp(n), nil, nil)
		if fault.Is(err, fault.ClassPrecondition) {
			return false, nil // something was started meanwhile
		}
		return err == nil || fault.Is(err, fault.ClassNotFound), goneIsDone(err)
	case stopping:
		return false, nil
	}
	return false, goneIsDone(c.operate(ctx, n, opStop, nil))
}

// purge deletes an app with all that is in it, running or not.
func (c *cloud) purge(ctx context.Context, n int64) error {
	at := c.inRegion("app", strconv.FormatInt(n, 10), "delete")
	_, err := write[nothing](ctx, c, http.MethodDelete, at, nil, nil)
	return goneIsDone(err)
}

// FindByToken tells what became of a create or a release.
func (h apps) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[AppState], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.TypedFound[AppState]{}, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		return h.made(ctx, c, req.Token, req.Since)
	case provider.ChangeRelease:
		_, err := c.app(ctx, req.ID)
		if fault.Is(err, fault.ClassNotFound) {
			return provider.TypedFound[AppState]{Done: true, Settled: true}, nil
		}
		// A delete can be asked for again at any time, so what is there is
		// simply not released.
		return provider.TypedFound[AppState]{Settled: err == nil}, err
	}
	return provider.TypedFound[AppState]{}, fault.Unsupported("the %s of an app leaves no trace of its token", req.Change)
}

// made looks for a token's app. One that is not ready yet is an operation,
// which also goes on with an install that was never sent.
func (h apps) made(ctx context.Context, c *cloud, token string, since time.Time) (provider.TypedFound[AppState], error) {
	var out provider.TypedFound[AppState]
	mark, err := markOf(token)
	if err != nil {
		return out, err
	}
	rows, err := c.apps(ctx)
	if err != nil {
		return out, err
	}
	for _, row := range rows {
		if _, m := split(row.Name); m != mark {
			continue
		}
		t, err := c.whole(ctx, row)
		if err == nil {
			t, err = consisting(t)
		}
		if err != nil {
			return provider.TypedFound[AppState]{}, err
		}
		out.Things = append(out.Things, t)
		if _, bought, ok := purchaseOf(row.Note); ok && unready(t, bought) {
			o := h.begin(c, verbCreate, row.ID, "")
			o.began = bought.at.Add(c.cfg.install()) // until then the install may be under way
			out.Operation = o.String()
		}
	}
	out.Done = len(out.Things) > 0 && out.Operation == ""
	out.Settled = len(out.Things) > 0 || c.cfg.settled(since, h.clock.Now())
	return out, nil
}

// unready tells whether an app is still being made, or failed at it. One that
// somebody stopped has run.
func unready(t app, b purchase) bool {
	return t.Status == provider.StatusPending || b.deploy && t.Status != provider.StatusRunning && !wasStopped(t.State.Components)
}

// wasStopped tells whether components stand still that once ran.
func wasStopped(parts []Component) bool {
	return stopped(parts) && slices.ContainsFunc(parts, func(x Component) bool { return x.RawStatus != wordUndeployed })
}

// resourceOf makes the untyped form of a thing.
func resourceOf[State any](kind string, t provider.Thing[State]) (*provider.Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state, Parts: t.Parts,
	}, nil
}
