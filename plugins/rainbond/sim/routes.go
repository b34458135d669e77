package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Names of calls that faults know.
const (
	opInstall        = "install"
	opOperate        = "operate"
	opClose          = "close"
	opUpgrade        = "upgrade"
	opAddComponent   = "add_component"
	opListComponents = "list_components"
	opGetComponent   = "get_component"
	opGetApp         = "get_app"
	opDeleteApp      = "delete_app"
)

// op is one row of the API.
type op struct {
	// name is what faults and the call log know the call by.
	name   string
	method string
	// path has "{x}" for a variable part.
	path []string
	// writes marks calls that can change something, store those of the store.
	writes, store bool
	status        int
	run           handler
}

// handler answers one operation.
type handler = func(*Cloud, *call) (any, *apiError)

const (
	root    = "openapi/v1/"
	inTeam  = root + "teams/{team}/"
	inReg   = inTeam + "regions/{region}/"
	inApp   = inReg + "apps/{app}/"
	inPart  = inApp + "services/{service}/"
	inStore = "app-server/openapi/"
)

func read(name, where string, run handler) op {
	return op{name: name, method: http.MethodGet, path: strings.Split(where, "/"), status: http.StatusOK, run: run}
}

func write(name, method, where string, run handler) op {
	o := read(name, where, run)
	o.method, o.writes = method, true
	return o
}

func made(name, where string, run handler) op {
	o := write(name, http.MethodPost, where, run)
	o.status = http.StatusCreated
	return o
}

func ofStore(name, where string, run handler) op {
	o := read(name, inStore+where, run)
	o.store = true
	return o
}

// operations is the API: every call that exists.
func operations() []op {
	const post, put, del = http.MethodPost, http.MethodPut, http.MethodDelete
	return []op{
		read("list_regions", root+"regions", listRegions),
		read("get_region", root+"regions/{which}", getRegion),
		read("list_teams", root+"teams", listTeams),
		made("create_team", root+"teams", createTeam),
		read("get_team", root+"teams/{team}", getTeam),
		write("update_team", put, root+"teams/{team}", updateTeam),
		write("delete_team", del, root+"teams/{team}", deleteTeam),
		read("list_team_regions", inTeam+"regions", listTeamRegions),
		made("open_region", inTeam+"regions", openRegion),
		read("team_resource", inReg+"resource", teamResource),
		read("team_overview", inReg+"overview", teamOverview),
		read("list_apps", inReg+"apps", listApps),
		made("create_app", inReg+"apps", createApp),
		write(opClose, post, inReg+"apps/close", closeComponents),
		read(opGetApp, inReg+"apps/{app}", getApp),
		write(opDeleteApp, del, inReg+"apps/{app}", deleteApp),
		write("purge_app", del, inReg+"app/{app}/delete", purgeApp),
		write(opInstall, post, inApp+"install", install),
		write(opOperate, post, inApp+"operations", operate),
		read("get_upgrade", inApp+"upgrade", getUpgrade),
		write(opUpgrade, post, inApp+"upgrade", upgrade),
		read(opListComponents, inApp+"services", listComponents),
		write(opAddComponent, post, inApp+"services", addComponent),
		read(opGetComponent, inApp+"services/{service}", getComponent),
		write("delete_component", del, inApp+"services/{service}", deleteComponent),
		read("list_events", inPart+"events", listEvents),
		read("event_log", inReg+"events/{event}/logs", eventLog),
		write("scale_vertical", post, inPart+"telescopic/vertical", scaleVertical),
		write("scale_horizontal", post, inPart+"telescopic/horizontal", scaleHorizontal),
		write("put_envs", put, inPart+"envs", putEnvs),
		read("list_ports", inPart+"ports", listPorts),
		write("add_port", post, inPart+"ports", addPort),
		write("update_port", put, inPart+"ports/{port}", updatePort),
		write("delete_port", del, inPart+"ports/{port}", deletePort),
		read("list_http_rules", inApp+"httpdomains", listHTTPRules),
		made("create_http_rule", inApp+"httpdomains", createHTTPRule),
		read("get_http_rule", inApp+"httpdomains/{rule}", getHTTPRule),
		write("update_http_rule", put, inApp+"httpdomains/{rule}", updateHTTPRule),
		write("delete_http_rule", del, inApp+"httpdomains/{rule}", deleteHTTPRule),
		read("list_rules", inApp+"domains", listRules),
		made("create_tcp_rule", inApp+"domains", createTCPRule),
		write("delete_tcp_rule", del, inApp+"domains/{rule}", deleteTCPRule),
		ofStore("store_info", "info", storeInfo),
		ofStore("store_apps", "apps", listStoreApps),
		ofStore("store_app", "apps/{model}", getStoreApp),
		ofStore("store_versions", "apps/{model}/versions", listStoreVersions),
		ofStore("store_version", "apps/{model}/versions/{version}", getStoreVersion),
	}
}

// matches returns the variable parts of the path, or false.
func (o *op) matches(parts []string) (map[string]string, bool) {
	if len(parts) != len(o.path) {
		return nil, false
	}
	vars := map[string]string{}
	for i, p := range o.path {
		name, variable := strings.CutPrefix(p, "{")
		switch {
		case variable && parts[i] != "":
			vars[strings.TrimSuffix(name, "}")] = parts[i]
		case p != parts[i]:
			return nil, false
		}
	}
	return vars, true
}

// route finds the operation: the first row that matches wins, so a fixed path
// stands before a variable one. A slash at the end makes another path.
func (c *Cloud) route(r *http.Request, q *call) *apiError {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	known := false
	for i := range c.ops {
		vars, ok := c.ops[i].matches(parts)
		if !ok {
			continue
		}
		known = true
		if c.ops[i].method == r.Method {
			q.op, q.vars = &c.ops[i], vars
			return nil
		}
	}
	if known {
		return exception(http.StatusMethodNotAllowed, "Method \""+r.Method+"\" not allowed.", "MethodNotAllowed")
	}
	return exception(http.StatusNotFound, "Not found.", "NotFound")
}

// resolve finds team, region, app and component of the path, in that order.
func (c *Cloud) resolve(q *call) *apiError {
	if name, ok := q.vars["team"]; ok {
		q.subject = name
		q.team = c.team(name)
		if q.team == nil {
			return notFound("团队不存在")
		}
		if !q.user.in(q.team) {
			return exception(http.StatusForbidden, "您没有执行该操作的权限。", "PermissionDenied")
		}
	}
	if name, ok := q.vars["region"]; ok {
		q.region = c.region(name)
		if q.region == nil {
			return refuse(http.StatusNotFound, codeNoRegion, "region not found", "数据中心不存在")
		}
		if !slices.Contains(q.team.Regions, name) {
			return refuse(http.StatusConflict, codeNotOpened, "team is not initialized in the region", "团队未在该集群初始化")
		}
	}
	return c.resolveApp(q)
}

func (c *Cloud) resolveApp(q *call) *apiError {
	if id, ok := q.vars["app"]; ok {
		n, _ := strconv.ParseInt(id, 10, 64)
		q.app = c.appOf(n, q.team, q.region)
		if q.app == nil {
			return notFound("应用不存在")
		}
		q.subject = q.app.Name
	}
	if id, ok := q.vars["service"]; ok {
		q.part = q.app.component(id)
		if q.part == nil {
			return notFound("组件不存在")
		}
	}
	return nil
}
