package main

import (
	"context"
	"errors"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/provider"
)

// DeployInput is a rollout.
type DeployInput struct {
	Name        string `json:"name,omitempty" max:"40" title:"Name"`
	Partitions  int64  `json:"partitions" min:"1" max:"1000" default:"2" title:"Batches"`
	PackageURL  string `json:"package_url,omitempty" max:"2000" pattern:"^https?://.+" title:"Package" doc:"Its address, or package_id"`
	PackageID   string `json:"package_id,omitempty" max:"18" pattern:"^[0-9]+$" title:"Package at the cloud"`
	Description string `json:"description,omitempty" max:"1000" title:"Description"`
	Pause       string `json:"pause" enum:"none,first,each" default:"none" title:"Pauses" doc:"After which batches it waits to be resumed"`
	Monitoring  bool   `json:"monitoring,omitempty" title:"With ARMS"`
}

// ScaleInput is another number of instances.
type ScaleInput struct {
	Replicas int64  `json:"replicas" required:"true" min:"0" max:"1000" title:"Replicas"`
	Confirm  string `json:"confirm,omitempty" max:"300" title:"Confirmation" doc:"The environment's id, for 0 replicas: nothing runs then"`
}

// Rollout is a deploy order that was begun.
type Rollout struct {
	Order string `json:"deploy_order_id,omitempty" title:"Deploy order"`
}

// admission is the answer to a rollout. That it is a success does not say that
// the rollout was let in.
type admission struct {
	Result struct {
		BusinessCode loose
		OrderID      loose `json:"DeployOrderId"`
		Admitted     *bool
	}
}

// order is the deploy order that was begun.
func (a admission) order(err error) (string, error) {
	id := a.Result.OrderID.text()
	switch {
	case err != nil:
		return "", err
	case a.Result.Admitted != nil && !*a.Result.Admitted:
		return "", whyNotAdmitted(a.Result.BusinessCode.text())
	case !digits.MatchString(id) || id == "0":
		return "", fault.Unknown(nil, "the cloud began a deploy order and does not tell its id").From(fault.SourceCloud)
	}
	return id, nil
}

// follow is the answer to a rollout that was begun.
func (h environments) follow(c *cloud, id string) provider.ActionResult[Rollout] {
	return provider.ActionResult[Rollout]{Operation: h.waiting(c, verbDeploy, kindOrder, id).String(), Output: Rollout{Order: id}}
}

// turn opens a change of an environment. Those of one environment take turns.
func (h environments) turn(ctx context.Context, call provider.Call, id string) (c *cloud, now environmentRow, end func(), err error) {
	if c, err = h.openIn(ctx, call); err != nil {
		return nil, now, nil, err
	}
	if end, err = h.purchases.Take(ctx, c.identity()+"\nrollout\n"+id); err != nil {
		return nil, now, nil, err
	}
	if now, err = c.environment(ctx, id); err != nil {
		end()
		return nil, now, nil, fault.NotDone(err)
	}
	return c, now, end, nil
}

// deploy begins a deploy order, whose name has the mark of the token: one that
// exists is followed, not begun again.
func (h environments) deploy(ctx context.Context, req provider.TypedAction[DeployInput]) (provider.ActionResult[Rollout], error) {
	var none provider.ActionResult[Rollout]
	in := req.Input
	mark, err := markOf(req.Token)
	if err != nil {
		return none, err
	}
	if in.PackageURL != "" && in.PackageID != "" {
		return none, fault.Invalid("input.package_id", "must be empty beside package_url")
	}
	c, now, end, err := h.turn(ctx, req.Call, req.ID)
	if err != nil {
		return none, err
	}
	defer end()
	id, err := h.begin(ctx, c, req.ID+"\n"+mark, func(ctx context.Context) (string, error) {
		return c.orderWith(ctx, now, orderFilter{}, func(o orderRow) bool { _, m := split(o.Name); return m == mark })
	}, func(ctx context.Context) (string, error) {
		r := retailcloud.CreateDeployAppRequest()
		r.EnvId, r.Name, r.TotalPartitions = number(now.EnvID.text()), join(nameOf(in.Name, "deploy"), mark), whole(in.Partitions)
		r.DeployPacketUrl, r.DeployPacketId, r.Description, r.PauseType = in.PackageURL, number(in.PackageID), in.Description, in.Pause
		r.ArmsFlag = truth(in.Monitoring)
		out, err := write[admission](ctx, c, r)
		return out.order(err)
	})
	if err != nil {
		return none, err
	}
	return h.follow(c, id), nil
}

