package main

import (
	"context"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

const kindComponent = "component"

// Component is one workload of an app.
type Component struct {
	ServiceID string   `json:"service_id" title:"Id"`
	Alias     string   `json:"service_alias,omitempty" title:"Alias"`
	Name      string   `json:"name" title:"Name"`
	K8sName   string   `json:"k8s_component_name,omitempty" title:"Name in the cluster"`
	Status    string   `json:"status" title:"State"`
	RawStatus string   `json:"raw_status,omitempty" title:"The console's word" doc:"None: the console cannot reach the cluster"`
	Image     string   `json:"image,omitempty" title:"Image"`
	Version   string   `json:"version,omitempty" title:"Version"`
	Source    string   `json:"service_source,omitempty" title:"Made of"`
	Install   int64    `json:"install_group,omitempty" title:"Install" doc:"Components of one install have the same"`
	CPU       int      `json:"cpu_milli" title:"Thousandths of a core" doc:"Of one instance; 0 is no bound"`
	MemoryMB  int      `json:"memory_mb" title:"Memory in MB" doc:"Of one instance"`
	GPU       int      `json:"gpu_memory_mb,omitempty" title:"Memory of cards in MB"`
	Nodes     int      `json:"nodes" title:"Instances"`
	Addresses []string `json:"addresses,omitempty" title:"Addresses from outside"`
}

// partRow is a component in the console's words.
type partRow struct {
	Status  *string  `json:"status"`
	Access  []string `json:"access_infos"`
	ID      string   `json:"service_id"`
	Alias   string   `json:"service_alias"`
	Name    string   `json:"service_cname"`
	K8sName string   `json:"k8s_component_name"`
	Image   string   `json:"image"`
	Version string   `json:"version"`
	Source  string   `json:"service_source"`
	Group   int64    `json:"tenant_service_group_id"`
	CPU     int      `json:"min_cpu"`
	Memory  int      `json:"min_memory"`
	GPU     int      `json:"container_gpu"`
	Nodes   int      `json:"min_node"`
}

func (r partRow) component() Component {
	word := ""
	if r.Status != nil {
		word = *r.Status
	}
	return Component{
		ServiceID: r.ID, Alias: r.Alias, Name: r.Name, K8sName: r.K8sName, Status: string(statusOf(word)), RawStatus: word,
		Image: r.Image, Version: r.Version, Source: r.Source, Install: r.Group, CPU: r.CPU, MemoryMB: r.Memory, GPU: r.GPU,
		Nodes: r.Nodes, Addresses: r.Access,
	}
}

// ComponentState is a component with the app that it is in.
type ComponentState struct {
	AppID string `json:"app_id" title:"App"`
	Component
}

type component = provider.Thing[ComponentState]

// components is the handler of the kind component. They come and go with their
// app, of which they are the parts.
type components struct{ *plugin }

func componentKind(p *plugin) *provider.Kind {
	h := apps{p}
	one := func(id string, _ none) PartInput { return PartInput{id} }
	alone := func(id string, _ none) PartsInput { return PartsInput{[]string{id}} }
	return provider.KindOf[struct{}, ComponentState](kindComponent, "Component", components{p},
		provider.ActionOf(changing(kinds.ActionStart, "Start"), inApp(h.run(opStart), alone)),
		provider.ActionOf(ending(changing(kinds.ActionStop, "Stop")), inApp(h.run(opStop), alone)),
		provider.ActionOf(ending(changing("restart", "Stop and start again")), inApp(h.restart, alone)),
		provider.ActionOf(changing("deploy", "Build and roll out"), inApp(h.run(opDeploy), alone)),
		provider.ActionOf(changing("roll", "Roll to what was built last"), inApp(h.run(opRoll), alone)),
		provider.ActionOf(changing("scale", "Another size"), inApp(h.scale, func(id string, in SizeInput) ScaleInput { return ScaleInput{PartInput{id}, in} })),
		provider.ActionOf(changing("set_envs", "Set variables"), inApp(h.setEnvs, func(id string, in VariablesInput) EnvsInput { return EnvsInput{PartInput{id}, in} })),
		provider.ActionOf(ending(changing("remove", "Delete it from its app")), inApp(h.removeComponent, one)),
		provider.ActionOf(reading("ports", "Ports"), inApp(h.ports, one)),
		provider.ActionOf(reading("events", "Events"), inApp(h.events, func(id string, in PageInput) EventsInput { return EventsInput{PartInput{id}, in} })),
		provider.ActionOf(reading("event_log", "Log of an event"), inApp(h.eventLog, func(id string, in EventRef) EventInput { return EventInput{PartInput{id}, in} })),
	)
}

// inApp is the action of an app that does its work for one component alone;
// aimed is the app's input for the component with that id.
func inApp[In, Of, Out any](
	do func(context.Context, provider.TypedAction[Of]) (provider.ActionResult[Out], error), aimed func(id string, in In) Of,
) func(context.Context, provider.TypedAction[In]) (provider.ActionResult[Out], error) {
	return func(ctx context.Context, req provider.TypedAction[In]) (provider.ActionResult[Out], error) {
		of, id, ok := strings.Cut(req.ID, "-")
		if !ok || id == "" {
			return provider.ActionResult[Out]{}, fault.NotFound(kindComponent, req.ID)
		}
		return do(ctx, provider.TypedAction[Of]{Call: req.Call, Token: req.Token, ID: of, Input: aimed(id, req.Input)})
	}
}

// shown is a component of an app. Its id leads to both: "17-" and its own.
func (x Component) shown(t app) component {
	return component{
		ID: t.ID + "-" + x.ServiceID, Name: x.Name, Region: t.Region, Status: provider.Status(x.Status), RawStatus: x.RawStatus,
		State: ComponentState{AppID: t.ID, Component: x},
	}
}

// consisting is an app with its components as parts. Of one with more than may
// be told the first are.
func consisting(t app) (app, error) {
	t.Parts = []provider.Part{}
	for _, x := range t.State.Components[:min(len(t.State.Components), provider.MaxParts)] {
		p, err := x.shown(t).Part(kindComponent)
		if err != nil {
			return t, err
		}
		t.Parts = append(t.Parts, p)
	}
	return t, nil
}

// Get reads one component.
func (h components) Get(ctx context.Context, req provider.GetRequest) (component, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return component{}, err
	}
	of, id, _ := strings.Cut(req.ID, "-")
	t, err := c.app(ctx, of)
	if err != nil {
		return component{}, err
	}
	for _, x := range t.State.Components {
		if x.ServiceID == id {
			return x.shown(t), nil
		}
	}
	return component{}, fault.NotFound(kindComponent, req.ID)
}

// List streams the components of all apps of the region.
func (h components) List(ctx context.Context, req provider.ListRequest, yield func(component) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.eachApp(ctx, func(t app) error {
		for _, x := range t.State.Components {
			if err := yield(x.shown(t)); err != nil {
				return err
			}
		}
		return nil
	})
}
