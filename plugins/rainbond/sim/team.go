package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// keyMadeBy is the vendor's word for who made something.
const keyMadeBy = "creater" //nolint:misspell // the vendor's spelling

// team is one tenant.
type team struct {
	ID      int64     `json:"id"`
	Tenant  string    `json:"tenant"` // 32 hexadecimal digits
	Name    string    `json:"name"`
	Alias   string    `json:"alias"`
	Creator string    `json:"creator"`
	Regions []string  `json:"regions"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// team finds a team by its id or its name.
func (c *Cloud) team(idOrName string) *team {
	for _, t := range c.state.Teams {
		if t.Tenant == idOrName || t.Name == idOrName {
			return t
		}
	}
	return nil
}

func (c *Cloud) addTeam(name, alias, creator string, regions []string) *team {
	t := &team{ID: c.nextSeq(), Name: name, Alias: alias, Creator: creator, Regions: slices.Clone(regions), Created: c.now()}
	t.Tenant, t.Updated = hexID("team", t.ID), t.Created
	if t.Name == "" {
		t.Name = t.Tenant[:8]
	}
	if t.Alias == "" {
		t.Alias = t.Name
	}
	c.state.Teams = append(c.state.Teams, t)
	return t
}

// in tells whether the user may use the team: administrators may use each,
// others those they belong to or made.
func (u *User) in(t *team) bool {
	return u.Admin || t.Creator == u.Name || slices.Contains(u.Teams, t.Name)
}

func (t *team) row() map[string]any {
	return map[string]any{
		"ID": t.ID, "tenant_id": t.Tenant, "tenant_name": t.Name, "tenant_alias": t.Alias, "enterprise_id": enterpriseID,
		"is_active": true, "create_time": stamp(t.Created), keyMadeBy: t.Creator, "role_infos": []any{},
	}
}

func listTeams(c *Cloud, q *call) (any, *apiError) {
	var mine []map[string]any
	search := q.query.Get("query")
	for _, t := range c.state.Teams {
		if q.user.in(t) && strings.Contains(t.Alias, search) {
			mine = append(mine, t.row())
		}
	}
	rows, page, size, err := cut(q, mine, "page_size")
	if rows == nil {
		rows = []map[string]any{}
	}
	return map[string]any{"tenants": rows, "total": len(mine), "page": page, "page_size": size}, err
}

// createTeam takes the name as the alias: the technical name is made up.
func createTeam(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	alias, region := f.need("tenant_name", 24), f.text("region", 64)
	if f.err != nil {
		return nil, f.err
	}
	var regions []string
	if region != "" {
		if c.region(region) == nil {
			return nil, refuse(http.StatusNotFound, codeNoRegion, "region not found", "数据中心不存在")
		}
		regions = []string{region}
	}
	t := c.addTeam("", alias, q.user.Name, regions)
	c.count("team.name", alias, 1)
	return map[string]any{
		"tenant_id": t.Tenant, "tenant_name": t.Name, "region": region, "is_active": true, "create_time": stamp(t.Created),
		keyMadeBy: t.ID, "limit_memory": 0, "update_time": stamp(t.Updated), "tenant_alias": alias, "enterprise_id": enterpriseID,
	}, nil
}

func getTeam(_ *Cloud, q *call) (any, *apiError) { return q.team.row(), nil }

func updateTeam(_ *Cloud, q *call) (any, *apiError) {
	f := q.form()
	alias := f.text("tenant_alias", 24)
	if f.err != nil {
		return nil, f.err
	}
	if alias != "" {
		q.team.Alias, q.team.Updated = alias, q.now
	}
	return nil, nil
}

func deleteTeam(c *Cloud, q *call) (any, *apiError) {
	for _, a := range c.state.Apps {
		if a.Team == q.team.Tenant && len(a.Components) > 0 {
			return nil, bare("团队内有组件，请先删除")
		}
	}
	c.state.Apps = slices.DeleteFunc(c.state.Apps, func(a *app) bool { return a.Team == q.team.Tenant })
	c.state.Teams = slices.DeleteFunc(c.state.Teams, func(t *team) bool { return t == q.team })
	return nil, nil
}

// region finds a cluster by its name or id.
func (c *Cloud) region(nameOrID string) *Region {
	for i := range c.cfg.Regions {
		r := &c.cfg.Regions[i]
		if r.Name == nameOrID || hexID("region", r.Name) == nameOrID {
			return r
		}
	}
	return nil
}

// row is the region as administrators see it, with the keys of the cluster.
func (r *Region) row() map[string]any {
	return map[string]any{
		"region_id": hexID("region", r.Name), "region_name": r.Name, "region_alias": r.Alias,
		"url": "https://" + r.Name + ".example:8443", "wsurl": "ws://" + r.Name + ".example:6060",
		"httpdomain": r.Name + ".apps.example", "tcpdomain": "192.0.2.10", "status": r.Status, "desc": "", "scope": "public",
		"ssl_ca_cert": ClusterSecret + " ca", "cert_file": ClusterSecret + " certificate", "key_file": ClusterSecret + " key",
	}
}

// ClusterSecret begins every certificate and key of a cluster in an answer, so
// that a test can prove that a client passes none of them on.
const ClusterSecret = "simulated cluster secret"

func listRegions(c *Cloud, q *call) (any, *apiError) {
	if !q.user.Admin {
		return nil, exception(http.StatusForbidden, "您没有执行该操作的权限。", "PermissionDenied")
	}
	rows := []any{}
	for i := range c.cfg.Regions {
		rows = append(rows, c.cfg.Regions[i].row())
	}
	return rows, nil
}

func getRegion(c *Cloud, q *call) (any, *apiError) {
	if !q.user.Admin {
		return nil, exception(http.StatusForbidden, "您没有执行该操作的权限。", "PermissionDenied")
	}
	r := c.region(q.vars["which"])
	if r == nil {
		return nil, refuse(http.StatusNotFound, codeNoRegion, "region not found", "数据中心不存在")
	}
	row := r.row()
	if q.query.Get("extend_info") == "true" {
		cpu, memory := c.used(func(a *app) bool { return a.Region == r.Name })
		for k, v := range map[string]any{
			"used_cpu": cores(cpu), "total_cpu": r.CPU, "used_memory": memory, "total_memory": r.MemoryMB, "used_disk": 0,
			"total_disk": r.DiskGB, "all_nodes": r.Nodes, "run_nodes": r.Nodes, "health_status": "ok",
		} {
			row[k] = v
		}
	}
	return row, nil
}

// cores rounds thousandths of a core up.
func cores(milli int) int { return (milli + 999) / 1000 }

func listTeamRegions(c *Cloud, q *call) (any, *apiError) {
	rows := []any{}
	for _, name := range q.team.Regions {
		if r := c.region(name); r != nil {
			rows = append(rows, map[string]any{
				"region_id": hexID("region", r.Name), "region_name": r.Name, "region_alias": r.Alias, "region_status": r.Status,
				"tenant_name": q.team.Name, "is_active": true, "is_init": true,
			})
		}
	}
	return map[string]any{"total": len(rows), "regions": rows}, nil
}

func openRegion(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	name := f.need("region", 64)
	if f.err != nil {
		return nil, f.err
	}
	if c.region(name) == nil {
		return nil, refuse(http.StatusNotFound, codeNoRegion, "region not found", "数据中心不存在")
	}
	if !slices.Contains(q.team.Regions, name) {
		q.team.Regions = append(q.team.Regions, name)
	}
	return q.team.row(), nil
}

// used sums thousandths of a core and MB of what runs in the apps chosen.
func (c *Cloud) used(of func(*app) bool) (cpu, memory int) {
	for _, a := range c.state.Apps {
		if !of(a) {
			continue
		}
		more, mem := a.used()
		cpu, memory = cpu+more, memory+mem
	}
	return cpu, memory
}

func (q *call) mine(a *app) bool { return a.Team == q.team.Tenant && a.Region == q.region.Name }

func teamResource(c *Cloud, q *call) (any, *apiError) {
	cpu, memory := c.used(q.mine)
	return map[string]any{
		"total_cpu": q.region.CPU * 1000, "total_memory": q.region.MemoryMB, "used_cpu": cpu, "used_memory": memory,
		"used_cpu_percentage": share(cpu, q.region.CPU*1000), "used_memory_percentage": share(memory, q.region.MemoryMB),
	}, nil
}

func share(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return part * 100 / whole
}

func teamOverview(c *Cloud, q *call) (any, *apiError) {
	answer, err := teamResource(c, q)
	if err != nil {
		return nil, err
	}
	apps, parts := 0, 0
	for _, a := range c.state.Apps {
		if q.mine(a) {
			apps, parts = apps+1, parts+len(a.Components)
		}
	}
	row := map[string]any{"app_nums": apps, "component_nums": parts}
	if more, ok := answer.(map[string]any); ok {
		for k, v := range more {
			row[k] = v
		}
	}
	return row, nil
}
