package main

import (
	"context"
	"net/http"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// installRow is one app model in an app, in the console's words. Market is nil
// for what came from the console's own library.
type installRow struct {
	Market   *string  `json:"market_name"`
	Model    string   `json:"app_model_id"`
	Name     string   `json:"app_model_name"`
	Version  string   `json:"current_version"`
	Versions []string `json:"upgrade_versions"`
}

func (r installRow) shown() Install {
	out := Install{ModelID: r.Model, Name: r.Name, Version: r.Version, Upgrades: r.Versions}
	if r.Market != nil {
		out.Market = *r.Market
	}
	return out
}

// installs are the app models in an app; the console asks their stores.
func (c *cloud) installs(ctx context.Context, n int64) ([]installRow, error) {
	return read[[]installRow](ctx, c, c.inApp(n, "upgrade"), nil)
}

// Installs are the app models in an app.
type Installs struct {
	Installs []Install `json:"installs" title:"App models in it"`
}

func (h apps) versions(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Installs], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[Installs]{}, err
	}
	rows, err := c.installs(ctx, n)
	out := Installs{Installs: []Install{}}
	for _, r := range rows {
		out.Installs = append(out.Installs, r.shown())
	}
	return provider.ActionResult[Installs]{Output: out}, err
}

// UpgradeInput is the version that an app is to have.
type UpgradeInput struct {
	Version string `json:"app_model_version" required:"true" min:"1" max:"64" title:"Version"`
	ModelID string `json:"app_model_id,omitempty" max:"32" title:"App model" doc:"Needed when the app has several"`
}

