package main

import (
	"context"
	"slices"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The names of the kinds.
const (
	kindApp         = "app"
	kindEnvironment = "environment"
	kindConfig      = "deploy_config"
	kindInstance    = "app_instance"
	kindClaim       = "volume_claim"
	kindVolume      = "volume"
	kindUser        = "user"
	kindPoint       = "access_point"
	kindService     = "service"
	kindOrder       = "deploy_order"
	kindPod         = "pod"
	kindLabel       = "node_label"
	kindAllocation  = "resource_allocation"
	kindCluster     = "cluster"
	kindNode        = "cluster_node"
	kindDatabase    = "database"
	kindAccount     = "database_account"
	kindBackup      = "backup"
)

// none is the input or output of an action that has none.
type none struct{}

// Confirm is the input of what cannot be undone.
type Confirm struct {
	Confirm string `json:"confirm" required:"true" max:"300" title:"Confirmation" doc:"The thing's id, once more: this cannot be undone"`
}

// AppSpec is what a customer chooses of an application.
type AppSpec struct {
	Business      string `json:"business_code" enum:"JST,NEW_RETAIL,MINI_APP,SUPPLY,MESSAGE" default:"JST" title:"Business domain"`
	Language      string `json:"language" enum:"Java,PHP,C#,Python" default:"Java" title:"Language"`
	OS            string `json:"operating_system" enum:"Linux,Windows" default:"Linux" title:"Operating system"`
	ServiceType   string `json:"service_type" enum:"GeneralApplication,StoreApplication,TaoHuDongApplication" default:"GeneralApplication" title:"Sort"`
	Stateful      bool   `json:"stateful,omitempty" title:"Stateful"`
	BusinessTitle string `json:"business_title,omitempty" max:"200" title:"Title of the business"`
	Description   string `json:"description,omitempty" max:"1000" title:"Description"`
	Namespace     string `json:"namespace,omitempty" max:"63" title:"Namespace in Kubernetes"`
	Users         []Role `json:"users,omitempty" max:"50" title:"Users" doc:"Empty: the account's owner alone"`
}

// Role is a user of an application.
type Role struct {
	Role string `json:"role" enum:"Owner,PE,Dev,Test" default:"Owner" title:"Role"`
	User string `json:"user_id" required:"true" min:"1" max:"100" title:"User"`
	Type string `json:"user_type" enum:"DING_TALK,TAOBAO" default:"TAOBAO" title:"Type"`
	Name string `json:"name,omitempty" title:"Name" doc:"Is told, not set"`
}

// AppState is what an application is.
type AppState struct {
	Business      string `json:"business_code" title:"Business domain"`
	BusinessTitle string `json:"business_title,omitempty" title:"Title of the business"`
	Language      string `json:"language" title:"Language"`
	OS            string `json:"operating_system" title:"Operating system"`
	ServiceType   string `json:"service_type" title:"Sort"`
	DeployType    string `json:"deploy_type,omitempty" title:"Way of deployment"`
	Stateful      bool   `json:"stateful" title:"Stateful"`
	Description   string `json:"description,omitempty" title:"Description"`
	Users         []Role `json:"users,omitempty" title:"Users"`
}

// appRow is an application as the cloud shows it.
type appRow struct {
	AppID                              loose `json:"AppId"`
	Title, Description, Language       string
	OperatingSystem, BizName, BizTitle string
	ServiceType, DeployType            string
	AppStateType                       loose
	UserRoles                          []userRow
}

type userRow struct {
	UserID   string `json:"UserId"`
	UserType string
	RealName string
	RoleName string
}

type app = provider.Thing[AppState]

// stateful is how an answer calls an application with a state.
const stateful = "2"

func (r appRow) thing() app {
	own, mark := split(r.Title)
	t := app{
		ID: r.AppID.text(), Name: own, Token: mark, Status: provider.StatusRunning, Billing: provider.BillingOnce,
		State: AppState{
			Business: r.BizName, BusinessTitle: r.BizTitle, Language: r.Language, OS: r.OperatingSystem, ServiceType: r.ServiceType,
			DeployType: r.DeployType, Stateful: r.AppStateType.text() == stateful, Description: r.Description,
		},
	}
	for _, u := range r.UserRoles {
		t.State.Users = append(t.State.Users, Role{Role: u.RoleName, User: u.UserID, Type: userType(u.UserType), Name: u.RealName})
	}
	return t
}

// apps is the handler of the kind app.
type apps struct{ store[AppState] }

func appKind(p *plugin) *provider.Kind {
	h := apps{stored(shelf[AppState]{plugin: p, kind: kindApp, walk: walkApps, one: oneApp}, func(ctx context.Context, c *cloud, id string) error {
		return c.deleteApp(ctx, id, c.cfg.ForceRelease)
	})}
	p.shelves[kindApp] = h
	return provider.KindOf[AppSpec, AppState](kindApp, "Application", h,
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete with all it has", Changes: true, Destructive: true}, h.destroy),
		provider.ActionOf(provider.ActionDescription{Name: "access_points", Title: "Access points"}, p.searchPoints),
		provider.ActionOf(provider.ActionDescription{Name: "services", Title: "Services"}, p.searchServices),
	)
}

func walkApps(ctx context.Context, c *cloud, _ string, yield func(app) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListAppRequest()
		r.PageNumber, r.PageSize = page, size
		return r
	}, func(r appRow) string { return r.AppID.text() }, func(r appRow) error { return yield(r.thing()) })
}

