package main

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

const kindModel = "app_model"

// modelRow is an app model in the store's words.
type modelRow struct {
	ID       string       `json:"app_key_id"`
	Name     string       `json:"name"`
	Desc     string       `json:"desc"`
	Stage    string       `json:"dev_status"`
	Official bool         `json:"is_official"`
	Created  string       `json:"create_time"`
	Tags     []string     `json:"tags"`
	Versions []versionRow `json:"versions"`
}

// versionRow is a version of an app model in the store's words.
type versionRow struct {
	Version string `json:"app_version"`
	Alias   string `json:"app_version_alias"`
	Desc    string `json:"desc"`
	Needs   string `json:"rainbond_version"`
	Arch    string `json:"arch"`
	CPU     int    `json:"cpu"`
	Memory  int    `json:"memory"`
	Plugin  bool   `json:"is_plugin"`
	Updated string `json:"update_time"`
}

func (c *cloud) inStore() (url.Values, error) {
	if c.cfg.MarketURL == "" {
		return nil, fault.Precondition("the account names no store: give it market_url")
	}
	return url.Values{"marketDomain": {c.cfg.MarketDomain}}, nil
}

// storeName asks the store who it is, which needs a good key of it.
func (c *cloud) storeName(ctx context.Context) (string, error) {
	query, err := c.inStore()
	if err != nil {
		return "", err
	}
	out, err := readStore[struct {
		Name string `json:"name"`
	}](ctx, c, "/info", query)
	return firstText(out.Name, c.cfg.MarketURL), err
}

// eachModel walks the app models of the account's store.
func (c *cloud) eachModel(ctx context.Context, yield func(modelRow) error) error {
	query, err := c.inStore()
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, offset, limit int) ([]modelRow, int, error) {
		query.Set("page", strconv.Itoa(offset/limit+1))
		query.Set("pageSize", strconv.Itoa(limit))
		out, err := readStore[struct {
			Apps  []modelRow `json:"apps"`
			Total *int       `json:"total"`
		}](ctx, c, "/apps", query)
		if out.Total == nil {
			return out.Apps, page.UnknownTotal, err
		}
		return out.Apps, *out.Total, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r modelRow) string { return r.ID }, yield)
}

// ModelState is what an app model is.
type ModelState struct {
	Description string         `json:"description,omitempty" title:"Description"`
	Stage       string         `json:"dev_status,omitempty" title:"Stage"`
	Official    bool           `json:"is_official" title:"The vendor's own"`
	Tags        []string       `json:"tags,omitempty" title:"Tags"`
	Versions    []ModelVersion `json:"versions" title:"Versions"`
}

// ModelVersion is one version of an app model.
type ModelVersion struct {
	Version     string     `json:"app_version" title:"Version"`
	Alias       string     `json:"alias,omitempty" title:"Alias"`
	Description string     `json:"description,omitempty" title:"Description"`
	Needs       string     `json:"rainbond_version,omitempty" title:"Made with"`
	Arch        string     `json:"arch,omitempty" title:"Architecture"`
	CPU         int        `json:"cpu_milli" title:"Thousandths of a core"`
	MemoryMB    int        `json:"memory_mb" title:"Memory in MB"`
	Updated     *time.Time `json:"updated,omitempty" title:"Published last"`
}

func (r modelRow) state() ModelState {
	out := ModelState{Description: r.Desc, Stage: r.Stage, Official: r.Official, Tags: r.Tags, Versions: []ModelVersion{}}
	for _, v := range r.Versions {
		row := ModelVersion{
			Version: v.Version, Alias: v.Alias, Description: v.Desc, Needs: v.Needs, Arch: v.Arch, CPU: v.CPU, MemoryMB: v.Memory,
		}
		if at := moment(v.Updated); !at.IsZero() {
			row.Updated = &at
		}
		out.Versions = append(out.Versions, row)
	}
	return out
}

type model = provider.Thing[ModelState]

func (r modelRow) thing() model {
	return model{ID: r.ID, Name: r.Name, Status: provider.StatusFree, Created: moment(r.Created), State: r.state()}
}

// models is the handler of the kind app_model: what the account's store has.
type models struct{ *plugin }

func modelKind(p *plugin) *provider.Kind {
	return provider.KindOf[struct{}, ModelState](kindModel, "App model", models{p})
}

// known opens the account, which the console must know: the store asks for
// another key.
func (h models) known(ctx context.Context, call provider.Call) (*cloud, error) {
	c, err := h.open(call)
	if err != nil {
		return nil, err
	}
	_, err = c.here(ctx)
	return c, err
}

// Get reads one app model with its versions.
func (h models) Get(ctx context.Context, req provider.GetRequest) (model, error) {
	if req.ID == "" {
		return model{}, fault.Invalid("id", "is required")
	}
	c, err := h.known(ctx, req.Call)
	if err != nil {
		return model{}, err
	}
	query, err := c.inStore()
	if err != nil {
		return model{}, err
	}
	row, err := readStore[modelRow](ctx, c, path("apps", req.ID), query)
	if err != nil {
		return model{}, err
	}
	if len(row.Versions) == 0 {
		out, err := readStore[struct {
			Versions []versionRow `json:"versions"`
		}](ctx, c, path("apps", req.ID, "versions"), query)
		if err != nil {
			return model{}, err
		}
		row.Versions = out.Versions
	}
	return row.thing(), nil
}

// List streams the app models of the store; without a store there are none.
func (h models) List(ctx context.Context, req provider.ListRequest, yield func(model) error) error {
	c, err := h.known(ctx, req.Call)
	if err != nil || c.cfg.MarketURL == "" {
		return err
	}
	return c.eachModel(ctx, func(r modelRow) error { return yield(r.thing()) })
}
