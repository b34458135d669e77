package sim

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// app is one application of a team in a region.
type app struct {
	ID       int64     `json:"id"`
	Team     string    `json:"team"` // the team's id
	Region   string    `json:"region"`
	Name     string    `json:"name"`
	Note     string    `json:"note"`
	K8sApp   string    `json:"k8s_app"`
	Username string    `json:"username"`
	Created  time.Time `json:"created"`

	Groups     []*group     `json:"groups"`
	Components []*component `json:"components"`
	HTTPRules  []*httpRule  `json:"http_rules"`
	TCPRules   []*tcpRule   `json:"tcp_rules"`
	Events     []*event     `json:"events"`
}

var appName = regexp.MustCompile(`^[a-zA-Z0-9_.\-\x{4e00}-\x{9fa5}]+$`)

func (c *Cloud) appOf(id int64, t *team, r *Region) *app {
	for _, a := range c.state.Apps {
		if a.ID == id && a.Team == t.Tenant && a.Region == r.Name {
			return a
		}
	}
	return nil
}

// component finds a component by its id or its alias.
func (a *app) component(idOrAlias string) *component {
	for _, p := range a.Components {
		if p.ID == idOrAlias || p.Alias == idOrAlias {
			return p
		}
	}
	return nil
}

// used sums thousandths of a core and MB of what runs.
func (a *app) used() (cpu, memory int) {
	for _, p := range a.Components {
		if p.occupies() {
			cpu, memory = cpu+p.CPU*p.Nodes, memory+p.MemoryMB*p.Nodes
		}
	}
	return cpu, memory
}

// row holds all columns of the console's table of apps.
func (a *app) row() map[string]any {
	return map[string]any{
		"ID": a.ID, "app_id": a.ID, "tenant_id": a.Team, "group_name": a.Name, "region_name": a.Region, "is_default": false,
		"order_index": 0, "note": a.Note, "username": a.Username, "governance_mode": "KUBERNETES_NATIVE_SERVICE",
		"create_time": stamp(a.Created), "update_time": stamp(a.Created), "app_type": "rainbond", "app_store_name": nil,
		"app_store_url": nil, "app_template_name": nil, "version": nil, "logo": "", "k8s_app": a.K8sApp,
	}
}

func listApps(c *Cloud, q *call) (any, *apiError) {
	rows := []any{}
	for _, a := range c.state.Apps {
		if q.mine(a) && strings.Contains(a.Name, q.query.Get("query")) {
			rows = append(rows, a.row())
		}
	}
	return rows, nil
}

func createApp(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	name, note, k8s := f.need("app_name", 128), f.text("app_note", 2048), f.text("k8s_app", 63)
	if f.err == nil && !appName.MatchString(name) {
		f.fail("app_name", "应用名称只支持中文、字母、数字、下划线、中划线和点。")
	}
	if f.err != nil {
		return nil, f.err
	}
	for _, a := range c.state.Apps {
		switch {
		case q.mine(a) && a.Name == name:
			return nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "app name exist", "应用名称已存在")
		case q.mine(a) && k8s != "" && a.K8sApp == k8s:
			return nil, refuse(http.StatusBadRequest, codeK8sAppTaken, "k8s app name exists", "集群内应用名称已存在")
		}
	}
	a := &app{
		ID: c.nextSeq(), Team: q.team.Tenant, Region: q.region.Name, Name: name, Note: note, K8sApp: k8s,
		Username: q.user.Name, Created: q.now,
	}
	if k8s == "" {
		a.K8sApp = "app-" + hexID("app", a.ID)[:6]
	}
	c.state.Apps = append(c.state.Apps, a)
	c.count("app.name", name, 1)
	c.count("app.note", note, 1)
	q.subject = name
	return a.row(), nil
}

func getApp(c *Cloud, q *call) (any, *apiError) {
	a := q.app
	row := a.row()
	cpu, memory := a.used()
	running := 0
	for _, p := range a.Components {
		if p.Status == statusRunning {
			running++
		}
	}
	status := "part_running"
	switch {
	case running == 0 || q.plan.Has(KindRegionDown):
		status, running = "closed", 0
	case running == len(a.Components):
		status = "running"
	}
	for k, v := range map[string]any{
		"enterprise_id": enterpriseID, "team_name": q.team.Name, "service_count": len(a.Components),
		"running_service_count": running, "used_cpu": cpu, "used_momory": memory, "status": status,
	} {
		row[k] = v
	}
	return row, nil
}

// deleteApp refuses while something may run; without statuses everything may.
func deleteApp(c *Cloud, q *call) (any, *apiError) {
	for _, p := range q.app.Components {
		if q.plan.Has(KindRegionDown) || p.occupies() {
			return nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "there are running components", "应用下有组件正在运行，请先关闭")
		}
	}
	c.dropApp(q.app)
	return nil, nil
}

// purgeApp deletes the app and everything in it, running or not.
func purgeApp(c *Cloud, q *call) (any, *apiError) {
	c.dropApp(q.app)
	return envelope(nil, nil), nil
}

func (c *Cloud) dropApp(gone *app) {
	c.state.Apps = slices.DeleteFunc(c.state.Apps, func(a *app) bool { return a == gone })
}

// count notes a purchase by one of its values.
func (c *Cloud) count(field, value string, resources int) {
	if value == "" {
		return
	}
	if c.state.Bought[field] == nil {
		c.state.Bought[field] = map[string]Bought{}
	}
	b := c.state.Bought[field][value]
	c.state.Bought[field][value] = Bought{Orders: b.Orders + 1, Resources: b.Resources + resources}
}
