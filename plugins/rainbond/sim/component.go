package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// component is one workload of an app.
type component struct {
	ID       string    `json:"id"`    // 32 hexadecimal digits
	Alias    string    `json:"alias"` // gr and six digits
	Name     string    `json:"name"`
	K8sName  string    `json:"k8s_name"`
	Key      string    `json:"key"` // of the template's component
	Image    string    `json:"image"`
	Source   string    `json:"source"`
	Group    int64     `json:"group"` // the install group; 0 is none
	Version  string    `json:"version"`
	CPU      int       `json:"cpu"`
	GPU      int       `json:"gpu"`
	MemoryMB int       `json:"memory_mb"`
	Nodes    int       `json:"nodes"`
	Built    bool      `json:"built"`
	Created  time.Time `json:"created"`

	Status string `json:"status"`
	Steps  []step `json:"steps,omitempty"`
	Ports  []port `json:"ports"`
	Envs   []env  `json:"envs"`
}

// env is one variable of a component.
type env struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Note     string `json:"note"`
	IsChange bool   `json:"is_change"`
	Scope    string `json:"scope"`
}

// baseInfo is the console's ServiceBaseInfo; status is nil when it is not known.
func (p *component) baseInfo(a *app, status any, access []string) map[string]any {
	source := "source_code"
	if p.Source != "" {
		source = p.Source
	}
	return map[string]any{
		"status": status, "access_infos": access, "service_id": p.ID, "tenant_id": a.Team, "service_key": "application",
		"service_alias": p.Alias, "service_cname": p.Name, "service_region": a.Region, "desc": nil, "category": "app_publish",
		"version": p.Version, "update_version": 1, "image": p.Image, "cmd": nil, "min_node": p.Nodes, "min_cpu": p.CPU,
		"container_gpu": p.GPU, "min_memory": p.MemoryMB, "extend_method": "stateless_multiple", "code_from": nil, "git_url": nil,
		"git_project_id": 0, "code_version": nil, "service_type": "application", keyMadeBy: 1, "language": nil,
		"total_memory": p.MemoryMB * p.Nodes, "is_service": false, "service_origin": "assistant",
		"tenant_service_group_id": p.Group, "open_webhooks": false, "service_source": source, "create_status": "complete",
		"check_uuid": nil, "check_event_id": nil, "docker_cmd": nil, "server_type": "git", "is_upgrate": false,
		"build_upgrade": true, "oauth_service_id": nil, "k8s_component_name": p.K8sName, "arch": "amd64",
	}
}

// access lists the addresses under which a component can be reached.
func (p *component) access(a *app) []string {
	out := []string{}
	for _, r := range a.HTTPRules {
		if r.Service == p.ID {
			out = append(out, r.scheme()+"://"+r.Domain+r.Path)
		}
	}
	for _, r := range a.TCPRules {
		if r.Service == p.ID {
			out = append(out, r.EndPoint)
		}
	}
	return out
}

func (p *component) live(a *app, q *call) map[string]any {
	var status any = p.Status
	if q.plan.Has(KindRegionDown) {
		status = nil
	}
	return p.baseInfo(a, status, p.access(a))
}

func listComponents(_ *Cloud, q *call) (any, *apiError) {
	rows := []any{}
	for _, p := range q.app.Components {
		rows = append(rows, p.live(q.app, q))
	}
	return rows, nil
}

func getComponent(_ *Cloud, q *call) (any, *apiError) { return q.part.live(q.app, q), nil }

// newComponent adds a component; a name that is taken in the app gets a suffix.
func (c *Cloud) newComponent(a *app, name, k8s string, now time.Time) *component {
	n := c.nextSeq()
	id := hexID("component", n)
	p := &component{ID: id, Alias: "gr" + id[26:], Name: name, K8sName: k8s, Status: statusUndeploy, Nodes: 1, Created: now}
	for _, other := range a.Components {
		if other.Name == p.Name {
			p.Name = fmt.Sprintf("%s-%s", name, id[:4])
		}
		if other.K8sName == p.K8sName {
			p.K8sName = fmt.Sprintf("%s-%s", k8s, id[:4])
		}
	}
	a.Components = append(a.Components, p)
	return p
}

