package main

import (
	"context"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// OrderState is what a deploy order is.
type OrderState struct {
	ID          string `json:"deploy_order_id" title:"Deploy order"`
	Name        string `json:"name" title:"Name"`
	Environment string `json:"env_id" title:"Number of the environment"`
	EnvType     string `json:"env_type,omitempty" title:"Sort of environment"`
	Config      string `json:"schema_id,omitempty" title:"Number of the deploy configuration"`
	Status      string `json:"status" title:"State" doc:"1 is under way, 2 paused, 3 finished"`
	Result      string `json:"result" title:"Result" doc:"0 is none yet, 1 success, 2 failure, 4 closed by hand"`
	Pause       string `json:"pause,omitempty" title:"Pauses"`
	Type        string `json:"deploy_type,omitempty" title:"Way"`
	Parting     string `json:"partition_type,omitempty" title:"Way of batches"`
	Batch       int64  `json:"batch" title:"Batch in work"`
	Batches     int64  `json:"batches" title:"Batches"`
	Finished    int64  `json:"finished" title:"Instances that are done"`
	Instances   int64  `json:"instances" title:"Instances"`
	FailureRate string `json:"failure_rate,omitempty" title:"Rate of failures"`
	Seconds     int64  `json:"seconds" title:"Seconds it took so far"`
	Began       string `json:"began,omitempty" title:"Beginning"`
	Ended       string `json:"ended,omitempty" title:"End"`
	User        string `json:"user_id,omitempty" title:"User"`
	Description string `json:"description,omitempty" title:"Description"`
}

// orderRow is a deploy order as the cloud shows it.
type orderRow struct {
	ID              loose `json:"DeployOrderId"`
	Name            string
	Description     string
	EnvID           loose `json:"EnvId"`
	EnvType         loose
	SchemaID        loose `json:"SchemaId"`
	Status, Result  loose
	DeployPauseType string
	DeployType      string
	PartitionType   string
	Batch           loose `json:"CurrentPartitionNum"`
	Batches         loose `json:"TotalPartitions"`
	Finished        loose `json:"FinishAppInstanceCt"`
	Instances       loose `json:"TotalAppInstanceCt"`
	FailureRate     loose
	ElapsedTime     loose
	StartTime       string
	EndTime         string
	UserID          loose `json:"UserId"`
}

type deployOrder = provider.Thing[OrderState]

func (r orderRow) thing(c *cloud) deployOrder {
	own, mark := split(r.Name)
	began := c.cfg.moment(r.StartTime)
	return deployOrder{
		ID: r.ID.text(), Name: own, Token: mark, Status: orderStatus(r.Status.text(), r.Result.text()), RawStatus: r.Status.text(), Created: began,
		State: OrderState{
			ID: r.ID.text(), Name: own, Environment: r.EnvID.text(), EnvType: environmentTold(r.EnvType.text()), Config: r.SchemaID.text(),
			Status: r.Status.text(), Result: r.Result.text(), Pause: r.DeployPauseType, Type: r.DeployType, Parting: r.PartitionType,
			Batch: r.Batch.number(), Batches: r.Batches.number(), Finished: r.Finished.number(), Instances: r.Instances.number(),
			FailureRate: r.FailureRate.text(), Seconds: r.ElapsedTime.number(), Began: rfc(began), Ended: rfc(c.cfg.moment(r.EndTime)),
			User: r.UserID.text(), Description: r.Description,
		},
	}
}

// orderFilter narrows a list of deploy orders.
type orderFilter struct {
	OrdersInput
	env      string
	category string
	statuses []string
}

// orders streams the deploy orders of an application, the newest first.
func (c *cloud) orders(ctx context.Context, app string, f orderFilter, yield func(orderRow) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListDeployOrdersRequest()
		r.AppId, r.PageNumber, r.PageSize = number(app), page, size
		r.EnvId, r.DeployCategory, r.StatusList, r.ResultList = number(f.env), f.category, texts(f.statuses), texts(f.Results)
		r.DeployType, r.PauseType, r.PartitionType, r.Status = f.Type, f.Pause, f.Parting, requests.Integer(f.Status)
		if words, err := environmentNamed(f.EnvType, ""); err == nil {
			r.EnvType = words.config
		}
		r.StartTimeGreaterThanOrEqualTo, r.StartTimeGreaterThan = c.cfg.stamp(f.From), c.cfg.stamp(f.After)
		r.StartTimeLessThanOrEqualTo, r.StartTimeLessThan = c.cfg.stamp(f.Until), c.cfg.stamp(f.Before)
		r.EndTimeGreaterThanOrEqualTo, r.EndTimeGreaterThan = c.cfg.stamp(f.EndFrom), c.cfg.stamp(f.EndAfter)
		r.EndTimeLessThanOrEqualTo, r.EndTimeLessThan = c.cfg.stamp(f.EndUntil), c.cfg.stamp(f.EndLast)
		return r
	}, func(r orderRow) string { return r.ID.text() }, yield)
}

