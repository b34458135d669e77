package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// partIDs are the ids of the parts that a resource tells.
func partIDs(r provider.Resource) []string {
	out := []string{}
	for _, p := range r.Parts {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return out
}

// actOn performs an action on a component and waits for it.
func (w *world) actOn(t *testing.T, id, action, input string) (provider.Change, error) {
	t.Helper()
	change, err := w.Act(t.Context(), provider.ActionRequest{
		Call: w.call(), Token: "act-1", Kind: kindComponent, ID: id, Action: action, Input: json.RawMessage(input),
	})
	if err != nil || change.Operation == "" {
		return change, err
	}
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
		return change, op.Failure
	}
	return change, nil
}

// TestAnAppTellsItsComponents in each of the ways in which an order learns of it.
func TestAnAppTellsItsComponents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := w.clock.Now()
	bought := w.install(t, "tok-1", nil)
	all := ids(w.list(t, kindComponent))
	for way, r := range map[string]provider.Resource{
		"Operation": bought, "Get": w.get(t, kindApp, bought.ID), "Find": w.find(t, provider.ChangeCreate, "tok-1", "", began).Resources[0],
	} {
		if diff := cmp.Diff(all, partIDs(r)); diff != "" || len(all) != 2 {
			t.Errorf("%s (-want +got):\n%s", way, diff)
		}
	}
	one := w.get(t, kindApp, bought.ID).Parts[0]
	by := w.get(t, kindComponent, one.ID)
	if one.Name != by.Name || one.Status != by.Status || one.RawStatus != by.RawStatus || one.Region != home || string(one.State) != string(by.State) {
		t.Errorf("as a part it is %+v, by itself %+v", one, by)
	}
	empty, err := consisting(app{ID: "17"})
	if err != nil || empty.Parts == nil || len(empty.Parts) != 0 {
		t.Errorf("an app without components tells %v, %v", empty.Parts, err)
	}
	many, err := consisting(app{ID: "17", State: AppState{Components: make([]Component, provider.MaxParts+7)}})
	if err != nil || len(many.Parts) != provider.MaxParts {
		t.Errorf("of a great app %d parts are told, %v", len(many.Parts), err)
	}
}

// TestActionsOfAComponent are those of its app, for it alone.
func TestActionsOfAComponent(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("allow_resize", "true")
	id := w.install(t, "tok-1", nil).ID
	web := id + "-" + w.parts(t, id)["blog"].ServiceID
	for _, tc := range []struct{ action, input, want string }{
		{"stop", `{}`, "closed running"}, {"start", `{}`, "running running"}, {"restart", `{}`, "running running"},
		{"roll", `{}`, "running running"}, {"deploy", `{}`, "running running"}, {"scale", `{"nodes":3}`, "running running"},
		{"set_envs", `{"envs":[{"name":"A","value":"1"}]}`, "running running"},
	} {
		if _, err := w.actOn(t, web, tc.action, tc.input); err != nil {
			t.Errorf("%s: %v", tc.action, err)
		}
		if got := w.statuses(t, id); got != tc.want {
			t.Errorf("after %s they are %q, want %q", tc.action, got, tc.want)
		}
	}
	if now := w.parts(t, id); now["blog"].Nodes != 3 || now["database"].Nodes == 3 {
		t.Errorf("scaled to %d and %d", now["blog"].Nodes, now["database"].Nodes)
	}
	change, err := w.actOn(t, web, "events", `{"page_size":1}`)
	if err != nil || len(decoded[Events](t, change.Output).Events) != 1 {
		t.Errorf("its events: %s, %v", change.Output, err)
	}
	if _, err := w.actOn(t, web, "stop", `{}`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.actOn(t, web, "remove", `{}`); err != nil {
		t.Fatal(err)
	}
	left := partIDs(w.get(t, kindApp, id))
	if len(left) != 1 || slices.Contains(left, web) {
		t.Errorf("left: %v", left)
	}
	for _, none := range []string{web, id, id + "-", "none"} {
		_, err := w.actOn(t, none, "start", `{}`)
		want(t, "there is no component "+none, err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
}

// TestComponentsAreOfTheirApp: an id of one app does not lead to a component of another.
func TestComponentsAreOfTheirApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.install(t, "tok-1", nil).ID, w.install(t, "tok-2", nil).ID
	_, err := w.actOn(t, one+"-"+w.parts(t, two)["blog"].ServiceID, "stop", `{}`)
	want(t, "it is of another app", err, fault.ClassNotFound, fault.OutcomeNotDone)
	if got := w.statuses(t, two); strings.Contains(got, "closed") {
		t.Errorf("the other app is %s", got)
	}
}

// TestALostAnswerOfAComponent: what says what shall be can be said again.
func TestALostAnswerOfAComponent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	web := id + "-" + w.parts(t, id)["blog"].ServiceID
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"operate"}, Count: 1})
	_, err := w.actOn(t, web, "stop", `{}`)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if _, err := w.actOn(t, web, "stop", `{}`); err != nil {
		t.Errorf("the repeat: %v", err)
	}
	if got := w.statuses(t, id); got != "closed running" {
		t.Errorf("they are %s", got)
	}
}
