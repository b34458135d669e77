package main

import (
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// TestTheLifeOfAnEnvironment from its application to its end.
func TestTheLifeOfAnEnvironment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	env := s.get(t, kindEnvironment, s.env)
	e := state[EnvironmentState](t, env)
	if env.Name != "thing" || env.Region != home || env.Token == "" || e.Type != envProd || e.Replicas == nil || *e.Replicas != 2 || e.Config != s.config {
		t.Errorf("environment %+v, %+v", env, e)
	}
}

func TestDeployScaleAndComponents(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	began := s.begin(t, kindEnvironment, s.env, "deploy", `{"partitions":2,"pause":"first"}`)
	order := output[Rollout](t, began).Order
	again := s.begin(t, kindEnvironment, s.env, "deploy", `{"partitions":2,"pause":"first"}`)
	if output[Rollout](t, again).Order != order {
		t.Errorf("the same token began the orders %s and %s", order, output[Rollout](t, again).Order)
	}
	s.clock.Advance(transition)
	op, err := s.Operation(t.Context(), provider.OperationRequest{Call: s.call(), ID: began.Operation})
	if err != nil || op.State != provider.OperationRunning || op.Message == "" {
		t.Fatalf("a paused order: %+v, %v", op, err)
	}
	if o := state[OrderState](t, s.get(t, kindOrder, order)); o.Status != orderPaused || o.Name != "deploy" {
		t.Errorf("order %+v", o)
	}
	s.acts(t, kindOrder, order, "resume", `{}`)
	if op := s.finish(t, began.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("the deploy: %+v", op)
	}
	s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":3}`)
	s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":3}`)
	if n := s.sim.Counts()["ScaleApp"].Calls; n != 1 {
		t.Errorf("scaled %d times to one aim", n)
	}
	s.made(t, kindService, "t-svc", s.in(`"ports":[`+aPort+`]`))
	s.made(t, kindPoint, "t-ap", s.in(`"balancer_id":"lb-sim-internet","port":80,"target_port":8080`))
	s.made(t, kindClaim, "t-pvc", s.in(`"capacity":"10Gi","storage_class":"nas"`))
	c := output[Components](t, s.acts(t, kindEnvironment, s.env, "components", `{}`))
	if len(c.Instances) != 3 || len(c.Services) != 1 || len(c.Points) != 1 || len(c.Claims) != 1 || c.More {
		t.Errorf("components %+v", c)
	}
	if all := s.list(t, kindInstance); len(all) != 3 || all[0].Status != provider.StatusRunning {
		t.Errorf("instances %+v", all)
	}
	_, err = s.act(t, kindEnvironment, s.env, "scale", `{"replicas":0}`)
	want(t, "nothing runs after it", err, fault.ClassInvalid, fault.OutcomeNotDone)
	s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":0,"confirm":"`+s.env+`"}`)
}

// TestWhatRunsOnACluster: the SDK fails on pods, whose cores the cloud misspells.
func TestWhatRunsOnACluster(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.made(t, kindAllocation, "t-room", creations()[kindAllocation].spec(s))
	s.acts(t, kindEnvironment, s.env, "deploy", `{}`)
	d := output[ClusterDetail](t, s.acts(t, kindCluster, s.cluster, "detail", `{}`))
	if d.Title != "thing" || d.Region != home || d.Pods != 2 || d.Apps != 1 || d.Nodes != 1 || len(d.Available) != 0 {
		t.Errorf("detail %+v", d)
	}
	if len(d.Allocated) != 2 || d.Allocated[0].CPURequest != "0.5" || d.Allocated[0].MemoryRequest != "1024" || d.Allocated[0].App == "" {
		t.Errorf("pods %+v", d.Allocated)
	}
	like := output[ClustersLike](t, s.acts(t, kindCluster, s.cluster, "search", `{}`))
	room := output[Candidates](t, s.acts(t, kindCluster, s.cluster, "candidates", `{}`))
	if len(like.Clusters) != 1 || len(room.Nodes) != 3 || room.Nodes[0].Server != "i-cn-hangzhou-2" {
		t.Errorf("clusters %+v, candidates %+v", like, room)
	}
	if _, err := s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kindCluster, ID: "c0"}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("another cluster: %v", err)
	}
}

// TestLabelsAndTheirBindings: a label that is on a node stays, unless it is
// destroyed; bind does not make one.
func TestLabelsAndTheirBindings(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.labelled(t)
	s.acts(t, kindLabel, id, "bind", `{"instance_id":"i-cn-hangzhou-1"}`)
	if b := output[Bindings](t, s.acts(t, kindLabel, id, "bindings", `{}`)); len(b.Bindings) != 1 || b.Bindings[0].Server != "i-cn-hangzhou-1" {
		t.Errorf("bindings %+v", b)
	}
	_, err := s.Delete(t.Context(), provider.DeleteRequest{Call: s.call(), Token: "d", Kind: kindLabel, ID: id})
	want(t, "it is on a node", err, fault.ClassConflict, fault.OutcomeNotDone)
	s.acts(t, kindLabel, id, "destroy", confirm(id))
	_, err = s.act(t, kindLabel, id, "bind", `{"instance_id":"i-cn-hangzhou-1"}`)
	want(t, "it is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
	if all := s.list(t, kindLabel); len(all) != 0 {
		t.Errorf("labels %+v", all)
	}
}

// TestPodsTellTheirSteps with logs and events.
func TestPodsTellTheirSteps(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.acts(t, kindEnvironment, s.env, "deploy", `{"name":"first"}`)
	all := s.list(t, kindPod)
	if len(all) != 2 || all[0].Status != provider.StatusStopped {
		t.Fatalf("pods %+v", all)
	}
	p := state[PodState](t, s.get(t, kindPod, all[1].ID))
	if p.Instance == "" || p.Result != resultSuccess || len(p.Steps) == 0 || p.Batch != 2 {
		t.Errorf("pod %+v", p)
	}
	logs := output[Logs](t, s.acts(t, kindPod, all[0].ID, "logs", `{}`))
	events := output[Events](t, s.acts(t, kindPod, all[0].ID, "events", `{}`))
	if logs.Order != "first" || logs.EnvType != envProd || len(logs.Steps) != 1 || logs.Steps[0].Log == "" {
		t.Errorf("logs %+v", logs)
	}
	if events.Order != "first" || len(events.Events) != 2 || events.Events[0].Reason != "Scheduled" || events.Events[0].Time == "" {
		t.Errorf("events %+v", events)
	}
	for _, action := range []string{"logs", "events"} {
		_, err := s.act(t, kindPod, "x", action, `{}`)
		want(t, action, err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
}