// begin sends what the token of key has not sent yet: find looks for the deploy
// order that it made.
func (h environments) begin(ctx context.Context, c *cloud, key string, find, send func(context.Context) (string, error)) (id string, err error) {
	_, err = once.Buy(ctx, &h.purchases, h.clock, once.Purchase[none]{
		Key: c.identity() + "\n" + kindOrder + "\n" + key, Settle: c.cfg.settle(),
		Find: func(ctx context.Context) (out provider.TypedFound[none], err error) {
			if id, err = find(ctx); err == nil && id != "" {
				out.Things = []provider.Thing[none]{{ID: id}}
			}
			return out, err
		},
		Buy: func(ctx context.Context) (provider.Result[none], string, error) {
			id, err = send(ctx)
			return provider.Done(provider.Thing[none]{ID: id}), id, err
		},
		Hidden: func(sent string) provider.Result[none] {
			id = sent
			return provider.Done(provider.Thing[none]{ID: id})
		},
	})
	return id, err
}

// scale begins a deploy order that reaches a number of instances. One that is
// under way with this aim is followed; one that has reached it is a success.
func (h environments) scale(ctx context.Context, req provider.TypedAction[ScaleInput]) (provider.ActionResult[Rollout], error) {
	var none provider.ActionResult[Rollout]
	if req.Input.Replicas == 0 {
		if err := confirmed(req.Input.Confirm, req.ID); err != nil {
			return none, err
		}
	}
	c, now, end, err := h.turn(ctx, req.Call, req.ID)
	if err != nil {
		return none, err
	}
	defer end()
	if err := now.room(c, req.Input.Replicas); err != nil {
		return none, err
	}
	if now.Replicas != nil && *now.Replicas == req.Input.Replicas {
		open, err := c.orderWith(ctx, now, orderFilter{category: "scale", statuses: []string{orderRunning, orderPaused}}, func(orderRow) bool { return true })
		if err != nil {
			return none, fault.NotDone(err)
		}
		if open != "" {
			return h.follow(c, open), nil
		}
		running, err := c.countInstances(ctx, req.ID)
		if err != nil {
			return none, fault.NotDone(err)
		}
		if running == req.Input.Replicas {
			return none, nil
		}
	}
	r := retailcloud.CreateScaleAppRequest()
	r.EnvId, r.Replicas = number(now.EnvID.text()), whole(req.Input.Replicas)
	out, err := write[admission](ctx, c, r)
	id, err := out.order(err)
	if err != nil {
		return none, err
	}
	return h.follow(c, id), nil
}

// errFirst ends a search at its first find.
var errFirst = errors.New("found")

// orderWith finds the newest deploy order of an environment that fits; "" is none.
func (c *cloud) orderWith(ctx context.Context, e environmentRow, f orderFilter, fits func(orderRow) bool) (string, error) {
	id := ""
	f.env = e.EnvID.text()
	err := c.orders(ctx, e.AppID.text(), f, func(o orderRow) error {
		if fits(o) {
			id = o.ID.text()
			return errFirst
		}
		return nil
	})
	if errors.Is(err, errFirst) {
		err = nil
	}
	return id, err
}

// Components are what an environment consists of.
type Components struct {
	Instances []InstanceState `json:"instances" title:"Instances"`
	Points    []PointState    `json:"access_points" title:"Access points"`
	Services  []ServiceState  `json:"services" title:"Services"`
	Claims    []ClaimState    `json:"volume_claims" title:"Volume claims"`
	More      bool            `json:"more,omitempty" title:"There is more" doc:"Not all was told"`
}

