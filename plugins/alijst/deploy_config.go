package main

import (
	"context"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// ConfigSpec is what a customer chooses of a deploy configuration. YAML is
// written as it is.
type ConfigSpec struct {
	App         string   `json:"app_id" required:"true" min:"1" max:"20" title:"Application"`
	Type        string   `json:"env_type" enum:"test,prod" default:"prod" title:"Sort of environment"`
	CodePath    string   `json:"code_path,omitempty" max:"1000" title:"Path of the package" doc:"Empty: none is needed"`
	Deployment  string   `json:"deployment,omitempty" max:"60000" title:"Deployment" doc:"YAML, of an application without a state"`
	StatefulSet string   `json:"stateful_set,omitempty" max:"60000" title:"StatefulSet" doc:"YAML, of an application with a state"`
	ConfigMap   string   `json:"config_map,omitempty" max:"60000" title:"ConfigMap" deprecated:"Use config_maps."`
	ConfigMaps  []string `json:"config_maps,omitempty" max:"50" title:"ConfigMaps" doc:"YAML"`
}

// ConfigState is what a deploy configuration is.
type ConfigState struct {
	App         string   `json:"app_id" title:"Application"`
	Type        string   `json:"env_type,omitempty" title:"Sort of environment"`
	CodePath    string   `json:"code_path,omitempty" title:"Path of the package"`
	Deployment  string   `json:"deployment,omitempty" title:"Deployment"`
	StatefulSet string   `json:"stateful_set,omitempty" title:"StatefulSet"`
	ConfigMap   string   `json:"config_map,omitempty" title:"ConfigMap"`
	ConfigMaps  []string `json:"config_maps,omitempty" title:"ConfigMaps"`
}

// configRow is a deploy configuration as the cloud shows it. What it keeps
// secret is not read.
type configRow struct {
	ID                loose `json:"Id"`
	AppID             loose `json:"AppId"`
	Name, EnvType     string
	ContainerCodePath struct{ CodePath string }
	ContainerYamlConf struct {
		Deployment, StatefulSet, ConfigMap string
		ConfigMapList                      []string
	}
}

type deployConfig = provider.Thing[ConfigState]

func (r configRow) thing() deployConfig {
	own, mark := split(r.Name)
	y := r.ContainerYamlConf
	return deployConfig{
		ID: r.AppID.text() + "/" + r.ID.text(), Name: own, Token: mark, Status: provider.StatusRunning, RawStatus: r.EnvType, Billing: provider.BillingOnce,
		State: ConfigState{
			App: r.AppID.text(), Type: environmentTold(r.EnvType), CodePath: r.ContainerCodePath.CodePath,
			Deployment: plain(y.Deployment), StatefulSet: plain(y.StatefulSet), ConfigMap: plain(y.ConfigMap), ConfigMaps: each(y.ConfigMapList, plain),
		},
	}
}

// configs is the handler of the kind deploy_config.
type configs struct{ store[ConfigState] }

func configKind(p *plugin) *provider.Kind {
	h := configs{stored(shelf[ConfigState]{plugin: p, kind: kindConfig, walk: walkConfigs, one: oneConfig}, deleteConfig)}
	p.shelves[kindConfig] = h
	return provider.KindOf[ConfigSpec, ConfigState](kindConfig, "Deploy configuration", h)
}

// configsOf streams those of one application: the list has no pages.
func (c *cloud) configsOf(ctx context.Context, app, id string, yield func(deployConfig) error) error {
	r := retailcloud.CreateListDeployConfigRequest()
	r.AppId, r.Id = number(app), number(id)
	out, err := read[listed[configRow]](ctx, c, r)
	if err != nil {
		return err
	}
	for _, row := range out.Data {
		if err := yield(row.thing()); err != nil {
			return err
		}
	}
	return nil
}

func walkConfigs(ctx context.Context, c *cloud, within string, yield func(deployConfig) error) error {
	if within != "" {
		return c.configsOf(ctx, within, "", yield)
	}
	return walkApps(ctx, c, "", func(a app) error { return goneIsDone(c.configsOf(ctx, a.ID, "", yield)) })
}

func oneConfig(ctx context.Context, c *cloud, id string) (deployConfig, error) {
	var out deployConfig
	p, ok := parts(id, 2, 2)
	if !ok {
		return out, fault.NotFound(kindConfig, id)
	}
	err := c.configsOf(ctx, p[0], p[1], func(t deployConfig) error {
		if t.ID == id {
			out = t
		}
		return nil
	})
	if err == nil && out.ID == "" {
		err = fault.NotFound(kindConfig, id)
	}
	return out, err
}

// check refuses a specification of two sorts of workload.
func (s ConfigSpec) check() error {
	if s.Deployment != "" && s.StatefulSet != "" {
		return fault.Invalid("spec.stateful_set", "must be empty beside deployment")
	}
	return nil
}

// Create makes one deploy configuration.
func (h configs) Create(ctx context.Context, req provider.TypedCreate[ConfigSpec]) (provider.Result[ConfigState], error) {
	var none provider.Result[ConfigState]
	s := req.Spec
	if err := s.check(); err != nil {
		return none, err
	}
	words, err := environmentNamed(s.Type, "spec.env_type")
	if err != nil {
		return none, err
	}
	if _, err := inner(s.App, "spec.app_id", 1, 1); err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	return h.make(ctx, c, making[ConfigState]{mark: mark, within: s.App, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateDeployConfigRequest()
		r.AppId, r.EnvType, r.Name, r.CodePath = number(s.App), words.config, join(nameOf(req.Name, "config"), mark), s.CodePath
		r.Deployment, r.StatefulSet, r.ConfigMap = yaml(s.Deployment), yaml(s.StatefulSet), yaml(s.ConfigMap)
		r.ConfigMapList = texts(each(s.ConfigMaps, yaml))
		out, err := write[struct {
			Result struct {
				ID loose `json:"SchemaId"`
			}
		}](ctx, c, r)
		id, err := madeAs(out.Result.ID.text(), err)
		return s.App + "/" + id, err
	}})
}

// Update changes a deploy configuration. What is empty stays as it is, but for
// the path of the package: without one, none is needed.
func (h configs) Update(ctx context.Context, req provider.TypedUpdate[ConfigSpec]) (provider.Result[ConfigState], error) {
	var none provider.Result[ConfigState]
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
	case now.State.App != s.App:
		return none, fault.Invalid("spec.app_id", "cannot be changed")
	case now.State.Type != "" && now.State.Type != s.Type:
		return none, fault.Invalid("spec.env_type", "cannot be changed")
	}
	p, _ := parts(req.ID, 2, 2)
	r := retailcloud.CreateUpdateDeployConfigRequest()
	r.AppId, r.Id, r.CodePath = number(p[0]), number(p[1]), s.CodePath
	r.Deployment, r.StatefulSet, r.ConfigMap = yaml(s.Deployment), yaml(s.StatefulSet), yaml(s.ConfigMap)
	r.ConfigMapList = texts(each(s.ConfigMaps, yaml))
	if s.CodePath == "" {
		r.QueryParams["CodePath"] = "" // the SDK sends no empty fields, and what does not come is kept
	}
	return h.changed(ctx, c, req.ID, change(ctx, c, r))
}

func deleteConfig(ctx context.Context, c *cloud, id string) error {
	p, _ := parts(id, 2, 2)
	r := retailcloud.CreateDeleteDeployConfigRequest()
	r.SchemaId = number(p[1])
	return change(ctx, c, r)
}
