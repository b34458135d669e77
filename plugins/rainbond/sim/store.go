package sim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// openStore checks a key of the store.
func (c *Cloud) openStore(key string) *apiError {
	for _, k := range c.cfg.StoreKeys {
		if k.Key != key || key == "" {
			continue
		}
		if k.Denied {
			return storeError(http.StatusForbidden, "permission denied")
		}
		return nil
	}
	return storeError(http.StatusUnauthorized, "unauthorized")
}

func storeInfo(_ *Cloud, _ *call) (any, *apiError) {
	return map[string]any{"name": "Simulated store", "description": "", "type": "rainstore", "status": 1, "access_actions": []string{"OnlyRead"}}, nil
}

func unix(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

func (a *StoreApp) row(domain string) map[string]any {
	versions := []any{}
	var first, last int64
	for i := range a.Versions {
		v := &a.Versions[i]
		versions = append(versions, v.row(a.Key))
		if first == 0 || v.UpdateUnix < first {
			first = v.UpdateUnix
		}
		last = max(last, v.UpdateUnix)
	}
	tags := a.Tags
	if tags == nil {
		tags = []string{}
	}
	return map[string]any{
		"app_key_id": a.Key, "name": a.Name, "desc": a.Desc, "introduction": a.Desc, "logo": "", "dev_status": "release",
		"is_official": a.Official, "install_count": 0, "create_time": unix(first), "update_time": unix(last), "tags": tags,
		"market_id": "m1", "market_name": "Simulated store", "market_url": domain, "versions": versions,
	}
}

func (v *StoreVersion) row(key string) map[string]any {
	cpu, memory := v.sums()
	return map[string]any{
		"app_key_id": key, "app_version": v.Version, "app_version_alias": v.Alias, "desc": "", "rainbond_version": "6.9.8",
		"arch": v.Arch, "cpu": cpu, "memory": memory, "is_plugin": false, "create_time": unix(v.UpdateUnix),
		"update_time": unix(v.UpdateUnix), "update_version": 1,
	}
}

func listStoreApps(c *Cloud, q *call) (any, *apiError) {
	var all []*StoreApp
	for i := range c.storeApps {
		if strings.Contains(strings.ToLower(c.storeApps[i].Name), strings.ToLower(q.query.Get("query"))) {
			all = append(all, &c.storeApps[i])
		}
	}
	chosen, page, size, err := cut(q, all, "pageSize")
	rows := []any{}
	for _, a := range chosen {
		rows = append(rows, a.row(q.query.Get("marketDomain")))
	}
	return map[string]any{"apps": rows, "page": page, "page_size": size, "total": len(all)}, err
}

// model is the app model that the path names.
func (c *Cloud) model(q *call) (*StoreApp, *apiError) {
	q.subject = q.vars["model"]
	if a := c.storeApp(q.subject); a != nil {
		return a, nil
	}
	return nil, storeError(http.StatusNotFound, "app not found")
}

func getStoreApp(c *Cloud, q *call) (any, *apiError) {
	a, err := c.model(q)
	if err != nil {
		return nil, err
	}
	return a.row(q.query.Get("marketDomain")), nil
}

func listStoreVersions(c *Cloud, q *call) (any, *apiError) {
	a, err := c.model(q)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for i := range a.Versions {
		rows = append(rows, a.Versions[i].row(a.Key))
	}
	return map[string]any{"versions": rows, "total": len(rows)}, nil
}

func getStoreVersion(c *Cloud, q *call) (any, *apiError) {
	a, err := c.model(q)
	if err != nil {
		return nil, err
	}
	v := a.version(q.vars["version"])
	if v == nil {
		return nil, storeError(http.StatusNotFound, "version not found")
	}
	row := v.row(a.Key)
	if q.query.Get("getTemplate") == "true" {
		template, merr := json.Marshal(map[string]any{"group_key": a.Key, "group_name": a.Name, "group_version": v.Version, "apps": v.Components})
		if merr != nil {
			return nil, storeError(http.StatusInternalServerError, "the template cannot be written")
		}
		row["template"] = string(template)
	}
	return row, nil
}
