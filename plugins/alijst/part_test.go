package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// parted are the parts that a resource tells, by kind.
func parted(r provider.Resource) map[string][]string {
	out := map[string][]string{}
	for _, p := range r.Parts {
		out[p.Kind] = append(out[p.Kind], p.ID)
	}
	for kind := range out {
		slices.Sort(out[kind])
	}
	return out
}

// furnished is a stage whose environment has everything that one can have.
func furnished(t *testing.T) stage {
	t.Helper()
	s := newStage(t)
	s.acts(t, kindEnvironment, s.env, "deploy", `{}`)
	s.made(t, kindService, "t-svc", s.in(`"ports":[`+aPort+`]`))
	s.made(t, kindPoint, "t-ap", s.in(`"balancer_id":"lb-sim-internet","port":80,"target_port":8080`))
	s.made(t, kindClaim, "t-pvc", s.in(`"capacity":"10Gi","storage_class":"nas"`))
	return s
}

// TestAnEnvironmentTellsItsParts in each of the ways in which an order learns of it.
func TestAnEnvironmentTellsItsParts(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	want := map[string][]string{}
	for _, kind := range partKinds() {
		for _, r := range s.list(t, kind) {
			want[kind] = append(want[kind], r.ID)
		}
		slices.Sort(want[kind])
	}
	if len(want) != 5 || len(want[kindInstance]) != 2 || len(want[kindPod]) != 2 {
		t.Fatalf("the stage has %v", want)
	}
	again := s.create(t, s.order(kindEnvironment, "t-env", s.environment(2)))
	for way, r := range map[string]provider.Resource{
		"Create": again, "Get": s.get(t, kindEnvironment, s.env),
		"Find": s.find(t, kindEnvironment, provider.ChangeCreate, "t-env", "", s.clock.Now()).Resources[0],
	} {
		if diff := cmp.Diff(want, parted(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", way, diff)
		}
	}
	for _, p := range again.Parts {
		by := s.get(t, p.Kind, p.ID)
		status := by.Status
		if p.Kind == kindPod { // by itself it is the record of its rollout
			status = provider.StatusRunning
		}
		if by.Name != p.Name || status != p.Status || string(by.State) == "" {
			t.Errorf("as a part %s %s is %s, by itself %s", p.Kind, p.ID, p.Status, by.Status)
		}
	}
	empty := s.made(t, kindEnvironment, "t-bare", s.environment(1))
	if empty.Parts == nil || len(empty.Parts) != 0 {
		t.Errorf("an environment that was never deployed tells %v", empty.Parts)
	}
}

// TestPodsAreThoseOfTheNewestOrder: a rollout takes the place of the one before.
func TestPodsAreThoseOfTheNewestOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.acts(t, kindEnvironment, s.env, "deploy", `{}`)
	first := parted(s.get(t, kindEnvironment, s.env))
	s.clock.Advance(transition)
	s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":3}`)
	now := parted(s.get(t, kindEnvironment, s.env))
	if len(first[kindPod]) != 2 || len(now[kindPod]) != 1 || slices.Contains(first[kindPod], now[kindPod][0]) || len(now[kindInstance]) != 3 {
		t.Errorf("first %v, then %v", first, now)
	}
	for _, p := range s.get(t, kindEnvironment, s.env).Parts {
		if p.Status != provider.StatusRunning {
			t.Errorf("%s %s is %s, and its rollout has ended well", p.Kind, p.ID, p.Status)
		}
	}
	s.clock.Advance(transition)
	s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":1}`)
	if left := parted(s.get(t, kindEnvironment, s.env)); len(left[kindPod]) != 0 || len(left[kindInstance]) != 1 {
		t.Errorf("pods that were taken away are still told: %v", left)
	}
}

// TestWhatCannotBeListed: keys that may not list one kind do not make the
// environment unreadable; a cloud that does not answer does.
func TestWhatCannotBeListed(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	s.faults(t, sim.Fault{Kind: sim.KindRetCode, Status: 403, RetCode: 3, Actions: []string{"ListSlbAPs"}})
	if got := parted(s.get(t, kindEnvironment, s.env)); len(got) != 4 || got[kindPoint] != nil {
		t.Errorf("told %v", got)
	}
	s.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"ListSlbAPs"}})
	if r, err := s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kindEnvironment, ID: s.env}); err == nil {
		t.Errorf("half of it was told: %v", parted(r))
	}
	found := s.find(t, kindEnvironment, provider.ChangeCreate, "t-env", "", s.clock.Now())
	if len(found.Resources) != 1 || found.Resources[0].Parts != nil || !found.Done {
		t.Errorf("what was bought is found without its parts: %+v", found)
	}
}

func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	var out []provider.Part
	walked := 0
	err := addParts(&out, kindInstance, func(yield func(instance) error) error {
		for range provider.MaxParts + 50 {
			walked++
			if err := yield(instance{ID: "x", Status: provider.StatusRunning}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(out) != provider.MaxParts || walked != provider.MaxParts+1 {
		t.Errorf("%d told of %d walked, %v", len(out), walked, err)
	}
	broken := errors.New("broken")
	if err := addParts(&out, kindInstance, func(func(instance) error) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a list that fails: %v", err)
	}
	if err := walkNewestPods(context.WithoutCancel(t.Context()), nil, "x", nil); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("pods of what is no environment: %v", err)
	}
}
