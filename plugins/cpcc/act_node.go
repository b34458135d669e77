package main

import (
	"context"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// labelInput is one label: written out, or one that is kept.
type labelInput struct {
	Label   string `json:"label,omitempty" max:"400" title:"Label" doc:"key=value, one"`
	LabelID string `json:"label_id,omitempty" max:"128" title:"Kept label"`
}

// modelsInput says what a node is made of.
type modelsInput struct {
	Card string `json:"gpu_model,omitempty" max:"128" title:"Model of the cards" doc:"As the priced part calls it"`
	Core string `json:"cpu_model,omitempty" max:"128" title:"Model of the cores" doc:"As the priced part calls it"`
}

// drainInput bounds a drain.
type drainInput struct {
	Bare    bool `json:"bare,omitempty" title:"Move pods that nobody makes anew"`
	Seconds int  `json:"seconds,omitempty" min:"1" max:"25" default:"20" title:"Longest wait" doc:"Budgets that hold it longer let it be repeated"`
}

// drained is how far a drain is.
type drained struct {
	Left    int `json:"left" title:"Pods left" doc:"0: it is empty"`
	Blocked int `json:"blocked" title:"Of those, held by a disruption budget"`
}

// removeInput says how a node is taken out.
type removeInput struct {
	Force bool `json:"force,omitempty" title:"Also with pods that do not go"`
}

// oneLabel reads the label of an input.
func (o *office) oneLabel(ctx context.Context, in labelInput) (key, value string, err error) {
	if (in.Label == "") == (in.LabelID == "") {
		return "", "", fault.Invalid("input.label", "give one label: written key=value, or the id of a kept one")
	}
	if in.LabelID != "" {
		l, err := o.centres.Label(ctx, in.LabelID)
		if err == nil && l.Type != centre.LabelNode {
			err = fault.Invalid("input.label_id", "is a label of workloads")
		}
		return l.Key, l.Value, known(err, "input.label_id", "names no label")
	}
	key, value, ok := strings.Cut(in.Label, "=")
	if !ok {
		return "", "", fault.Invalid("input.label", "must be written key=value")
	}
	return key, value, centre.CheckLabel("input.", key, value)
}

func (h nodes) label(ctx context.Context, req provider.TypedAction[labelInput]) (provider.ActionResult[nothing], error) {
	return provider.ActionResult[nothing]{}, h.setLabel(ctx, req, false)
}

func (h nodes) unlabel(ctx context.Context, req provider.TypedAction[labelInput]) (provider.ActionResult[nothing], error) {
	return provider.ActionResult[nothing]{}, h.setLabel(ctx, req, true)
}

func (h nodes) setLabel(ctx context.Context, req provider.TypedAction[labelInput], remove bool) error {
	o, _, on, err := h.board(ctx, req.Call)
	if err != nil {
		return err
	}
	key, value, err := o.oneLabel(ctx, req.Input)
	if err != nil {
		return err
	}
	return h.engine.Label(ctx, on, req.ID, key, value, remove)
}

func (h nodes) models(ctx context.Context, req provider.TypedAction[modelsInput]) (provider.ActionResult[nothing], error) {
	_, _, on, err := h.board(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	return provider.ActionResult[nothing]{}, h.engine.Models(ctx, on, req.ID, req.Input.Card, req.Input.Core)
}

func (h nodes) cordon(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[nothing], error) {
	return h.keep(ctx, req.Call, func(on workload.Target) error { return h.engine.Cordon(ctx, on, req.ID, true) })
}

func (h nodes) uncordon(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[nothing], error) {
	return h.keep(ctx, req.Call, func(on workload.Target) error { return h.engine.Cordon(ctx, on, req.ID, false) })
}

func (h nodes) keep(ctx context.Context, call provider.Call, do func(workload.Target) error) (provider.ActionResult[nothing], error) {
	_, _, on, err := h.board(ctx, call)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	return provider.ActionResult[nothing]{}, do(on)
}

// drain moves the pods of a node away as far as budgets let it; it is repeated
// until none is left.
func (h nodes) drain(ctx context.Context, req provider.TypedAction[drainInput]) (provider.ActionResult[drained], error) {
	var out provider.ActionResult[drained]
	_, _, on, err := h.board(ctx, req.Call)
	if err != nil {
		return out, err
	}
	out.Output.Left, out.Output.Blocked, err = h.engine.Drain(ctx, on, req.ID, req.Input.Bare, time.Duration(req.Input.Seconds)*time.Second)
	return out, err
}

// removeTime bounds the drain of a removal by force.
const removeTime = 15 * time.Second

// remove takes a node out of its cluster that is no device's: a device leaves by
// its cluster's remove_worker, which resets the machine too.
func (h nodes) remove(ctx context.Context, req provider.TypedAction[removeInput]) (provider.ActionResult[nothing], error) {
	o, c, on, err := h.board(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	err = o.centres.Devices(ctx, c.CentreID, func(d centre.Device) error {
		if d.ClusterID == c.ID && d.NodeName == req.ID {
			return fault.Precondition("the node is the device %q: remove it as a worker of its cluster", d.Name)
		}
		return nil
	})
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	return provider.ActionResult[nothing]{}, h.engine.RemoveNode(ctx, on, req.ID, req.Input.Force, removeTime)
}
