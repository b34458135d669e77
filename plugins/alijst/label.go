package main

import (
	"context"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// labelPrefix is what keys of labels begin with.
const labelPrefix = "label.jst.com/"

// LabelSpec is a label of a cluster's nodes.
type LabelSpec struct {
	Cluster string `json:"cluster_id" required:"true" min:"1" max:"100" title:"Cluster"`
	Key     string `json:"key" required:"true" max:"77" pattern:"^label\\.jst\\.com/[A-Za-z0-9._-]+$" title:"Key" doc:"Begins with label.jst.com/"`
	Value   string `json:"value" required:"true" min:"1" max:"63" pattern:"^[A-Za-z0-9._-]+$" title:"Value"`
}

// LabelState is what a label is.
type LabelState struct {
	Cluster string `json:"cluster_id" title:"Cluster"`
	Key     string `json:"key" title:"Key"`
	Value   string `json:"value" title:"Value"`
}

type labelRow struct {
	ID         loose `json:"Id"`
	ClusterID  string
	LabelKey   string
	LabelValue string
}

type label = provider.Thing[LabelState]

// labels is the handler of the kind node_label. A label has nothing that could
// carry a token: it is known by cluster, key and value.
type labels struct {
	shelf[LabelState]
	remover[LabelState]
}

func labelKind(p *plugin) *provider.Kind {
	s := shelf[LabelState]{plugin: p, kind: kindLabel, walk: walkLabels, within: inCluster}
	h := labels{s, remover[LabelState]{s, func(ctx context.Context, c *cloud, id string) error { return c.deleteLabel(ctx, id, false) }}}
	p.shelves[kindLabel] = h
	return provider.KindOf[LabelSpec, LabelState](kindLabel, "Node label", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBind, Title: "Put on a node", Changes: true}, h.bind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionUnbind, Title: "Take off a node", Changes: true}, h.unbind),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionBindings, Title: "Nodes that have it"}, h.bindings),
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete with its bindings", Changes: true, Destructive: true}, h.destroy),
	)
}

// splitLabel takes an id apart: cluster, key, value. Keys have a slash.
func splitLabel(id string) (cluster, key, value string, ok bool) {
	cluster, rest, ok := strings.Cut(id, "/")
	at := strings.LastIndexByte(rest, '/')
	if !ok || cluster == "" || at <= len(labelPrefix)-1 || at == len(rest)-1 || !strings.HasPrefix(rest, labelPrefix) {
		return "", "", "", false
	}
	return cluster, rest[:at], rest[at+1:], true
}

// labelsOf streams the labels of a cluster, of one key or of all.
func (c *cloud) labelsOf(ctx context.Context, cluster, key string, yield func(label) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListNodeLabelsRequest()
		r.ClusterId, r.LabelKey, r.PageNumber, r.PageSize = cluster, key, page, size
		return r
	}, func(r labelRow) string { return r.LabelKey + "=" + r.LabelValue }, func(r labelRow) error {
		return yield(label{
			ID: cluster + "/" + r.LabelKey + "/" + r.LabelValue, Name: r.LabelKey + "=" + r.LabelValue, Status: provider.StatusRunning,
			State: LabelState{Cluster: cluster, Key: r.LabelKey, Value: r.LabelValue},
		})
	})
}

// walkLabels streams those of one cluster or of all.
func walkLabels(ctx context.Context, c *cloud, within string, yield func(label) error) error {
	return inClusters(ctx, c, within, func(id string) error { return c.labelsOf(ctx, id, "", yield) })
}

// Create makes one label.
func (h labels) Create(ctx context.Context, req provider.TypedCreate[LabelSpec]) (provider.Result[LabelState], error) {
	s := req.Spec
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[LabelState]{}, err
	}
	id := s.Cluster + "/" + s.Key + "/" + s.Value
	return h.make(ctx, c, making[LabelState]{
		mark: mark, within: s.Cluster, is: func(t label) bool { return t.ID == id },
		buy: func(ctx context.Context) (string, error) {
			r := retailcloud.CreateCreateNodeLabelRequest()
			r.ClusterId, r.LabelKey, r.LabelValue = s.Cluster, s.Key, s.Value
			return id, change(ctx, c, r)
		},
	})
}

