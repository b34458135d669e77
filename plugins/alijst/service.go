package main

import (
	"context"
	"fmt"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Port is one port of a service.
type Port struct {
	Name     string `json:"name" required:"true" min:"1" max:"63" title:"Name"`
	Protocol string `json:"protocol" enum:"TCP,UDP" default:"TCP" title:"Protocol"`
	Port     int64  `json:"port" required:"true" min:"1" max:"65535" title:"Port"`
	Target   string `json:"target_port" required:"true" min:"1" max:"63" title:"Port of the instances" doc:"Its number or name"`
	NodePort int64  `json:"node_port,omitempty" min:"1" max:"65535" title:"Port of the nodes" doc:"NodePort only"`
}

// ServiceSpec is what a customer chooses of a service.
type ServiceSpec struct {
	Environment string `json:"environment_id" required:"true" min:"3" max:"40" title:"Environment"`
	Type        string `json:"service_type" enum:"ClusterIP,NodePort" default:"ClusterIP" title:"Sort"`
	Headless    *bool  `json:"headless,omitempty" title:"Headless" doc:"ClusterIP only"`
	Ports       []Port `json:"ports" required:"true" min:"1" max:"50" title:"Ports"`
}

// ServiceState is what a service is.
type ServiceState struct {
	ID          string `json:"service_id" title:"Service"`
	Environment string `json:"environment_id" title:"Environment"`
	K8s         string `json:"k8s_name" title:"Name in Kubernetes"`
	Type        string `json:"service_type" title:"Sort"`
	Headless    bool   `json:"headless,omitempty" title:"Headless"`
	IP          string `json:"cluster_ip,omitempty" title:"Address in the cluster" doc:"Told in lists only"`
	Ports       []Port `json:"ports" title:"Ports"`
}

// serviceRow is a service as the cloud shows it.
type serviceRow struct {
	ID                loose `json:"ServiceId"`
	AppID             loose `json:"AppId"`
	EnvID             loose `json:"EnvId"`
	Name, ServiceType string
	K8s               string `json:"K8sServiceId"`
	Headless          loose
	ClusterIP         string
	PortMappings      []portRow
}

type portRow struct {
	Name, Protocol             string
	Port, TargetPort, NodePort loose
}

type service = provider.Thing[ServiceState]

func (r serviceRow) thing() service {
	own, mark := split(r.Name)
	t := service{
		ID: r.ID.text(), Name: own, Token: mark, Status: provider.StatusRunning, Billing: provider.BillingOnce,
		State: ServiceState{
			ID: r.ID.text(), Environment: r.AppID.text() + "/" + r.EnvID.text(), K8s: r.K8s, Type: r.ServiceType, Headless: r.Headless.yes(), IP: r.ClusterIP, Ports: []Port{},
		},
	}
	for _, p := range r.PortMappings {
		t.State.Ports = append(t.State.Ports, Port{
			Name: p.Name, Protocol: p.Protocol, Port: p.Port.number(), Target: p.TargetPort.text(), NodePort: p.NodePort.number(),
		})
	}
	return t
}

// services is the handler of the kind service.
type services struct{ store[ServiceState] }

func serviceKind(p *plugin) *provider.Kind {
	h := services{stored(shelf[ServiceState]{plugin: p, kind: kindService, walk: walkServices, one: oneService}, deleteService)}
	p.shelves[kindService] = h
	return provider.KindOf[ServiceSpec, ServiceState](kindService, "Service", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

// ServicesInput narrows the services of an application.
type ServicesInput struct {
	Environment string `json:"environment_id,omitempty" max:"40" title:"Environment"`
	Name        string `json:"name,omitempty" max:"64" title:"Name at the cloud"`
	Type        string `json:"service_type,omitempty" enum:"ClusterIP,NodePort" title:"Sort"`
}

// servicesOf streams the services of an application.
func (c *cloud) servicesOf(ctx context.Context, app, env string, f ServicesInput, yield func(service) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListServicesRequest()
		r.AppId, r.EnvId, r.PageNumber, r.PageSize = number(app), number(env), page, size
		r.Name, r.ServiceType = f.Name, f.Type
		return r
	}, func(r serviceRow) string { return r.ID.text() }, func(r serviceRow) error { return yield(r.thing()) })
}

func walkServices(ctx context.Context, c *cloud, within string, yield func(service) error) error {
	return inEnvironments(ctx, c, within, func(app, env string) error { return c.servicesOf(ctx, app, env, ServicesInput{}, yield) })
}

func oneService(ctx context.Context, c *cloud, id string) (service, error) {
	if !digits.MatchString(id) {
		return service{}, fault.NotFound(kindService, id)
	}
	r := retailcloud.CreateDescribeServiceDetailRequest()
	r.ServiceId = number(id)
	out, err := read[struct{ Result serviceRow }](ctx, c, r)
	if err == nil && out.Result.ID.text() != id {
		err = fault.NotFound(kindService, id)
	}
	return out.Result.thing(), err
}

// check holds the options to the sort of the service.
func (s ServiceSpec) check() error {
	if s.Headless != nil && *s.Headless && s.Type != "ClusterIP" {
		return fault.Invalid("spec.headless", "is for ClusterIP only")
	}
	for i, p := range s.Ports {
		if p.NodePort != 0 && s.Type != "NodePort" {
			return fault.Invalid(fmt.Sprintf("spec.ports[%d].node_port", i), "is for NodePort only")
		}
	}
	return nil
}

// nodePort writes a port of the nodes; "" where the cloud chooses.
func (p Port) nodePort() string {
	if p.NodePort == 0 {
		return ""
	}
	return itoa(p.NodePort)
}

// Create makes one service.
func (h services) Create(ctx context.Context, req provider.TypedCreate[ServiceSpec]) (provider.Result[ServiceState], error) {
	var none provider.Result[ServiceState]
	s := req.Spec
	if err := s.check(); err != nil {
		return none, err
	}
	p, err := inner(s.Environment, "spec.environment_id", 2, 2)
	if err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	return h.make(ctx, c, making[ServiceState]{mark: mark, within: s.Environment, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateServiceRequest()
		r.EnvId, r.ServiceType = number(p[1]), s.Type
		r.Name, r.K8sServiceId = join(nameOf(req.Name, "service"), mark), join(labelOf(req.Name, "service"), mark)
		if s.Headless != nil {
			r.Headless = truth(*s.Headless)
		}
		r.PortMappings = &[]retailcloud.CreateServicePortMappings{}
		for _, p := range s.Ports {
			*r.PortMappings = append(*r.PortMappings, retailcloud.CreateServicePortMappings{
				Name: p.Name, Protocol: firstText(p.Protocol, "TCP"), Port: itoa(p.Port), TargetPort: p.Target, NodePort: p.nodePort(),
			})
		}
		out, err := write[struct {
			Result struct {
				ID loose `json:"ServiceId"`
			}
		}](ctx, c, r)
		return madeAs(out.Result.ID.text(), err)
	}})
}

