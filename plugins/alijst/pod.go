package main

import (
	"context"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// PodState is what a pod of a deploy order is.
type PodState struct {
	Instance string `json:"app_instance_id" title:"Instance"`
	Order    string `json:"deploy_order_id" title:"Deploy order"`
	Batch    int64  `json:"batch" title:"Batch"`
	Status   string `json:"status" title:"State" doc:"1 is under way, 2 paused, 3 finished"`
	Result   string `json:"result" title:"Result" doc:"0 is none yet, 1 success, 2 failure, 4 closed by hand"`
	Group    string `json:"group,omitempty" title:"Group"`
	Host     string `json:"host_name,omitempty" title:"Host"`
	HostIP   string `json:"host_ip,omitempty" title:"Address of the host"`
	PodIP    string `json:"pod_ip,omitempty" title:"Address"`
	Region   string `json:"region,omitempty" title:"Region"`
	Began    string `json:"began,omitempty" title:"Beginning"`
	Updated  string `json:"updated,omitempty" title:"Last change"`
	Steps    []Step `json:"steps,omitempty" title:"Steps"`
}

// Step is a step of a rollout.
type Step struct {
	Code   string `json:"code" title:"Code"`
	Name   string `json:"name,omitempty" title:"Name"`
	Status string `json:"status" title:"State"`
	Log    string `json:"log,omitempty" title:"Log"`
}

// podRow is a pod as the cloud shows it.
type podRow struct {
	ID             string `json:"AppInstanceId"`
	OrderID        loose  `json:"DeployOrderId"`
	Batch          loose  `json:"DeployPartitionNum"`
	Status, Result loose
	GroupName      string
	HostName       string
	HostIP         string `json:"HostIp"`
	PodIP          string `json:"PodIp"`
	Region         string
	StartTime      string
	UpdateTime     string
	DeploySteps    []stepRow
}

type stepRow struct{ StepCode, StepName, Status, StepLog string }

func (r stepRow) step() Step {
	return Step{Code: r.StepCode, Name: r.StepName, Status: r.Status, Log: r.StepLog}
}

type pod = provider.Thing[PodState]

func (r podRow) thing(c *cloud) pod {
	began := c.cfg.moment(r.StartTime)
	t := pod{
		ID: r.OrderID.text() + "/" + r.ID, Name: r.ID, Status: orderStatus(r.Status.text(), r.Result.text()), RawStatus: r.Status.text(), Created: began,
		State: PodState{
			Instance: r.ID, Order: r.OrderID.text(), Batch: r.Batch.number(), Status: r.Status.text(), Result: r.Result.text(), Group: r.GroupName,
			Host: r.HostName, HostIP: r.HostIP, PodIP: r.PodIP, Region: r.Region, Began: rfc(began), Updated: rfc(c.cfg.moment(r.UpdateTime)),
		},
	}
	for _, s := range r.DeploySteps {
		t.State.Steps = append(t.State.Steps, s.step())
	}
	return t
}

// rfc writes a time for a state; "" for none.
func rfc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// pods streams the pods of a deploy order.
func (c *cloud) pods(ctx context.Context, order string, f PodsInput, yield func(podRow) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListPodsRequest()
		r.DeployOrderId, r.PageNumber, r.PageSize = number(order), page, size
		r.StatusList, r.ResultList = texts(f.Statuses), texts(f.Results)
		return r
	}, func(r podRow) string { return r.ID }, yield)
}

// podsOf is the handler of the kind pod.
type podsOf struct{ shelf[PodState] }

func podKind(p *plugin) *provider.Kind {
	h := podsOf{shelf[PodState]{plugin: p, kind: kindPod, walk: walkPods, within: func(id string) string {
		p, _ := parts(id, 2, 1)
		return p[0]
	}}}
	p.shelves[kindPod] = h
	return provider.KindOf[none, PodState](kindPod, "Pod", h,
		provider.ActionOf(provider.ActionDescription{Name: "logs", Title: "Log"}, h.logs),
		provider.ActionOf(provider.ActionDescription{Name: "events", Title: "Events"}, h.events),
	)
}

