package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// lose loses the next answer of a vendor's action, after its change.
func (w *world) lose(t *testing.T, action string) {
	t.Helper()
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{action}, Count: 1})
}

// creation is what makes a thing of a kind.
type creation struct {
	vendor string
	marked bool // a token finds it
	spec   func(s stage) string
}

func creations() map[string]creation {
	fixed := func(spec string) func(stage) string { return func(stage) string { return spec } }
	return map[string]creation{
		kindApp:         {"CreateApp", true, fixed(`{}`)},
		kindConfig:      {"CreateDeployConfig", true, func(s stage) string { return fmt.Sprintf(`{"app_id":%q}`, s.app) }},
		kindEnvironment: {"CreateEnvironment", true, func(s stage) string { return s.environment(1) }},
		kindClaim:       {"CreatePersistentVolumeClaim", true, func(s stage) string { return s.in(`"capacity":"1Gi","storage_class":"nas"`) }},
		kindPoint:       {"CreateSlbAP", true, func(s stage) string { return s.in(`"balancer_id":"lb-sim-internet","port":81,"target_port":8080`) }},
		kindService:     {"CreateService", true, func(s stage) string { return s.in(`"ports":[` + aPort + `]`) }},
		kindVolume: {"CreatePersistentVolume", true, func(s stage) string {
			return s.on(`"mount_target":"nas.example","capacity":"10Gi","storage_class":"nas"`)
		}},
		kindCluster:  {"CreateCluster", true, fixed(aCluster)},
		kindDatabase: {"CreateDb", true, fixed(`{"db_instance_id":"rm-sim-mysql","db_name":"shop","character_set":"utf8"}`)},
		kindLabel:    {"CreateNodeLabel", false, func(s stage) string { return s.on(`"key":"label.jst.com/a","value":"b"`) }},
		kindNode:     {"AddClusterNode", false, func(s stage) string { return s.on(`"instance_id":"i-cn-hangzhou-2"`) }},
		kindAllocation: {"CreateAppResourceAlloc", false, func(s stage) string {
			return fmt.Sprintf(`{"environment_id":%q,"cluster_id":%q}`, s.env, s.cluster)
		}},
	}
}

// TestEveryCreateWhoseAnswerIsLostIsFound: the token finds the one thing, and a
// repeat makes no second one.
func TestEveryCreateWhoseAnswerIsLostIsFound(t *testing.T) {
	t.Parallel()
	for kind, tc := range creations() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			req := s.order(kind, "tok-1", tc.spec(s))
			before := s.sim.Counts()[tc.vendor].OK
			s.lose(t, tc.vendor)
			_, err := s.Create(t.Context(), req)
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			s.clock.Advance(transition)
			again := s.create(t, req)
			if n := s.sim.Counts()[tc.vendor]; n.OK+n.Spoiled-before != 1 {
				t.Errorf("the cloud did it %+v times", n)
			}
			if !tc.marked {
				return
			}
			f := s.find(t, kind, provider.ChangeCreate, "tok-1", "", s.clock.Now())
			if len(f.Resources) != 1 || f.Resources[0].ID != again.ID || f.Resources[0].Token != again.Token || again.Token == "" {
				t.Errorf("again %+v, found %+v", again, f)
			}
			if f := s.find(t, kind, provider.ChangeCreate, "tok-2", "", s.clock.Now()); len(f.Resources) != 0 || f.Settled {
				t.Errorf("another token finds %+v", f)
			}
			if f := s.find(t, kind, provider.ChangeCreate, "tok-2", "", s.clock.Now().Add(-3*time.Minute)); !f.Settled || f.Done {
				t.Errorf("in the end another token finds %+v", f)
			}
		})
	}
}

// deletions are what deletes a thing of a kind plainly.
func deletions() map[string]string {
	return map[string]string{
		kindApp: "DeleteAppDetail", kindConfig: "DeleteDeployConfig", kindEnvironment: "DeleteAppEnvironment", kindClaim: "DeletePersistentVolumeClaim",
		kindPoint: "DeleteSlbAP", kindService: "DeleteService", kindVolume: "DeletePersistentVolume", kindLabel: "DeleteNodeLabel",
		kindAllocation: "DeleteAppResourceAlloc",
	}
}