func oneApp(ctx context.Context, c *cloud, id string) (app, error) {
	if !digits.MatchString(id) {
		return app{}, fault.NotFound(kindApp, id)
	}
	r := retailcloud.CreateDescribeAppDetailRequest()
	r.AppId = number(id)
	out, err := read[struct{ Result appRow }](ctx, c, r)
	if err == nil && out.Result.AppID.text() != id {
		err = fault.NotFound(kindApp, id)
	}
	return out.Result.thing(), err
}

// roles are the users of an application; without any it is the account's owner.
func (c *cloud) roles(ctx context.Context, given []Role) ([]Role, error) {
	if len(given) > 0 {
		out := slices.Clone(given)
		for i := range out { // defaults do not reach into lists
			out[i].Role, out[i].Type = firstText(out[i].Role, "Owner"), firstText(out[i].Type, "TAOBAO")
		}
		return out, nil
	}
	if c.cfg.OwnerUser != "" {
		return []Role{{Role: "Owner", User: c.cfg.OwnerUser, Type: c.cfg.OwnerType}}, nil
	}
	r := retailcloud.CreateListUsersRequest()
	r.PageNumber, r.PageSize = whole(1), whole(1)
	out, err := read[listed[userRow]](ctx, c, r)
	switch {
	case err != nil:
		return nil, err
	case len(out.Data) == 0:
		return nil, fault.Invalid("spec.users", "is required: the account has no users at the cloud")
	}
	u := out.Data[0]
	return []Role{{Role: "Owner", User: u.UserID, Type: firstText(userType(u.UserType), c.cfg.OwnerType)}}, nil
}

// Create makes one application.
func (h apps) Create(ctx context.Context, req provider.TypedCreate[AppSpec]) (provider.Result[AppState], error) {
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[AppState]{}, err
	}
	return h.make(ctx, c, making[AppState]{mark: mark, buy: func(ctx context.Context) (string, error) {
		users, err := c.roles(ctx, req.Spec.Users)
		if err != nil {
			return "", fault.NotDone(err)
		}
		r := retailcloud.CreateCreateAppRequest()
		s := req.Spec
		r.BizCode, r.BizTitle, r.Description, r.Language, r.OperatingSystem = s.Business, s.BusinessTitle, s.Description, s.Language, s.OS
		r.ServiceType, r.Namespace, r.StateType, r.Title = s.ServiceType, s.Namespace, whole(1), join(nameOf(req.Name, "app"), mark)
		if s.Stateful {
			r.StateType = stateful
		}
		r.UserRoles = &[]retailcloud.CreateAppUserRoles{}
		for _, u := range users {
			*r.UserRoles = append(*r.UserRoles, retailcloud.CreateAppUserRoles{RoleName: u.Role, UserId: u.User, UserType: u.Type})
		}
		out, err := write[struct {
			Result struct {
				AppID loose `json:"AppId"`
			}
		}](ctx, c, r)
		return madeAs(out.Result.AppID.text(), err)
	}})
}

// madeAs is the id of something new; a success without one is in doubt.
func madeAs(id string, err error) (string, error) {
	if err == nil && (id == "" || id == "0") {
		return "", fault.Unknown(nil, "the cloud made something and does not tell its id").From(fault.SourceCloud)
	}
	return id, err
}

// Update changes what can be changed of an application.
func (h apps) Update(ctx context.Context, req provider.TypedUpdate[AppSpec]) (provider.Result[AppState], error) {
	var none provider.Result[AppState]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return none, err
	}
	now, err := h.get(ctx, c, req.ID)
	if err != nil {
		return none, fault.NotDone(err)
	}
	s := req.Spec
	if s.Stateful != now.State.Stateful {
		return none, fault.Invalid("spec.stateful", "cannot be changed")
	}
	if s.Business != now.State.Business {
		return none, fault.Invalid("spec.business_code", "cannot be changed: it is %s", now.State.Business)
	}
	users := s.Users
	if len(users) == 0 {
		users = now.State.Users
	}
	if users, err = c.roles(ctx, users); err != nil {
		return none, fault.NotDone(err)
	}
	r := retailcloud.CreateUpdateAppRequest()
	r.AppId, r.BizTitle, r.Description = number(req.ID), s.BusinessTitle, s.Description
	r.Language, r.OperatingSystem, r.ServiceType = s.Language, s.OS, s.ServiceType
	r.UserRoles = &[]retailcloud.UpdateAppUserRoles{}
	for _, u := range users {
		*r.UserRoles = append(*r.UserRoles, retailcloud.UpdateAppUserRoles{RoleName: u.Role, UserId: u.User, UserType: u.Type})
	}
	return h.changed(ctx, c, req.ID, change(ctx, c, r))
}

// changed answers an update with what is there afterwards.
func (s shelf[State]) changed(ctx context.Context, c *cloud, id string, err error) (provider.Result[State], error) {
	if err != nil {
		return provider.Result[State]{}, err
	}
	t, seen := s.fresh(ctx, c, id, "")
	if !seen {
		t.Status = provider.StatusUnknown
	}
	return provider.Done(t), nil
}

func (c *cloud) deleteApp(ctx context.Context, id string, force bool) error {
	r := retailcloud.CreateDeleteAppDetailRequest()
	r.AppId, r.Force = number(id), truth(force)
	return change(ctx, c, r)
}

// destroy deletes an application with everything below it.
func (h apps) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error { return c.deleteApp(ctx, id, true) })
}

// destroyed is a deletion that was confirmed.
func (s shelf[State]) destroyed(
	ctx context.Context, req provider.TypedAction[Confirm], ask func(ctx context.Context, c *cloud, id string) error,
) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := confirmed(req.Input.Confirm, req.ID); err != nil {
		return out, err
	}
	c, err := s.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	out.Operation, err = s.drop(ctx, c, req.ID, ask)
	return out, err
}