func (c *cloud) deleteLabel(ctx context.Context, id string, force bool) error {
	cluster, key, value, ok := splitLabel(id)
	if !ok {
		return fault.NotFound(kindLabel, id)
	}
	r := retailcloud.CreateDeleteNodeLabelRequest()
	r.ClusterId, r.LabelKey, r.LabelValue, r.Force = cluster, key, value, truth(force)
	return change(ctx, c, r)
}

// destroy deletes a label with its bindings.
func (h labels) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error { return c.deleteLabel(ctx, id, true) })
}

// opened opens a call about a label.
func (h labels) opened(ctx context.Context, call provider.Call, id string) (c *cloud, s LabelState, err error) {
	cluster, key, value, ok := splitLabel(id)
	if !ok {
		return nil, s, fault.NotFound(kindLabel, id)
	}
	c, err = h.openIn(ctx, call)
	return c, LabelState{cluster, key, value}, err
}

// bind puts a label on a node; one that has it is a success.
func (h labels) bind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, s, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	if _, err := h.get(ctx, c, req.ID); err != nil { // the cloud would make a missing label
		return out, fault.NotDone(err)
	}
	r := retailcloud.CreateBindNodeLabelRequest()
	r.ClusterId, r.LabelKey, r.LabelValue, r.InstanceId = s.Cluster, s.Key, s.Value, req.Input.InstanceID
	return out, change(ctx, c, r)
}

// unbind takes a label off a node; one that does not have it is a success.
func (h labels) unbind(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, s, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	bound, err := c.bindings(ctx, s, req.Input.InstanceID)
	if err != nil || len(bound) == 0 {
		return out, fault.NotDone(err)
	}
	r := retailcloud.CreateUnbindNodeLabelRequest()
	r.ClusterId, r.LabelKey, r.LabelValue, r.InstanceId = s.Cluster, s.Key, s.Value, req.Input.InstanceID
	return out, goneIsDone(change(ctx, c, r))
}

// Binding is a node that has a label.
type Binding struct {
	Server string `json:"instance_id" title:"Server"`
	Type   string `json:"instance_type,omitempty" title:"Sort"`
}

// Bindings are the nodes that have a label.
type Bindings struct {
	Bindings []Binding `json:"bindings" title:"Nodes"`
}

type bindingRow struct {
	ID           loose `json:"Id"`
	InstanceID   string
	InstanceType string
}

// bindings are the nodes that have a label, or one of them.
func (c *cloud) bindings(ctx context.Context, s LabelState, server string) ([]Binding, error) {
	out := []Binding{}
	err := pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListNodeLabelBindingsRequest()
		r.ClusterId, r.LabelKey, r.LabelValue, r.InstanceId, r.PageNumber, r.PageSize = s.Cluster, s.Key, s.Value, server, page, size
		return r
	}, func(r bindingRow) string { return r.ID.text() }, func(r bindingRow) error {
		if len(out) < mostTold {
			out = append(out, Binding{Server: r.InstanceID, Type: r.InstanceType})
		}
		return nil
	})
	return out, err
}