// TestEveryDeleteWhoseAnswerIsLost is in doubt, and done when it is asked for again.
func TestEveryDeleteWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for kind, vendor := range deletions() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			id := s.made(t, kind, "tok-1", creations()[kind].spec(s)).ID
			s.lose(t, vendor)
			_, err := s.Delete(t.Context(), provider.DeleteRequest{Call: s.call(), Token: "d", Kind: kind, ID: id})
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			s.drop(t, kind, id)
			s.drop(t, kind, id)
			if n := s.sim.Counts()[vendor]; n.Calls != 1 {
				t.Errorf("the cloud was asked %d times", n.Calls)
			}
			if !creations()[kind].marked {
				return
			}
			if f := s.find(t, kind, provider.ChangeRelease, "d", id, s.clock.Now()); !f.Done {
				t.Errorf("it is not released: %+v", f)
			}
		})
	}
}

// deed is one action, or the update "", of a thing.
type deed struct{ kind, id, action, input string }

// lostDeed is a deed whose vendor's action loses its answer.
type lostDeed struct {
	vendor string
	twice  bool // the cloud may be asked again: the second time changes nothing more
	do     func(s stage, t *testing.T) deed
}

func confirmedDeed(kind string) func(s stage, t *testing.T) deed {
	return func(s stage, t *testing.T) deed {
		t.Helper()
		id := s.made(t, kind, "tok-d", creations()[kind].spec(s)).ID
		return deed{kind, id, "destroy", confirm(id)}
	}
}

// paused is a deploy order that waits.
func (s stage) paused(t *testing.T) string {
	t.Helper()
	out := s.begin(t, kindEnvironment, s.env, "deploy", `{"pause":"first"}`)
	s.clock.Advance(transition)
	return output[Rollout](t, out).Order
}

// labelled is the id of a new label.
func (s stage) labelled(t *testing.T) string {
	t.Helper()
	return s.made(t, kindLabel, "tok-l", s.on(`"key":"label.jst.com/x","value":"y"`)).ID
}

func lostDeeds() map[string]lostDeed {
	return map[string]lostDeed{
		"UpdateApp": {"UpdateApp", true, func(s stage, _ *testing.T) deed { return deed{kindApp, s.app, "", `{"language":"PHP"}`} }},
		"UpdateConfig": {"UpdateDeployConfig", true, func(s stage, _ *testing.T) deed {
			return deed{kindConfig, s.config, "", fmt.Sprintf(`{"app_id":%q,"code_path":"/x"}`, s.app)}
		}},
		"UpdateEnvironment": {"UpdateEnvironment", true, func(s stage, _ *testing.T) deed { return deed{kindEnvironment, s.env, "", s.environment(1)} }},
		"UpdatePoint": {"ModifySlbAP", true, func(s stage, t *testing.T) deed {
			spec := s.in(`"balancer_id":"lb-sim-internet","port":81,"target_port":8080`)
			return deed{kindPoint, s.made(t, kindPoint, "tok-p", spec).ID, "", strings.Replace(spec, "8080", "8081", 1)}
		}},
		"RenamePoint": {"ModifySlbAP", true, func(s stage, t *testing.T) deed {
			return deed{kindPoint, s.made(t, kindPoint, "tok-p", creations()[kindPoint].spec(s)).ID, "rename", `{"name":"door"}`}
		}},
		"UpdateService": {"ModifyService", true, func(s stage, t *testing.T) deed {
			spec := creations()[kindService].spec(s)
			return deed{kindService, s.made(t, kindService, "tok-s", spec).ID, "", strings.Replace(spec, "8080", "8081", 1)}
		}},
		"Deploy": {"DeployApp", false, func(s stage, _ *testing.T) deed { return deed{kindEnvironment, s.env, "deploy", `{"partitions":2}`} }},
		"Scale":  {"ScaleApp", false, func(s stage, _ *testing.T) deed { return deed{kindEnvironment, s.env, "scale", `{"replicas":4}`} }},
		"Resume": {"ResumeDeploy", false, func(s stage, t *testing.T) deed { return deed{kindOrder, s.paused(t), "resume", `{}`} }},
		"Close": {"CloseDeployOrder", false, func(s stage, t *testing.T) deed {
			id := s.paused(t)
			return deed{kindOrder, id, "close", confirm(id)}
		}},
		"Bind": {"BindNodeLabel", true, func(s stage, t *testing.T) deed {
			return deed{kindLabel, s.labelled(t), "bind", `{"instance_id":"i-cn-hangzhou-1"}`}
		}},
		"Unbind": {"UnbindNodeLabel", false, func(s stage, t *testing.T) deed {
			id := s.labelled(t)
			s.acts(t, kindLabel, id, "bind", `{"instance_id":"i-cn-hangzhou-1"}`)
			return deed{kindLabel, id, "unbind", `{"instance_id":"i-cn-hangzhou-1"}`}
		}},
		"Grant": {"GrantDbToAccount", true, func(s stage, t *testing.T) deed {
			s.made(t, kindDatabase, "tok-db", creations()[kindDatabase].spec(s))
			return deed{kindAccount, rds + "/app", "grant", `{"db_name":"shop","privilege":"ReadOnly"}`}
		}},
		"DestroyApp":         {"DeleteAppDetail", false, func(s stage, _ *testing.T) deed { return deed{kindApp, s.app, "destroy", confirm(s.app)} }},
		"DestroyEnvironment": {"DeleteAppEnvironment", false, func(s stage, _ *testing.T) deed { return deed{kindEnvironment, s.env, "destroy", confirm(s.env)} }},
		"DestroyLabel":       {"DeleteNodeLabel", false, confirmedDeed(kindLabel)},
		"DestroyCluster":     {"DeleteCluster", false, confirmedDeed(kindCluster)},
		"DestroyNode":        {"RemoveClusterNode", false, confirmedDeed(kindNode)},
		"DestroyDatabase":    {"DeleteDatabase", false, confirmedDeed(kindDatabase)},
		"DestroyAccount": {"DeleteRdsAccount", false, func(stage, *testing.T) deed {
			return deed{kindAccount, rds + "/report", "destroy", confirm(rds + "/report")}
		}},
	}
}