// upgrade brings an app model in an app to another version. The console is told
// the store by its own name for it, which only it knows; a version that it does
// not offer is refused here, since it would take any.
func (h apps) upgrade(ctx context.Context, req provider.TypedAction[UpgradeInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	rows, err := c.installs(ctx, n)
	if err != nil {
		return out, fault.NotDone(err)
	}
	row, err := chosen(rows, req.Input.ModelID)
	if err != nil {
		return out, err
	}
	want := req.Input.Version
	o := h.begin(c, verbUpgrade, n, row.Model+" "+want).String()
	switch {
	case !slices.Contains(row.Versions, want) && row.Version == want:
		return provider.ActionResult[none]{Operation: o}, nil // it was upgraded already
	case !slices.Contains(row.Versions, want):
		return out, fault.Invalid("input.app_model_version", "is not offered: the action versions tells which are")
	case row.Market == nil:
		return out, fault.Unsupported("the app came from the console's own library: upgrade it there")
	}
	_, err = slow[nothing](ctx, c, c.inApp(n, "upgrade"), nil, object{"update_versions": []object{{
		"market_name": *row.Market, "app_model_id": row.Model, "app_model_version": want,
	}}})
	if hasCode(err, codeUnhandled) {
		e := *fault.As(err)
		e.Message = "the console failed at the upgrade: some versions of it cannot upgrade to what has more components"
		err = &e
	}
	if err != nil {
		return out, err
	}
	return provider.ActionResult[none]{Operation: o}, nil
}

// chosen is the install that an upgrade is for.
func chosen(rows []installRow, model string) (installRow, error) {
	if model == "" && len(rows) > 1 {
		return installRow{}, fault.Invalid("input.app_model_id", "is required: the app has %d app models", len(rows))
	}
	for _, r := range rows {
		if model == "" || r.Model == model {
			return r, nil
		}
	}
	return installRow{}, fault.Precondition("nothing of this app model is installed in the app")
}

// InstallInput is an app model that an app gets besides what it has.
type InstallInput struct {
	ModelID string `json:"app_model_id" required:"true" min:"1" max:"64" title:"App model"`
	Version string `json:"app_model_version" required:"true" min:"1" max:"64" title:"Version"`
	Deploy  *bool  `json:"is_deploy,omitempty" title:"Build and start" doc:"Left out: yes"`
}

// installMore installs another app model into an app. One that has it is no
// mistake: a repeat after a lost answer looks so, and the console would install
// it a second time.
func (h apps) installMore(ctx context.Context, req provider.TypedAction[InstallInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	switch {
	case !c.cfg.AllowResize:
		return out, notBilled()
	case c.cfg.MarketURL == "":
		return out, fault.Precondition("the account names no store")
	}
	b := purchase{at: h.clock.Now(), deploy: in.Deploy == nil || *in.Deploy, model: in.ModelID, version: in.Version}
	_, err = once.Buy(ctx, &h.purchases, h.clock, once.Purchase[AppState]{
		Key:    c.identity() + "\n" + c.region + "\ninstall\n" + req.ID + "\n" + in.ModelID,
		Settle: c.cfg.install(),
		Find: func(ctx context.Context) (provider.TypedFound[AppState], error) {
			rows, err := c.installs(ctx, n)
			if slices.ContainsFunc(rows, func(r installRow) bool { return r.Model == in.ModelID }) {
				return provider.TypedFound[AppState]{Things: []app{{ID: req.ID}}}, err
			}
			return provider.TypedFound[AppState]{}, err
		},
		Buy: func(ctx context.Context) (provider.Result[AppState], string, error) {
			if _, err := c.install(ctx, n, b); err != nil {
				return provider.Result[AppState]{}, "", err
			}
			return provider.Result[AppState]{}, req.ID, nil
		},
		Hidden: func(string) provider.Result[AppState] { return provider.Result[AppState]{} },
	})
	if err != nil || !b.deploy {
		return out, err
	}
	return provider.ActionResult[none]{Operation: h.begin(c, verbInstall, n, in.ModelID).String()}, nil
}

// notBilled refuses what makes an app larger without an order.
func notBilled() error {
	return fault.Precondition("nobody is billed for it: order another app, or let the operator allow it with the account's setting allow_resize")
}

// ScaleInput is the size of a component.
type ScaleInput struct {
	PartInput
	SizeInput
}

// SizeInput is a size; what is left out stays.
type SizeInput struct {
	MemoryMB int  `json:"memory_mb,omitempty" min:"64" max:"65536" title:"Memory in MB" doc:"Of one instance"`
	CPU      *int `json:"cpu_milli,omitempty" min:"0" max:"1000000" title:"Thousandths of a core" doc:"Of one instance; 0 is no bound"`
	GPU      *int `json:"gpu_memory_mb,omitempty" min:"0" max:"1048576" title:"Memory of cards in MB"`
	Nodes    int  `json:"nodes,omitempty" min:"1" max:"100" title:"Instances"`
}

// scale gives a component its size: that of one instance first, then their
// number. Both say what shall be, so a repeat does no harm.
func (h apps) scale(ctx context.Context, req provider.TypedAction[ScaleInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	if !c.cfg.AllowResize {
		return out, notBilled()
	}
	now, err := c.part(ctx, n, in.ServiceID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	memory := now.MemoryMB
	if in.MemoryMB != 0 {
		memory = in.MemoryMB
	}
	if memory == 0 && (in.CPU != nil || in.GPU != nil) {
		return out, fault.Invalid("input.memory_mb", "is required: the component has no bound of memory, and the console wants one")
	}
	size := object{"new_memory": memory}
	if in.CPU != nil {
		size["new_cpu"] = *in.CPU
	}
	if in.GPU != nil {
		size["new_gpu"] = *in.GPU
	}
	steps := []struct {
		wanted bool
		how    string
		body   object
	}{
		{in.MemoryMB != 0 && in.MemoryMB != now.MemoryMB || in.CPU != nil && *in.CPU != now.CPU || in.GPU != nil && *in.GPU != now.GPU, "vertical", size},
		{in.Nodes != 0 && in.Nodes != now.Nodes, "horizontal", object{"new_node": in.Nodes}},
	}
	done := false
	for _, s := range steps {
		if !s.wanted {
			continue
		}
		_, err := write[nothing](ctx, c, http.MethodPost, c.inApp(n, "services", in.ServiceID, "telescopic", s.how), nil, s.body)
		if err != nil && done {
			return out, fault.Unknown(err, "the size of its instances was changed, their number was not").From(fault.SourceCloud)
		}
		if err != nil {
			return out, err
		}
		done = true
	}
	return out, nil
}

// part reads one component of an app.
func (c *cloud) part(ctx context.Context, n int64, id string) (Component, error) {
	row, err := read[partRow](ctx, c, c.inApp(n, "services", id), nil)
	return row.component(), err
}

// removeComponent deletes one component with what leads to it; one that is gone
// is no mistake. It must be stopped before.
func (h apps) removeComponent(ctx context.Context, req provider.TypedAction[PartInput]) (provider.ActionResult[none], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	_, err = write[nothing](ctx, c, http.MethodDelete, c.inApp(n, "services", req.Input.ServiceID), nil, nil)
	return provider.ActionResult[none]{}, goneIsDone(err)
}

// Env is one variable of a component.
type Env struct {
	Name       string `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	Value      string `json:"value" secret:"true" title:"Value"`
	Note       string `json:"note,omitempty" max:"200" title:"Note"`
	Changeable bool   `json:"is_change,omitempty" title:"Can be changed in the console"`
	Scope      string `json:"scope,omitempty" enum:"inner,outer" title:"Scope" doc:"outer: also for components that use this one; empty is inner"`
}

// EnvsInput are variables that a component gets besides those that it has.
type EnvsInput struct {
	PartInput
	VariablesInput
}

// VariablesInput are variables.
type VariablesInput struct {
	Envs []Env `json:"envs" required:"true" min:"1" max:"100" title:"Variables"`
}

// setEnvs sets variables; they hold from the next roll on. The answer holds
// values and is not passed on.
func (h apps) setEnvs(ctx context.Context, req provider.TypedAction[EnvsInput]) (provider.ActionResult[none], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	var rows []object
	for _, e := range req.Input.Envs {
		rows = append(rows, object{"name": e.Name, "value": e.Value, "note": e.Note, "is_change": e.Changeable, "scope": firstText(e.Scope, "inner")})
	}
	_, err = write[nothing](ctx, c, http.MethodPut, c.inApp(n, "services", req.Input.ServiceID, "envs"), nil, object{"envs": rows})
	return provider.ActionResult[none]{}, err
}