// deployOrder reads one deploy order.
func (c *cloud) deployOrder(ctx context.Context, id string) (orderRow, error) {
	if !digits.MatchString(id) {
		return orderRow{}, fault.NotFound(kindOrder, id)
	}
	r := retailcloud.CreateDescribeDeployOrderDetailRequest()
	r.DeployOrderId = number(id)
	out, err := read[struct{ Result orderRow }](ctx, c, r)
	if err == nil && out.Result.ID.text() != id {
		err = fault.NotFound(kindOrder, id)
	}
	return out.Result, err
}

// deployOrders is the handler of the kind deploy_order.
type deployOrders struct{ shelf[OrderState] }

func orderKind(p *plugin) *provider.Kind {
	h := deployOrders{shelf[OrderState]{plugin: p, kind: kindOrder, walk: walkOrders, one: func(ctx context.Context, c *cloud, id string) (deployOrder, error) {
		r, err := c.deployOrder(ctx, id)
		return r.thing(c), err
	}}}
	p.shelves[kindOrder] = h
	return provider.KindOf[none, OrderState](kindOrder, "Deploy order", h,
		provider.ActionOf(provider.ActionDescription{Name: "resume", Title: "Resume", Changes: true}, h.resume),
		provider.ActionOf(provider.ActionDescription{Name: "close", Title: "Close as failed", Changes: true, Destructive: true}, h.close),
		provider.ActionOf(provider.ActionDescription{Name: "pods", Title: "Pods"}, h.pods),
	)
}

// walkOrders streams those of one environment or of all.
func walkOrders(ctx context.Context, c *cloud, within string, yield func(deployOrder) error) error {
	return inEnvironments(ctx, c, within, func(app, env string) error {
		return c.orders(ctx, app, orderFilter{env: env}, func(r orderRow) error { return yield(r.thing(c)) })
	})
}

// resume lets a paused deploy order go on. The cloud counts no pauses, so a
// repeat that finds it paused again resumes it again.
func (h deployOrders) resume(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Rollout], error) {
	var out provider.ActionResult[Rollout]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	now, err := c.deployOrder(ctx, req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	out = provider.ActionResult[Rollout]{Operation: h.waiting(c, verbDeploy, kindOrder, req.ID).String(), Output: Rollout{Order: req.ID}}
	if now.Status.text() != orderPaused {
		return out, nil
	}
	r := retailcloud.CreateResumeDeployRequest()
	r.DeployOrderId = number(req.ID)
	if err := change(ctx, c, r); err != nil {
		return provider.ActionResult[Rollout]{}, err
	}
	return out, nil
}

// close ends a deploy order as failed; one that has ended is a success.
func (h deployOrders) close(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := confirmed(req.Input.Confirm, req.ID); err != nil {
		return out, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	now, err := c.deployOrder(ctx, req.ID)
	if err != nil || now.Status.text() == orderFinished {
		return out, fault.NotDone(err)
	}
	r := retailcloud.CreateCloseDeployOrderRequest()
	r.DeployOrderId = number(req.ID)
	return out, change(ctx, c, r)
}

// PodsInput narrows the pods of a deploy order.
type PodsInput struct {
	Statuses []string `json:"statuses,omitempty" max:"3" title:"States" doc:"1 is under way, 2 paused, 3 finished"`
	Results  []string `json:"results,omitempty" max:"4" title:"Results" doc:"0 is none yet, 1 success, 2 failure, 4 closed by hand"`
}

// Pods are pods of a deploy order.
type Pods struct {
	Pods []PodState `json:"pods" title:"Pods"`
	More bool       `json:"more,omitempty" title:"There is more"`
}

// pods searches the pods of a deploy order.
func (h deployOrders) pods(ctx context.Context, req provider.TypedAction[PodsInput]) (provider.ActionResult[Pods], error) {
	var out provider.ActionResult[Pods]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if !digits.MatchString(req.ID) {
		return out, fault.NotFound(kindOrder, req.ID)
	}
	out.Output.Pods, out.Output.More, err = gather(func(yield func(pod) error) error {
		return c.pods(ctx, req.ID, req.Input, func(r podRow) error { return yield(r.thing(c)) })
	})
	return out, err
}