// mostTold bounds a list in an answer.
const mostTold = 1000

// gather collects the states of what a walk yields.
func gather[State any](walk func(yield func(provider.Thing[State]) error) error) (out []State, more bool, err error) {
	out = []State{}
	err = walk(func(t provider.Thing[State]) error {
		if len(out) == mostTold {
			return errFirst
		}
		out = append(out, t.State)
		return nil
	})
	if errors.Is(err, errFirst) {
		return out, true, nil
	}
	return out, false, err
}

// components tells what an environment consists of.
func (h environments) components(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Components], error) {
	var out provider.ActionResult[Components]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := h.get(ctx, c, req.ID); err != nil {
		return out, err
	}
	var more [4]bool
	var errs [4]error
	o := &out.Output
	o.Instances, more[0], errs[0] = gather(func(y func(instance) error) error { return walkInstances(ctx, c, req.ID, y) })
	o.Points, more[1], errs[1] = gather(func(y func(point) error) error { return walkPoints(ctx, c, req.ID, y) })
	o.Services, more[2], errs[2] = gather(func(y func(service) error) error { return walkServices(ctx, c, req.ID, y) })
	o.Claims, more[3], errs[3] = gather(func(y func(claim) error) error { return walkClaims(ctx, c, req.ID, y) })
	for i, err := range errs {
		if err != nil {
			return provider.ActionResult[Components]{}, err
		}
		o.More = o.More || more[i]
	}
	return out, nil
}

// OrdersInput narrows the deploy orders of an environment.
type OrdersInput struct {
	Type     string    `json:"deploy_type,omitempty" enum:"partition_parallel" title:"Way"`
	Category string    `json:"category,omitempty" enum:"deploy,scale" title:"Deployed or scaled"`
	Pause    string    `json:"pause,omitempty" enum:"first,none,each" title:"Pauses"`
	Parting  string    `json:"partition_type,omitempty" enum:"group_even" title:"Way of batches"`
	EnvType  string    `json:"env_type,omitempty" enum:"test,prod" title:"Sort of environment"`
	Status   string    `json:"status,omitempty" enum:"1,2,3" title:"State" doc:"1 is under way, 2 paused, 3 finished"`
	Statuses []string  `json:"statuses,omitempty" max:"3" title:"States"`
	Results  []string  `json:"results,omitempty" max:"4" title:"Results" doc:"0 is none yet, 1 success, 2 failure, 4 closed by hand"`
	From     time.Time `json:"started_from,omitzero" title:"Started at or after"`
	After    time.Time `json:"started_after,omitzero" title:"Started after"`
	Until    time.Time `json:"started_until,omitzero" title:"Started at or before"`
	Before   time.Time `json:"started_before,omitzero" title:"Started before"`
	EndFrom  time.Time `json:"ended_from,omitzero" title:"Ended at or after"`
	EndAfter time.Time `json:"ended_after,omitzero" title:"Ended after"`
	EndUntil time.Time `json:"ended_until,omitzero" title:"Ended at or before"`
	EndLast  time.Time `json:"ended_before,omitzero" title:"Ended before"`
}

// Orders are deploy orders.
type Orders struct {
	Orders []OrderState `json:"deploy_orders" title:"Deploy orders" doc:"The newest first"`
	More   bool         `json:"more,omitempty" title:"There is more"`
}

// orders searches the deploy orders of an environment.
func (h environments) orders(ctx context.Context, req provider.TypedAction[OrdersInput]) (provider.ActionResult[Orders], error) {
	var out provider.ActionResult[Orders]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	p, ok := parts(req.ID, 2, 2)
	if !ok {
		return out, fault.NotFound(kindEnvironment, req.ID)
	}
	f := orderFilter{env: p[1], OrdersInput: req.Input, category: req.Input.Category, statuses: req.Input.Statuses}
	out.Output.Orders, out.Output.More, err = gather(func(yield func(deployOrder) error) error {
		return c.orders(ctx, p[0], f, func(o orderRow) error { return yield(o.thing(c)) })
	})
	return out, err
}