// walkPods streams those of one deploy order or of all.
func walkPods(ctx context.Context, c *cloud, within string, yield func(pod) error) error {
	if within == "" {
		return walkOrders(ctx, c, "", func(o deployOrder) error { return goneIsDone(walkPods(ctx, c, o.ID, yield)) })
	}
	return c.pods(ctx, within, PodsInput{}, func(r podRow) error { return yield(r.thing(c)) })
}

// Logs are what a pod's steps wrote.
type Logs struct {
	Order   string `json:"deploy_order" title:"Deploy order"`
	EnvType string `json:"env_type,omitempty" title:"Sort of environment"`
	Steps   []Step `json:"steps" title:"Steps"`
}

// Events are what happened to a pod.
type Events struct {
	Order  string     `json:"deploy_order" title:"Deploy order"`
	Events []PodEvent `json:"events" title:"Events"`
}

// PodEvent is one thing that happened.
type PodEvent struct {
	Type    string `json:"type,omitempty" title:"Sort"`
	Reason  string `json:"reason,omitempty" title:"Reason"`
	Message string `json:"message,omitempty" title:"Message"`
	Action  string `json:"action,omitempty" title:"Action"`
	Count   int64  `json:"count" title:"Times"`
	Time    string `json:"time,omitempty" title:"Time"`
	First   string `json:"first,omitempty" title:"First time"`
	Last    string `json:"last,omitempty" title:"Last time"`
}

// target opens a call about a pod.
func (h podsOf) target(ctx context.Context, call provider.Call, id string) (*cloud, []string, error) {
	p, ok := parts(id, 2, 1)
	if !ok {
		return nil, p, fault.NotFound(kindPod, id)
	}
	c, err := h.openIn(ctx, call)
	return c, p, err
}

// logs reads what a pod's steps wrote.
func (h podsOf) logs(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Logs], error) {
	var answer provider.ActionResult[Logs]
	c, p, err := h.target(ctx, req.Call, req.ID)
	if err != nil {
		return answer, err
	}
	r := retailcloud.CreateDescribePodLogRequest()
	r.DeployOrderId, r.AppInstId = number(p[0]), p[1]
	out, err := read[struct {
		Result struct {
			EnvTypeName     string
			DeployOrderName string
			DeployStepList  []stepRow
		}
	}](ctx, c, r)
	if err != nil {
		return answer, err
	}
	own, _ := split(out.Result.DeployOrderName)
	answer.Output = Logs{Order: own, EnvType: environmentTold(out.Result.EnvTypeName), Steps: []Step{}}
	for _, s := range out.Result.DeployStepList {
		answer.Output.Steps = append(answer.Output.Steps, s.step())
	}
	return answer, nil
}

// events reads what happened to a pod.
func (h podsOf) events(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Events], error) {
	var answer provider.ActionResult[Events]
	c, p, err := h.target(ctx, req.Call, req.ID)
	if err != nil {
		return answer, err
	}
	r := retailcloud.CreateDescribePodEventsRequest()
	r.DeployOrderId, r.AppInstId = number(p[0]), p[1]
	out, err := read[struct {
		Result struct {
			DeployOrderName string
			PodEvents       []struct {
				Action, EventTime, FirstTimestamp, LastTimestamp string
				Message, Reason, Type                            string
				Count                                            loose
			}
		}
	}](ctx, c, r)
	if err != nil {
		return answer, err
	}
	own, _ := split(out.Result.DeployOrderName)
	answer.Output = Events{Order: own, Events: []PodEvent{}}
	for _, e := range out.Result.PodEvents {
		answer.Output.Events = append(answer.Output.Events, PodEvent{
			Type: e.Type, Reason: e.Reason, Message: e.Message, Action: e.Action, Count: e.Count.number(),
			Time: rfc(c.cfg.moment(e.EventTime)), First: rfc(c.cfg.moment(e.FirstTimestamp)), Last: rfc(c.cfg.moment(e.LastTimestamp)),
		})
	}
	return answer, nil
}
