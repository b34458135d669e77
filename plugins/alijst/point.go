package main

import (
	"context"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// PointSpec is what a customer chooses of an access point: a listener of a load
// balancer in front of an environment.
type PointSpec struct {
	Environment string `json:"environment_id" required:"true" min:"3" max:"40" title:"Environment"`
	Balancer    string `json:"balancer_id" required:"true" min:"1" max:"100" title:"Load balancer" doc:"Id of an SLB instance that exists"`
	Protocol    string `json:"protocol" enum:"TCP,UDP,HTTP,HTTPS" default:"TCP" title:"Protocol"`
	Port        int64  `json:"port" required:"true" min:"1" max:"65535" title:"Port"`
	Target      int64  `json:"target_port" required:"true" min:"1" max:"65535" title:"Port of the instances"`
	Timeout     *int64 `json:"established_timeout,omitempty" min:"10" max:"900" title:"Seconds of an idle connection" doc:"TCP only"`
	Sticky      *bool  `json:"sticky,omitempty" title:"Sticky sessions" doc:"HTTP and HTTPS only"`
	Cookie      *int64 `json:"cookie_timeout,omitempty" min:"1" max:"86400" title:"Seconds of a session" doc:"HTTP and HTTPS only"`
	Certificate string `json:"certificate_id,omitempty" max:"100" title:"Certificate" doc:"HTTPS only"`
}

// PointState is what an access point is.
type PointState struct {
	ID          string `json:"access_point_id" title:"Access point"`
	Environment string `json:"environment_id" title:"Environment"`
	Balancer    string `json:"balancer_id" title:"Load balancer"`
	IP          string `json:"ip,omitempty" title:"Address"`
	Network     string `json:"network,omitempty" title:"Network" doc:"internet or intranet"`
	Protocol    string `json:"protocol" title:"Protocol"`
	Port        int64  `json:"port" title:"Port"`
	Target      int64  `json:"target_port" title:"Port of the instances"`
	Timeout     int64  `json:"established_timeout,omitempty" title:"Seconds of an idle connection"`
	Sticky      bool   `json:"sticky,omitempty" title:"Sticky sessions"`
	Cookie      int64  `json:"cookie_timeout,omitempty" title:"Seconds of a session"`
	Certificate string `json:"certificate_id,omitempty" title:"Certificate"`
}

// pointRow is an access point as the cloud shows it.
type pointRow struct {
	ID                                loose `json:"SlbAPId"`
	AppID                             loose `json:"AppId"`
	EnvID                             loose `json:"EnvId"`
	Name, Protocol, NetworkMode       string
	BalancerID                        string `json:"SlbId"`
	IP                                string `json:"SlbIp"`
	Certificate                       string `json:"SslCertId"`
	ListenerPort, RealServerPort      loose
	EstablishedTimeout, StickySession loose
	CookieTimeout                     loose
}

type point = provider.Thing[PointState]

func (r pointRow) thing() point {
	own, mark := split(r.Name)
	return point{
		ID: r.ID.text(), Name: own, Token: mark, Status: provider.StatusRunning, Billing: provider.BillingOnce,
		State: PointState{
			ID: r.ID.text(), Environment: r.AppID.text() + "/" + r.EnvID.text(), Balancer: r.BalancerID, IP: r.IP, Network: r.NetworkMode, Protocol: r.Protocol,
			Port: r.ListenerPort.number(), Target: r.RealServerPort.number(), Timeout: r.EstablishedTimeout.number(), Sticky: r.StickySession.number() == 1,
			Cookie: r.CookieTimeout.number(), Certificate: r.Certificate,
		},
	}
}

// points is the handler of the kind access_point.
type points struct{ store[PointState] }

func pointKind(p *plugin) *provider.Kind {
	h := points{stored(shelf[PointState]{plugin: p, kind: kindPoint, walk: walkPoints, one: onePoint}, deletePoint)}
	p.shelves[kindPoint] = h
	return provider.KindOf[PointSpec, PointState](kindPoint, "Access point", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

// PointsInput narrows the access points of an application.
type PointsInput struct {
	Environment string   `json:"environment_id,omitempty" max:"40" title:"Environment"`
	Name        string   `json:"name,omitempty" max:"64" title:"Name at the cloud"`
	Network     string   `json:"network,omitempty" enum:"internet,intranet" title:"Network"`
	Protocols   []string `json:"protocols,omitempty" max:"4" title:"Protocols"`
	Balancer    string   `json:"balancer_id,omitempty" max:"100" title:"Load balancer"`
}

// pointsOf streams the access points of an application.
func (c *cloud) pointsOf(ctx context.Context, app, env string, f PointsInput, yield func(point) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListSlbAPsRequest()
		r.AppId, r.EnvId, r.PageNumber, r.PageSize = number(app), number(env), page, size
		r.Name, r.NetworkMode, r.ProtocolList, r.SlbId = f.Name, f.Network, texts(f.Protocols), f.Balancer
		return r
	}, func(r pointRow) string { return r.ID.text() }, func(r pointRow) error { return yield(r.thing()) })
}

func walkPoints(ctx context.Context, c *cloud, within string, yield func(point) error) error {
	return inEnvironments(ctx, c, within, func(app, env string) error { return c.pointsOf(ctx, app, env, PointsInput{}, yield) })
}

func onePoint(ctx context.Context, c *cloud, id string) (point, error) {
	if !digits.MatchString(id) {
		return point{}, fault.NotFound(kindPoint, id)
	}
	r := retailcloud.CreateDescribeSlbAPDetailRequest()
	r.SlbAPId = number(id)
	out, err := read[struct{ Result pointRow }](ctx, c, r)
	if err == nil && out.Result.ID.text() != id {
		err = fault.NotFound(kindPoint, id)
	}
	return out.Result.thing(), err
}

// check holds the options to the protocol.
func (s PointSpec) check() error {
	web := s.Protocol == "HTTP" || s.Protocol == "HTTPS"
	switch {
	case s.Timeout != nil && s.Protocol != "TCP":
		return fault.Invalid("spec.established_timeout", "is for TCP only")
	case s.Sticky != nil && !web:
		return fault.Invalid("spec.sticky", "is for HTTP and HTTPS only")
	case s.Cookie != nil && !web:
		return fault.Invalid("spec.cookie_timeout", "is for HTTP and HTTPS only")
	case s.Certificate != "" && s.Protocol != "HTTPS":
		return fault.Invalid("spec.certificate_id", "is for HTTPS only")
	}
	return nil
}

// sticky writes whether sessions are sticky; "" where it is not said.
func (s PointSpec) sticky() requests.Integer {
	switch {
	case s.Sticky == nil:
		return ""
	case *s.Sticky:
		return whole(1)
	}
	return whole(0)
}

// Create makes one access point.
func (h points) Create(ctx context.Context, req provider.TypedCreate[PointSpec]) (provider.Result[PointState], error) {
	var none provider.Result[PointState]
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
	return h.make(ctx, c, making[PointState]{mark: mark, within: s.Environment, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateSlbAPRequest()
		r.EnvId, r.Name, r.SlbId, r.Protocol = number(p[1]), join(nameOf(req.Name, "access"), mark), s.Balancer, s.Protocol
		r.ListenerPort, r.RealServerPort, r.EstablishedTimeout = whole(s.Port), whole(s.Target), some(s.Timeout)
		r.StickySession, r.CookieTimeout, r.SslCertId = s.sticky(), some(s.Cookie), s.Certificate
		out, err := write[struct {
			Result struct {
				ID loose `json:"SlbAPId"`
			}
		}](ctx, c, r)
		return madeAs(out.Result.ID.text(), err)
	}})
}

