package sim

import (
	"net/http"
	"slices"
	"time"
)

// group is one install of an app model in an app.
type group struct {
	ID      int64  `json:"id"`
	Market  string `json:"market"`
	Model   string `json:"model"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Updated is when the template installed was published, in Unix seconds.
	Updated int64 `json:"updated"`
}

// install makes the components of an app model. It is not idempotent: a second
// call makes a second group.
func install(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	m := market{
		URL: f.need("market_url", 255), Domain: f.need("market_domain", 64), Type: f.need("market_type", 64),
		Key: f.nullable("market_access_key", 64),
	}
	model, name := f.need("app_model_id", 64), f.need("app_model_version", 64)
	if f.err != nil {
		return nil, f.err
	}
	row := c.marketRow(m)
	a, v, err := c.fromStore(row, model, name)
	if err != nil {
		return nil, err
	}
	g := &group{ID: c.nextSeq(), Market: row.Name, Model: a.Key, Name: a.Name, Version: v.Version, Updated: v.UpdateUnix}
	if q.plan.Has(KindInstallFail) {
		return nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "install app failure", "安装应用发生异常，请稍后重试")
	}
	q.app.Groups = append(q.app.Groups, g)
	var parts []*component
	for _, t := range v.Components {
		parts = append(parts, c.fromTemplate(q.app, g, t, q.now))
	}
	if truthy(q.query.Get("is_deploy")) {
		c.deploySilently(q, parts)
	}
	c.count("install.app", q.app.Name, len(parts))
	return q.app.installed(), nil
}

// truthy is how the console reads is_deploy: any text at all, "false" too.
func truthy(v string) bool { return v != "" }

// marketRow finds the console's row of a store, or makes one. A row that
// exists wins: the key of the request is not looked at.
func (c *Cloud) marketRow(want market) *market {
	for _, m := range c.state.Markets {
		if m.Domain == want.Domain && m.URL == want.URL {
			return m
		}
	}
	want.ID = c.nextSeq()
	want.Name = hexID("market", want.ID)
	c.state.Markets = append(c.state.Markets, &want)
	return &want
}

func (c *Cloud) marketNamed(name string) *market {
	for _, m := range c.state.Markets {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// fromStore asks the store for a version with the key of the row.
func (c *Cloud) fromStore(m *market, model, name string) (*StoreApp, *StoreVersion, *apiError) {
	if len(c.cfg.StoreURLs) > 0 && !slices.Contains(c.cfg.StoreURLs, m.URL) {
		return nil, nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "store is unreachable", "应用商店请求失败")
	}
	if err := c.asStore(m); err != nil {
		return nil, nil, err
	}
	a := c.storeApp(model)
	if a == nil {
		return nil, nil, refuse(http.StatusNotFound, http.StatusNotFound, "resource not found", "资源不存在")
	}
	if name == "" {
		return a, nil, nil
	}
	v := a.version(name)
	if v == nil {
		return nil, nil, notFound("云端应用版本不存在")
	}
	return a, v, nil
}

// asStore turns the store's answer to the row's key into the console's.
func (c *Cloud) asStore(m *market) *apiError {
	switch err := c.openStore(m.Key); {
	case err == nil:
		return nil
	case err.status == http.StatusForbidden:
		e := refuse(http.StatusForbidden, codeStoreForbidden, "no store permission", "没有应用商店权限")
		e.body["data"] = map[string]any{"bean": map[string]any{"name": m.Name}, "list": []any{}}
		return e
	default:
		return refuse(http.StatusUnauthorized, codeNoStoreToken, "no store auth token", "缺少云应用市场token")
	}
}

// fromTemplate makes one component as the template says.
func (c *Cloud) fromTemplate(a *app, g *group, t Template, now time.Time) *component {
	p := c.newComponent(a, t.Name, t.Key, now)
	p.Key, p.Source, p.Group = t.Key, "market", g.ID
	p.CPU, p.MemoryMB, p.Nodes = t.CPU, t.MemoryMB, t.Nodes
	p.take(t, g.Version)
	return p
}

// take gives a component what a version of its template says; sizes stay as
// they are.
func (p *component) take(t Template, version string) {
	p.Image, p.Version = t.Image, version
	for _, n := range t.Ports {
		if !slices.ContainsFunc(p.Ports, func(o port) bool { return o.Number == n }) {
			p.Ports = append(p.Ports, port{Number: n, Protocol: t.Protocol, Alias: portAlias(p.Alias, n), Inner: true})
		}
	}
}

// installed is the answer of an install: every component that is now in the
// app, with empty states and addresses.
func (a *app) installed() map[string]any {
	list := []any{}
	for _, p := range a.Components {
		list = append(list, p.baseInfo(a, "", []string{}))
	}
	return map[string]any{
		"enterprise_id": enterpriseID, "team_id": a.Team, "note": a.Note, "ID": a.ID, "region_name": a.Region, "service_list": list,
	}
}
