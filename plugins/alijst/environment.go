package main

import (
	"context"
	"regexp"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// EnvironmentSpec is what a customer chooses of an environment. Its region is
// the order's.
type EnvironmentSpec struct {
	App      string `json:"app_id" required:"true" min:"1" max:"20" title:"Application"`
	Config   string `json:"deploy_config_id" required:"true" min:"3" max:"40" title:"Deploy configuration"`
	Type     string `json:"env_type" enum:"test,prod" default:"prod" title:"Sort"`
	Replicas int64  `json:"replicas" required:"true" min:"0" max:"1000" title:"Replicas"`
}

// EnvironmentState is what an environment is.
type EnvironmentState struct {
	App      string `json:"app_id" title:"Application"`
	Config   string `json:"deploy_config_id" title:"Deploy configuration"`
	Type     string `json:"env_type,omitempty" title:"Sort"`
	Replicas *int64 `json:"replicas,omitempty" title:"Replicas" doc:"Not told in lists"`
	Ordered  *int64 `json:"ordered_replicas,omitempty" title:"Replicas that were ordered" doc:"Only of what was ordered here"`
}

// environmentRow is an environment as the cloud shows it.
type environmentRow struct {
	AppID       loose `json:"AppId"`
	EnvID       loose `json:"EnvId"`
	EnvName     string
	EnvType     loose
	EnvTypeName string
	SchemaID    loose `json:"AppSchemaId"`
	Region      string
	Replicas    *int64
}

type environment = provider.Thing[EnvironmentState]

// sizeMark is what a name has before its mark: how many replicas were ordered.
var sizeMark = regexp.MustCompile(`^(.*)-x([0-9]{1,4})$`)

// sized takes the name of an environment apart; ordered is nil for one that was
// made elsewhere.
func sized(name string) (own, mark string, ordered *int64) {
	own, mark = split(name)
	m := sizeMark.FindStringSubmatch(own)
	if mark == "" || m == nil {
		return own, mark, nil
	}
	n := loose(m[2]).number()
	return m[1], mark, &n
}

// room refuses more replicas than an environment was ordered with: the broker
// bills nobody for them.
func (r environmentRow) room(c *cloud, replicas int64) error {
	if _, _, ordered := sized(r.EnvName); ordered != nil && replicas > *ordered && !c.cfg.AllowScaleUp {
		return fault.Precondition("the environment was ordered with %d replicas: order another one for more", *ordered)
	}
	return nil
}

func (r environmentRow) thing() environment {
	own, mark, ordered := sized(r.EnvName)
	return environment{
		ID: r.AppID.text() + "/" + r.EnvID.text(), Name: own, Token: mark, Region: r.Region, Status: provider.StatusRunning, RawStatus: r.EnvTypeName,
		State: EnvironmentState{
			App: r.AppID.text(), Config: r.AppID.text() + "/" + r.SchemaID.text(), Type: environmentTold(r.EnvTypeName, r.EnvType.text()), Replicas: r.Replicas, Ordered: ordered,
		},
	}
}

// environments is the handler of the kind environment.
type environments struct{ store[EnvironmentState] }

func environmentKind(p *plugin) *provider.Kind {
	s := shelf[EnvironmentState]{plugin: p, kind: kindEnvironment, walk: walkEnvironments, one: oneEnvironment, consist: consisting}
	h := environments{stored(s, func(ctx context.Context, c *cloud, id string) error {
		return c.deleteEnvironment(ctx, id, c.cfg.ForceRelease)
	})}
	p.shelves[kindEnvironment] = h
	return provider.KindOf[EnvironmentSpec, EnvironmentState](kindEnvironment, "Environment", h,
		provider.ActionOf(provider.ActionDescription{Name: "deploy", Title: "Deploy", Changes: true}, h.deploy),
		provider.ActionOf(provider.ActionDescription{Name: "scale", Title: "Other number of instances", Changes: true}, h.scale),
		provider.ActionOf(provider.ActionDescription{Name: "components", Title: "What it consists of"}, h.components),
		provider.ActionOf(provider.ActionDescription{Name: "deploy_orders", Title: "Deploy orders"}, h.orders),
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete with all it has", Changes: true, Destructive: true}, h.destroy),
	).Of(partKinds()...)
}

// walkEnvironments streams those of one application or of all.
func walkEnvironments(ctx context.Context, c *cloud, within string, yield func(environment) error) error {
	if within == "" {
		return walkApps(ctx, c, "", func(a app) error { return goneIsDone(walkEnvironments(ctx, c, a.ID, yield)) })
	}
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListAppEnvironmentRequest()
		r.AppId, r.PageNumber, r.PageSize = number(within), page, size
		return r
	}, func(r environmentRow) string { return r.EnvID.text() }, func(r environmentRow) error {
		if c.region != "" && r.Region != c.region {
			return nil
		}
		return yield(r.thing())
	})
}