// Update changes what can be changed of an access point.
func (h points) Update(ctx context.Context, req provider.TypedUpdate[PointSpec]) (provider.Result[PointState], error) {
	var none provider.Result[PointState]
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
	case now.State.Balancer != s.Balancer:
		return none, fault.Invalid("spec.balancer_id", "cannot be changed")
	case now.State.Protocol != s.Protocol:
		return none, fault.Invalid("spec.protocol", "cannot be changed")
	case now.State.Port != s.Port:
		return none, fault.Invalid("spec.port", "cannot be changed")
	}
	r := retailcloud.CreateModifySlbAPRequest()
	r.SlbAPId, r.RealServerPort, r.EstablishedTimeout = number(req.ID), whole(s.Target), some(s.Timeout)
	r.StickySession, r.CookieTimeout, r.SslCertId = s.sticky(), some(s.Cookie), s.Certificate
	return h.changed(ctx, c, req.ID, change(ctx, c, r))
}

// rename gives an access point another name; it keeps its mark.
func (h points) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	return h.renamed(ctx, req, func(c *cloud, name string) error {
		r := retailcloud.CreateModifySlbAPRequest()
		r.SlbAPId, r.Name = number(req.ID), name
		return change(ctx, c, r)
	})
}

func deletePoint(ctx context.Context, c *cloud, id string) error {
	r := retailcloud.CreateDeleteSlbAPRequest()
	r.SlbAPId = number(id)
	return change(ctx, c, r)
}

// Points are access points.
type Points struct {
	Points []PointState `json:"access_points" title:"Access points"`
	More   bool         `json:"more,omitempty" title:"There is more"`
}

// searchPoints searches the access points of an application.
func (p *plugin) searchPoints(ctx context.Context, req provider.TypedAction[PointsInput]) (provider.ActionResult[Points], error) {
	var out provider.ActionResult[Points]
	c, env, err := p.searching(ctx, req.Call, req.ID, req.Input.Environment)
	if err != nil {
		return out, err
	}
	out.Output.Points, out.Output.More, err = gather(func(yield func(point) error) error {
		return c.pointsOf(ctx, req.ID, env, req.Input, yield)
	})
	return out, err
}

// searching opens a search below an application; env is the number of the
// environment that narrows it, "" for all.
func (p *plugin) searching(ctx context.Context, call provider.Call, app, environment string) (c *cloud, env string, err error) {
	if !digits.MatchString(app) {
		return nil, "", fault.NotFound(kindApp, app)
	}
	if environment != "" {
		of, err := inner(environment, "input.environment_id", 2, 2)
		if err != nil {
			return nil, "", err
		}
		env = of[1]
	}
	c, err = p.openIn(ctx, call)
	return c, env, err
}