// bindings tells which nodes have a label.
func (h labels) bindings(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Bindings], error) {
	var out provider.ActionResult[Bindings]
	c, s, err := h.opened(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	out.Output.Bindings, err = c.bindings(ctx, s, "")
	return out, err
}

// AllocationSpec gives an environment room on a cluster.
type AllocationSpec struct {
	Environment string `json:"environment_id" required:"true" min:"3" max:"40" title:"Environment"`
	Cluster     string `json:"cluster_id" required:"true" min:"1" max:"100" title:"Cluster"`
}

// AllocationState is what such room is.
type AllocationState struct {
	Environment string `json:"environment_id" title:"Environment"`
	Cluster     string `json:"cluster_id" title:"Cluster"`
	Definition  string `json:"definition,omitempty" title:"Definition"`
}

type allocationRow struct {
	ID          loose `json:"Id"`
	AppID       loose `json:"AppId"`
	EnvID       loose `json:"AppEnvId"`
	ClusterID   string
	ResourceDef loose
}

type allocation = provider.Thing[AllocationState]

func (r allocationRow) thing() allocation {
	return allocation{
		ID: r.EnvID.text(), Name: r.AppID.text() + "/" + r.EnvID.text(), Status: provider.StatusBound,
		State: AllocationState{Environment: r.AppID.text() + "/" + r.EnvID.text(), Cluster: r.ClusterID, Definition: r.ResourceDef.text()},
	}
}

// allocations is the handler of the kind resource_allocation. An environment
// has one at most, so it is known by it.
type allocations struct {
	shelf[AllocationState]
	remover[AllocationState]
}

func allocationKind(p *plugin) *provider.Kind {
	s := shelf[AllocationState]{plugin: p, kind: kindAllocation, walk: walkAllocations, one: oneAllocation}
	h := allocations{s, remover[AllocationState]{s, deleteAllocation}}
	p.shelves[kindAllocation] = h
	return provider.KindOf[AllocationSpec, AllocationState](kindAllocation, "Room on a cluster", h)
}

// allocationsOf streams the allocations of an environment on a cluster; "" is all.
func (c *cloud) allocationsOf(ctx context.Context, app, env, cluster string, yield func(allocation) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListAppResourceAllocsRequest()
		r.PageNumber, r.PageSize, r.AppId, r.AppEnvId, r.ClusterId = page, size, number(app), number(env), cluster
		return r
	}, func(r allocationRow) string { return r.ID.text() }, func(r allocationRow) error { return yield(r.thing()) })
}

// walkAllocations streams those of the region's clusters.
func walkAllocations(ctx context.Context, c *cloud, _ string, yield func(allocation) error) error {
	return inClusters(ctx, c, "", func(id string) error { return c.allocationsOf(ctx, "", "", id, yield) })
}

func oneAllocation(ctx context.Context, c *cloud, id string) (allocation, error) {
	if !digits.MatchString(id) {
		return allocation{}, fault.NotFound(kindAllocation, id)
	}
	r := retailcloud.CreateDescribeAppResourceAllocRequest()
	r.AppEnvId = number(id)
	out, err := read[struct{ Result allocationRow }](ctx, c, r)
	if err == nil && out.Result.EnvID.text() != id {
		err = fault.NotFound(kindAllocation, id)
	}
	return out.Result.thing(), err
}

// Create gives an environment room on a cluster. One that has room on it is a
// success, one that has it on another a conflict.
func (h allocations) Create(ctx context.Context, req provider.TypedCreate[AllocationSpec]) (provider.Result[AllocationState], error) {
	var none provider.Result[AllocationState]
	s := req.Spec
	p, err := inner(s.Environment, "spec.environment_id", 2, 2)
	if err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	var has []allocation
	err = c.allocationsOf(ctx, p[0], p[1], "", func(t allocation) error { has = append(has, t); return nil })
	switch {
	case err != nil:
		return none, fault.NotDone(err)
	case len(has) > 0 && has[0].State.Cluster != s.Cluster:
		return none, fault.Conflict("the environment has room on the cluster %q: take that away first", has[0].State.Cluster)
	case len(has) > 0:
		return provider.Done(has[0]), nil
	}
	return h.make(ctx, c, making[AllocationState]{
		mark: mark, is: func(t allocation) bool { return t.ID == p[1] },
		buy: func(ctx context.Context) (string, error) {
			r := retailcloud.CreateCreateAppResourceAllocRequest()
			r.AppId, r.AppEnvId, r.ClusterId = number(p[0]), number(p[1]), s.Cluster
			return p[1], change(ctx, c, r)
		},
	})
}

func deleteAllocation(ctx context.Context, c *cloud, id string) error {
	r := retailcloud.CreateDeleteAppResourceAllocRequest()
	r.AppEnvId = number(id)
	return change(ctx, c, r)
}