// inEnvironments calls do for the environment with an id, or for all of them.
func inEnvironments(ctx context.Context, c *cloud, within string, do func(app, env string) error) error {
	if within == "" {
		return walkEnvironments(ctx, c, "", func(e environment) error {
			p, _ := parts(e.ID, 2, 2)
			return goneIsDone(do(p[0], p[1]))
		})
	}
	p, ok := parts(within, 2, 2)
	if !ok {
		return fault.NotFound(kindEnvironment, within)
	}
	return do(p[0], p[1])
}

func oneEnvironment(ctx context.Context, c *cloud, id string) (environment, error) {
	row, err := c.environment(ctx, id)
	return row.thing(), err
}

func (c *cloud) environment(ctx context.Context, id string) (environmentRow, error) {
	p, ok := parts(id, 2, 2)
	if !ok {
		return environmentRow{}, fault.NotFound(kindEnvironment, id)
	}
	r := retailcloud.CreateDescribeAppEnvironmentDetailRequest()
	r.AppId, r.EnvId = number(p[0]), number(p[1])
	out, err := read[struct{ Result environmentRow }](ctx, c, r)
	if err == nil && out.Result.EnvID.text() != p[1] {
		err = fault.NotFound(kindEnvironment, id)
	}
	return out.Result, err
}

// of checks that a deploy configuration is of an application, and returns its
// own part of the id.
func (s EnvironmentSpec) config() (string, error) {
	p, err := inner(s.Config, "spec.deploy_config_id", 2, 2)
	if err == nil && p[0] != s.App {
		err = fault.Invalid("spec.deploy_config_id", "is of another application")
	}
	return p[1], err
}

// Create makes one environment.
func (h environments) Create(ctx context.Context, req provider.TypedCreate[EnvironmentSpec]) (provider.Result[EnvironmentState], error) {
	var none provider.Result[EnvironmentState]
	s := req.Spec
	words, err := environmentNamed(s.Type, "spec.env_type")
	if err != nil {
		return none, err
	}
	config, err := s.config()
	if err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	return h.make(ctx, c, making[EnvironmentState]{mark: mark, within: s.App, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateEnvironmentRequest()
		r.AppId, r.AppSchemaId, r.EnvName = number(s.App), number(config), join(nameOf(req.Name, "environment")+"-x"+itoa(s.Replicas), mark)
		r.EnvType, r.Region, r.Replicas = whole(words.number), c.region, whole(s.Replicas)
		out, err := write[struct {
			Result struct {
				EnvID loose `json:"AppEnvId"`
			}
		}](ctx, c, r)
		id, err := madeAs(out.Result.EnvID.text(), err)
		return s.App + "/" + id, err
	}})
}

// Update changes the deploy configuration and the number of replicas.
func (h environments) Update(ctx context.Context, req provider.TypedUpdate[EnvironmentSpec]) (provider.Result[EnvironmentState], error) {
	var none provider.Result[EnvironmentState]
	s := req.Spec
	config, err := s.config()
	if err != nil {
		return none, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return none, err
	}
	row, err := c.environment(ctx, req.ID)
	now := row.thing()
	switch {
	case err != nil:
		return none, fault.NotDone(err)
	case now.Region != c.region:
		return none, fault.NotFound(kindEnvironment, req.ID)
	case now.State.App != s.App:
		return none, fault.Invalid("spec.app_id", "cannot be changed")
	case now.State.Type != "" && now.State.Type != s.Type:
		return none, fault.Invalid("spec.env_type", "cannot be changed")
	}
	if err := row.room(c, s.Replicas); err != nil {
		return none, err
	}
	p, _ := parts(req.ID, 2, 2)
	r := retailcloud.CreateUpdateEnvironmentRequest()
	r.AppId, r.AppEnvId, r.AppSchemaId, r.Replicas = number(p[0]), number(p[1]), number(config), whole(s.Replicas)
	return h.changed(ctx, c, req.ID, change(ctx, c, r))
}

func (c *cloud) deleteEnvironment(ctx context.Context, id string, force bool) error {
	p, _ := parts(id, 2, 2)
	r := retailcloud.CreateDeleteAppEnvironmentRequest()
	r.AppId, r.EnvId, r.Force = number(p[0]), number(p[1]), truth(force)
	return change(ctx, c, r)
}

// destroy deletes an environment with everything in it.
func (h environments) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error { return c.deleteEnvironment(ctx, id, true) })
}
