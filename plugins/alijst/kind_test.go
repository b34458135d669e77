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