// Update changes the ports of a service.
func (h services) Update(ctx context.Context, req provider.TypedUpdate[ServiceSpec]) (provider.Result[ServiceState], error) {
	var none provider.Result[ServiceState]
	s := req.Spec
	if err := s.check(); err != nil {
		return none, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return none, err
	}
	now, err := h.get(ctx, c, req.ID)
	switch {
	case err != nil:
		return none, fault.NotDone(err)
	case now.State.Environment != s.Environment:
		return none, fault.Invalid("spec.environment_id", "cannot be changed")
	case now.State.Type != s.Type:
		return none, fault.Invalid("spec.service_type", "cannot be changed")
	case s.Headless != nil && *s.Headless != now.State.Headless:
		return none, fault.Invalid("spec.headless", "cannot be changed")
	}
	r := retailcloud.CreateModifyServiceRequest()
	r.ServiceId = number(req.ID)
	r.PortMappings = &[]retailcloud.ModifyServicePortMappings{}
	for _, p := range s.Ports {
		*r.PortMappings = append(*r.PortMappings, retailcloud.ModifyServicePortMappings{
			Name: p.Name, Protocol: firstText(p.Protocol, "TCP"), Port: itoa(p.Port), TargetPort: p.Target, NodePort: p.nodePort(),
		})
	}
	return h.changed(ctx, c, req.ID, change(ctx, c, r))
}

// rename gives a service another name; it keeps its mark, and its name in
// Kubernetes.
func (h services) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	return h.renamed(ctx, req, func(c *cloud, name string) error {
		r := retailcloud.CreateModifyServiceRequest()
		r.ServiceId, r.Name = number(req.ID), name
		return change(ctx, c, r)
	})
}

func deleteService(ctx context.Context, c *cloud, id string) error {
	r := retailcloud.CreateDeleteServiceRequest()
	r.ServiceId = number(id)
	return change(ctx, c, r)
}

// Services are services of an application.
type Services struct {
	Services []ServiceState `json:"services" title:"Services"`
	More     bool           `json:"more,omitempty" title:"There is more"`
}

// searchServices searches the services of an application.
func (p *plugin) searchServices(ctx context.Context, req provider.TypedAction[ServicesInput]) (provider.ActionResult[Services], error) {
	var out provider.ActionResult[Services]
	c, env, err := p.searching(ctx, req.Call, req.ID, req.Input.Environment)
	if err != nil {
		return out, err
	}
	out.Output.Services, out.Output.More, err = gather(func(yield func(service) error) error {
		return c.servicesOf(ctx, req.ID, env, req.Input, yield)
	})
	return out, err
}
