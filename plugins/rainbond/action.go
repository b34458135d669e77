package main

import (
	"context"
	"net/http"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

// What the console can do to components, in its words. It has no restart.
const (
	opStart  = "start"
	opStop   = "stop"
	opDeploy = "deploy"  // builds, then rolls
	opRoll   = "upgrade" // rolls to what was built last
)

func appKind(p *plugin) *provider.Kind {
	h := apps{p}
	return provider.KindOf[AppSpec, AppState](kindApp, "App", h,
		provider.ActionOf(changing(kinds.ActionStart, "Start"), h.run(opStart)),
		provider.ActionOf(ending(changing(kinds.ActionStop, "Stop")), h.run(opStop)),
		provider.ActionOf(ending(changing("restart", "Stop and start again")), h.restart),
		provider.ActionOf(changing("deploy", "Build and roll out"), h.run(opDeploy)),
		provider.ActionOf(changing("roll", "Roll to what was built last"), h.run(opRoll)),
		provider.ActionOf(reading("versions", "Versions to upgrade to"), h.versions),
		provider.ActionOf(ending(changing("upgrade", "Upgrade to another version")), h.upgrade),
		provider.ActionOf(changing("install", "Install another app model into it"), h.installMore),
		provider.ActionOf(changing("scale", "Scale a component"), h.scale),
		provider.ActionOf(changing("set_envs", "Set variables of a component"), h.setEnvs),
		provider.ActionOf(ending(changing("remove_component", "Delete a component")), h.removeComponent),
		provider.ActionOf(reading("ports", "Ports of a component"), h.ports),
		provider.ActionOf(changing("set_port", "Open or close a port"), h.setPort),
		provider.ActionOf(reading("rules", "Gateway rules"), h.rules),
		provider.ActionOf(changing("add_http_rule", "Lead a domain to a port"), h.addHTTPRule),
		provider.ActionOf(changing("set_http_rule", "Change a rule of a domain"), h.setHTTPRule),
		provider.ActionOf(changing("add_tcp_rule", "Lead an address to a port"), h.addTCPRule),
		provider.ActionOf(ending(changing(kinds.ActionRemoveRule, "Remove a gateway rule")), h.removeRule),
		provider.ActionOf(reading("events", "Events of a component"), h.events),
		provider.ActionOf(reading("event_log", "Log of an event"), h.eventLog),
	).Of(kindComponent)
}

func changing(name, title string) provider.ActionDescription {
	return provider.ActionDescription{Name: name, Title: title, Changes: true}
}

func reading(name, title string) provider.ActionDescription {
	return provider.ActionDescription{Name: name, Title: title}
}

// ending marks an action that ends something people may still want.
func ending(d provider.ActionDescription) provider.ActionDescription {
	d.Destructive = true
	return d
}

// PartsInput names components of an app.
type PartsInput struct {
	ServiceIDs []string `json:"service_ids,omitempty" max:"16" title:"Components" doc:"None: all of the app"`
}

// PartInput names one component of an app.
type PartInput struct {
	ServiceID string `json:"service_id" required:"true" min:"1" max:"64" title:"Component"`
}

// aim opens the app that an action is for.
func (h apps) aim(call provider.Call, id string) (*cloud, int64, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, 0, err
	}
	n, ok := numberOf(id)
	if !ok {
		return nil, 0, fault.NotFound(kindApp, id)
	}
	return c, n, nil
}

// operate sends one operation on components; none named are all of the app. The
// console checks the permission for each.
func (c *cloud) operate(ctx context.Context, n int64, op string, ids []string) error {
	body := object{"action": op}
	if len(ids) > 0 {
		body["service_ids"] = ids
	}
	_, err := write[nothing](ctx, c, http.MethodPost, c.inApp(n, "operations"), nil, body)
	return err
}

// run is the action that sends an operation. What is there already is no
// mistake at the console, so all of them can be repeated.
func (h apps) run(op string) func(context.Context, provider.TypedAction[PartsInput]) (provider.ActionResult[none], error) {
	verb := verbStart
	if op == opStop {
		verb = verbStop
	}
	return func(ctx context.Context, req provider.TypedAction[PartsInput]) (provider.ActionResult[none], error) {
		return h.operate(ctx, req, op, verb)
	}
}

// restart stops; the operation starts again what has stopped.
func (h apps) restart(ctx context.Context, req provider.TypedAction[PartsInput]) (provider.ActionResult[none], error) {
	return h.operate(ctx, req, opStop, verbRestart)
}

func (h apps) operate(ctx context.Context, req provider.TypedAction[PartsInput], op, verb string) (provider.ActionResult[none], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	ids := req.Input.ServiceIDs
	if err := c.has(ctx, n, ids...); err != nil {
		return provider.ActionResult[none]{}, err
	}
	if err := c.operate(ctx, n, op, ids); err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{Operation: h.begin(c, verb, n, strings.Join(ids, ",")).String()}, nil
}

// has makes sure that an app has the components, of which it needs at least
// one: the console passes over what it does not find.
func (c *cloud) has(ctx context.Context, n int64, ids ...string) error {
	all, err := c.components(ctx, n)
	if err != nil {
		return fault.NotDone(err)
	}
	if len(all) == 0 {
		return fault.Precondition("the app has no components: it is not installed")
	}
	known := map[string]bool{}
	for _, p := range all {
		known[p.ServiceID] = true
	}
	for _, id := range ids {
		if !known[id] {
			return fault.NotFound(kindComponent, id)
		}
	}
	return nil
}

func idsOf(arg string) []string {
	if arg == "" {
		return nil
	}
	return strings.Split(arg, ",")
}