// do does a deed, and waits for it.
func (w *world) do(t *testing.T, d deed) error {
	t.Helper()
	if d.action != "" {
		_, err := w.act(t, d.kind, d.id, d.action, d.input)
		return err
	}
	_, err := w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: d.kind, ID: d.id, Spec: json.RawMessage(d.input)})
	return err
}

// TestEveryActionWhoseAnswerIsLostCanBeRepeated: the loss is in doubt, and a
// repeat when the change is over is a success. Where twice is another thing
// than once, the cloud is not asked twice.
func TestEveryActionWhoseAnswerIsLostCanBeRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range lostDeeds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			d := tc.do(s, t)
			before := s.sim.Counts()[tc.vendor]
			s.lose(t, tc.vendor)
			want(t, "the answer is lost", s.do(t, d), fault.ClassUnavailable, fault.OutcomeUnknown)
			s.clock.Advance(10 * transition)
			if err := s.do(t, d); err != nil {
				t.Errorf("the repeat: %v", err)
			}
			if n := s.sim.Counts()[tc.vendor].Calls - before.Calls; !tc.twice && n != 1 {
				t.Errorf("the cloud was asked %d times", n)
			}
		})
	}
}

// TestEveryMutatingActionIsAmongThem, so that none is forgotten.
func TestEveryMutatingActionIsAmongThem(t *testing.T) {
	t.Parallel()
	var proved []string
	for _, c := range creations() {
		proved = append(proved, c.vendor)
	}
	for _, vendor := range deletions() {
		proved = append(proved, vendor)
	}
	for _, d := range lostDeeds() {
		proved = append(proved, d.vendor)
	}
	for name := range manuals(t) {
		reads := strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Query") || strings.HasPrefix(name, "Get")
		if reads == slices.Contains(proved, name) {
			t.Errorf("%s: it only reads: %v", name, reads)
		}
	}
}

// TestWhatIsNotShownYetIsNotMadeAgain: an answer that came is repeated before
// the cloud shows the thing, and one that was lost stays in doubt.
func TestWhatIsNotShownYetIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lose(t, "CreateApp")
	req := w.order(kindApp, "tok-1", `{}`)
	_, err := w.Create(t.Context(), req)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.faults(t, sim.Fault{Kind: sim.KindThrottle, Actions: []string{"ListApp"}})
	_, err = w.Create(t.Context(), req)
	want(t, "the look fails", err, fault.ClassThrottled, fault.OutcomeNotDone)
	if n := w.sim.Counts()["CreateApp"].Calls; n != 1 {
		t.Errorf("the cloud was asked %d times", n)
	}
}
