package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// nothing is an input or an output without fields.
type nothing struct{}

// replicasInput is how many replicas are to run.
type replicasInput struct {
	Replicas int `json:"replicas" required:"true" min:"0" max:"500" title:"Replicas" doc:"At most as many as are paid for"`
}

// passwordInput is another password.
type passwordInput struct {
	Password secret.Value `json:"password" required:"true" min:"8" max:"128" title:"Password"`
}

// credentials open a workload.
type credentials struct {
	User     string `json:"user" title:"User"`
	Password string `json:"password" secret:"true" title:"Password"`
}

// logsInput chooses what to read.
type logsInput struct {
	Pod      string `json:"pod,omitempty" max:"253" title:"Pod" doc:"Empty is the first"`
	Tail     int    `json:"tail_lines,omitempty" min:"1" max:"5000" default:"200" title:"Lines"`
	Previous bool   `json:"previous,omitempty" title:"Of the container that ended"`
}

// text is what somebody reads.
type text struct {
	Text string `json:"text" title:"Text"`
}

// happenings are a workload's events.
type happenings struct {
	Events []workload.Happening `json:"events" title:"Events"`
}

// execInput is a command to run in a container.
type execInput struct {
	Pod     string   `json:"pod,omitempty" max:"253" title:"Pod" doc:"Empty is the first"`
	Command []string `json:"command" required:"true" min:"1" max:"64" title:"Command"`
	Stdin   string   `json:"stdin,omitempty" max:"65536" title:"Input"`
}

// ran is what a command did.
type ran struct {
	Stdout string `json:"stdout" title:"Output"`
	Stderr string `json:"stderr" title:"Errors"`
	Code   int    `json:"code" title:"Exit code"`
}

// acting makes an action of a change of the keeper's.
func acting[In any](
	ctx context.Context, h workloads, req provider.TypedAction[In], do func(o *office) (workload.Workload, error),
) (provider.ActionResult[nothing], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	w, err := do(o)
	if err != nil {
		return provider.ActionResult[nothing]{}, err
	}
	h.news.follow(ctx, o, w)
	return provider.ActionResult[nothing]{Operation: w.Operation()}, nil
}

func (h workloads) start(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[nothing], error) {
	return acting(ctx, h, req, func(o *office) (workload.Workload, error) { return h.keeper.Start(ctx, o.desk, req.ID, req.Token) })
}

func (h workloads) stop(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[nothing], error) {
	return acting(ctx, h, req, func(o *office) (workload.Workload, error) { return h.keeper.Scale(ctx, o.desk, req.ID, req.Token, 0) })
}

func (h workloads) scale(ctx context.Context, req provider.TypedAction[replicasInput]) (provider.ActionResult[nothing], error) {
	return acting(ctx, h, req, func(o *office) (workload.Workload, error) {
		return h.keeper.Scale(ctx, o.desk, req.ID, req.Token, req.Input.Replicas)
	})
}

func (h workloads) restart(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[nothing], error) {
	return acting(ctx, h, req, func(o *office) (workload.Workload, error) { return h.keeper.Restart(ctx, o.desk, req.ID, req.Token) })
}

func (h workloads) resetPassword(ctx context.Context, req provider.TypedAction[passwordInput]) (provider.ActionResult[nothing], error) {
	return acting(ctx, h, req, func(o *office) (workload.Workload, error) {
		return h.keeper.ResetPassword(ctx, o.desk, req.ID, req.Token, req.Input.Password)
	})
}

// credentials tells what opens the workload, to who may act on it.
func (h workloads) credentials(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[credentials], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[credentials]{}, err
	}
	user, password, err := h.keeper.Credentials(ctx, o.desk, req.ID)
	return provider.ActionResult[credentials]{Output: credentials{User: user, Password: password.Reveal()}}, err
}

// logs reads the end of a pod's output.
func (h workloads) logs(ctx context.Context, req provider.TypedAction[logsInput]) (provider.ActionResult[text], error) {
	on, in, err := h.inside(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[text]{}, err
	}
	out, err := h.engine.Logs(ctx, on, in, workload.LogRequest{Pod: req.Input.Pod, Tail: req.Input.Tail, Previous: req.Input.Previous})
	return provider.ActionResult[text]{Output: text{out}}, err
}

// events lists what happened to the workload.
func (h workloads) events(ctx context.Context, req provider.TypedAction[nothing]) (provider.ActionResult[happenings], error) {
	on, in, err := h.inside(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[happenings]{}, err
	}
	out, err := h.engine.Events(ctx, on, in)
	if out == nil {
		out = []workload.Happening{}
	}
	return provider.ActionResult[happenings]{Output: happenings{out}}, err
}

// exec runs a command in a container. It is not made twice for a token by us: a
// command is the caller's to repeat.
func (h workloads) exec(ctx context.Context, req provider.TypedAction[execInput]) (provider.ActionResult[ran], error) {
	on, in, err := h.inside(ctx, req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[ran]{}, err
	}
	out, err := h.engine.Exec(ctx, on, in, req.Input.Pod, req.Input.Command, req.Input.Stdin)
	return provider.ActionResult[ran]{Output: ran{Stdout: out.Stdout, Stderr: out.Stderr, Code: out.Code}}, err
}

// inside opens a workload that runs.
func (h workloads) inside(ctx context.Context, call provider.Call, id string) (workload.Target, workload.Instance, error) {
	o, err := h.open(ctx, call)
	if err != nil {
		return workload.Target{}, workload.Instance{}, err
	}
	return h.keeper.Running(ctx, o.desk, id)
}
