package sim

import (
	"net/http"
	"slices"
	"time"
)

// Words of the state of a component.
const (
	statusUndeploy = "undeploy"
	statusStarting = "starting"
	statusRunning  = "running"
	statusUpgrade  = "upgrade"
	statusStopping = "stopping"
	statusClosed   = "closed"
	statusAbnormal = "abnormal"
)

// step is a state that comes at its time.
type step struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
}

// occupies tells whether the component holds memory of the cluster.
func (p *component) occupies() bool { return p.Status != statusUndeploy && p.Status != statusClosed }

// become starts a way through states: the first at once, each other one
// transition later.
func (c *Cloud) become(p *component, now time.Time, states ...string) {
	p.Status, p.Steps = states[0], nil
	for i, s := range states[1:] {
		p.Steps = append(p.Steps, step{At: now.Add(time.Duration(i+1) * c.transition()), Status: s})
	}
	p.settle(now)
}

func (p *component) settle(now time.Time) {
	for len(p.Steps) > 0 && !now.Before(p.Steps[0].At) {
		p.Status, p.Steps = p.Steps[0].Status, p.Steps[1:]
	}
}

// settle brings every component to the state that is due.
func (c *Cloud) settle(now time.Time) {
	for _, a := range c.state.Apps {
		for _, p := range a.Components {
			p.settle(now)
		}
	}
}

// fits tells whether the cluster has that many MB more; 0 MB of a region is no bound.
func (c *Cloud) fits(r *Region, more int) bool {
	_, used := c.used(func(a *app) bool { return a.Region == r.Name })
	return r.MemoryMB == 0 || more <= 0 || used+more <= r.MemoryMB
}

// needs sums the MB that the components do not hold yet.
func needs(parts []*component) int {
	sum := 0
	for _, p := range parts {
		if !p.occupies() {
			sum += p.MemoryMB * p.Nodes
		}
	}
	return sum
}

// launch brings a component to running, or to abnormal by a fault.
func (c *Cloud) launch(q *call, p *component, kind string) {
	first, last := statusStarting, statusRunning
	if p.Status == statusRunning {
		first = statusUpgrade
	}
	if q.plan.Has(KindAbnormal) {
		last = statusAbnormal
	}
	c.become(p, q.now, first, last)
	c.note(q, q.app, p, kind, c.transition())
}

// roll restarts a running component after a change of its size.
func (c *Cloud) roll(q *call, p *component, kind string) {
	if p.Status == statusRunning {
		c.launch(q, p, kind)
		return
	}
	c.note(q, q.app, p, kind, 0)
}

// deploySilently builds and starts components; a failure is swallowed.
func (c *Cloud) deploySilently(q *call, parts []*component) {
	if q.plan.Has(KindDeployLost) || !c.fits(q.region, needs(parts)) {
		return
	}
	for _, p := range parts {
		p.Built = true
		c.launch(q, p, "deploy")
	}
}

// permission is the code that a role needs for an action; 0 is no action.
func permission(action string) int {
	return map[string]int{"start": 300005, "stop": 300006, "upgrade": 300007, "deploy": 300008}[action]
}

// chosen are the components that a body names, or all.
func (f *fields) chosen(all []*component) []*component {
	var ids []string
	f.into("service_ids", &ids)
	if !f.has("service_ids") {
		return all
	}
	var out []*component
	for _, p := range all {
		if slices.Contains(ids, p.ID) {
			out = append(out, p)
		}
	}
	return out
}

func operate(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	action := f.need("action", 32)
	if f.err == nil && permission(action) == 0 {
		f.fail("action", "\""+action+"\" 不是合法选项。")
	}
	parts := f.chosen(q.app.Components)
	if f.err != nil {
		return nil, f.err
	}
	if !q.user.Admin && slices.Contains(q.user.Deny, action) {
		return nil, noPermission()
	}
	if action == "stop" {
		c.stop(q, parts)
		return map[string]any{"msg": "操作成功"}, nil
	}
	if !c.fits(q.region, needs(parts)) {
		return nil, noResources()
	}
	if !q.plan.Has(KindDeployLost) {
		c.start(q, action, parts)
	}
	return map[string]any{"msg": "操作成功"}, nil
}

// start runs start, upgrade or deploy. What was never built has nothing that
// could be started or rolled; only a deploy builds it.
func (c *Cloud) start(q *call, action string, parts []*component) {
	for _, p := range parts {
		switch {
		case action == "deploy":
			p.Built = true
		case !p.Built, action == "start" && p.Status == statusRunning:
			continue
		}
		c.launch(q, p, action)
	}
}

func (c *Cloud) stop(q *call, parts []*component) {
	for _, p := range parts {
		if !p.occupies() || p.Status == statusStopping {
			continue
		}
		if q.plan.Has(KindStopHang) {
			c.become(p, q.now, statusStopping)
		} else {
			c.become(p, q.now, statusStopping, statusClosed)
		}
		c.note(q, c.ownerOf(p), p, "stop", c.transition())
	}
}

// ownerOf is the app of a component.
func (c *Cloud) ownerOf(p *component) *app {
	for _, a := range c.state.Apps {
		if slices.Contains(a.Components, p) {
			return a
		}
	}
	return nil
}

// closeComponents stops what the body names: without names the whole team in
// the region.
func closeComponents(c *Cloud, q *call) (any, *apiError) {
	if !q.user.Admin && slices.Contains(q.user.Deny, "stop") {
		return nil, refuse(http.StatusForbidden, codeNoPermission, "no permission", "没有操作权限")
	}
	var all []*component
	for _, a := range c.state.Apps {
		if q.mine(a) {
			all = append(all, a.Components...)
		}
	}
	f := q.form()
	parts := f.chosen(all)
	if f.err != nil {
		return nil, f.err
	}
	c.stop(q, parts)
	return nil, nil
}