// addComponent makes one component from an image.
func addComponent(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	group := f.number("group_id", 0, 1<<40, 0)
	name, image, k8s := f.need("service_cname", 100), f.need("image", 512), f.text("k8s_component_name", 63)
	deploy := !f.has("is_deploy") || f.flag("is_deploy")
	if f.err == nil && int64(group) != q.app.ID {
		f.fail("group_id", "与路径中的应用不一致。")
	}
	if f.err != nil {
		return nil, f.err
	}
	if k8s == "" {
		k8s = "c" + hexID("k8s", c.state.Seq)[:6]
	}
	p := c.newComponent(q.app, name, k8s, q.now)
	p.Image, p.Source, p.CPU, p.MemoryMB = image, "docker_run", 0, 512
	if deploy {
		c.deploySilently(q, []*component{p})
	}
	c.count("component.name", name, 1)
	return envelope(map[string]any{"service_id": p.ID}, nil), nil
}

func deleteComponent(_ *Cloud, q *call) (any, *apiError) {
	if q.part.occupies() && q.query.Get("force") != "1" && q.query.Get("force") != "true" {
		return nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "component is running", "组件可能处于运行状态,请先关闭组件")
	}
	q.app.drop(q.part)
	return nil, nil
}

// drop takes a component away with the rules that lead to it.
func (a *app) drop(gone *component) {
	a.Components = slices.DeleteFunc(a.Components, func(p *component) bool { return p == gone })
	a.HTTPRules = slices.DeleteFunc(a.HTTPRules, func(r *httpRule) bool { return r.Service == gone.ID })
	a.TCPRules = slices.DeleteFunc(a.TCPRules, func(r *tcpRule) bool { return r.Service == gone.ID })
	a.Groups = slices.DeleteFunc(a.Groups, func(g *group) bool {
		return !slices.ContainsFunc(a.Components, func(p *component) bool { return p.Group == g.ID })
	})
}

func scaleVertical(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	if _, ok := f.values["new_memory"]; !ok {
		f.fail("new_memory", msgRequired)
	}
	memory := f.number("new_memory", 64, 65536, q.part.MemoryMB)
	cpu, gpu := f.number("new_cpu", 0, 1000000, q.part.CPU), f.number("new_gpu", 0, 1<<20, q.part.GPU)
	if f.err != nil {
		return nil, f.err
	}
	if q.part.occupies() && !c.fits(q.region, (memory-q.part.MemoryMB)*q.part.Nodes) {
		return nil, noResources()
	}
	q.part.CPU, q.part.GPU, q.part.MemoryMB = cpu, gpu, memory
	c.roll(q, q.part, "vertical-service")
	return nil, nil
}

func scaleHorizontal(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	if _, ok := f.values["new_node"]; !ok {
		f.fail("new_node", msgRequired)
	}
	nodes := f.number("new_node", 1, 100, q.part.Nodes)
	if f.err != nil {
		return nil, f.err
	}
	if q.part.occupies() && !c.fits(q.region, (nodes-q.part.Nodes)*q.part.MemoryMB) {
		return nil, noResources()
	}
	q.part.Nodes = nodes
	c.note(q, q.app, q.part, "horizontal-service", 0)
	return nil, nil
}

func putEnvs(_ *Cloud, q *call) (any, *apiError) {
	f := q.form()
	var envs []env
	if !f.into("envs", &envs) {
		f.fail("envs", msgRequired)
	}
	for _, e := range envs {
		if e.Name == "" || len(e.Name) > 128 || len(envs) > 500 {
			f.fail("envs", "请填写合法的值。")
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	for _, e := range envs {
		at := slices.IndexFunc(q.part.Envs, func(o env) bool { return o.Name == e.Name })
		if at < 0 {
			q.part.Envs = append(q.part.Envs, e)
		} else {
			q.part.Envs[at] = e
		}
	}
	return map[string]any{"envs": q.part.Envs}, nil
}
