package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestAnAppIsInstalledAndReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	change, err := w.Create(t.Context(), w.order(t, "tok-1", map[string]any{"app_note": "for the\nfair", "k8s_app": "shop"}))
	if err != nil {
		t.Fatal(err)
	}
	if r := change.Resource; r.Name != "shop" || r.Status != provider.StatusStarting || !strings.HasPrefix(r.Token, "tw-") {
		t.Errorf("ordered %+v", r)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationSucceeded || op.Resource.ID != change.Resource.ID {
		t.Fatalf("%+v", op)
	}
	r := w.get(t, kindApp, op.Resource.ID)
	s := decoded[AppState](t, r.State)
	if r.Name != "shop" || r.Region != home || r.Status != provider.StatusRunning || r.Billing != provider.BillingPrepaid || !r.Created.Equal(w.clock.Now().Add(-transition)) {
		t.Errorf("it is %+v, at %s", r, w.clock.Now())
	}
	if s.Note != "for the\nfair" || s.K8sApp != "shop" || s.ModelID != blog || s.Version != "1.0" || s.CPU != 1500 || s.MemoryMB != 1536 || len(s.Components) != 2 {
		t.Errorf("its state is %+v", s)
	}
	if len(s.Installs) != 1 || s.Installs[0].Version != "1.0" || !slices.Equal(s.Installs[0].Upgrades, []string{"1.1", "2.0"}) || s.Installs[0].Market == "" {
		t.Errorf("installed in it: %+v", s.Installs)
	}
	parts := w.list(t, kindComponent)
	if len(parts) != 2 || decoded[ComponentState](t, parts[0].State).AppID != r.ID || parts[0].Status != provider.StatusRunning {
		t.Fatalf("its components are %+v", parts)
	}
	if one := w.get(t, kindComponent, parts[1].ID); one.Name != parts[1].Name || one.Name != "database" {
		t.Errorf("one component is %+v", one)
	}
	w.drop(t, r.ID)
	w.drop(t, r.ID)
	if left := append(w.list(t, kindApp), w.list(t, kindComponent)...); len(left) != 0 {
		t.Errorf("left: %v", ids(left))
	}
	if n, m := w.count("purge_app"), w.count("delete_app"); n != 0 || m != 1 {
		t.Errorf("the app was deleted with what ran in it %d times, without it %d times", n, m)
	}
}

// TestWithoutDeployNothingIsSaidOfIt: any text in is_deploy deploys.
func TestWithoutDeployNothingIsSaidOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.install(t, "tok-1", map[string]any{"is_deploy": false})
	if r.Status != provider.StatusStopped || r.RawStatus != "closed" {
		t.Errorf("it is %+v", r)
	}
	w.clock.Advance(time.Hour)
	for _, x := range w.parts(t, r.ID) {
		if x.RawStatus != "undeploy" {
			t.Errorf("%q is %s", x.Name, x.RawStatus)
		}
	}
	w.acts(t, r.ID, "deploy", `{}`)
	if now := w.get(t, kindApp, r.ID); now.Status != provider.StatusRunning {
		t.Errorf("deployed %+v", now)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("purge", "true")
	r := w.install(t, "tok-1", nil)
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: r.ID})
	if err != nil || change.Operation != "" || len(w.list(t, kindApp)) != 0 || w.count("operate") != 0 {
		t.Errorf("%+v, %v", change, err)
	}
	w.drop(t, r.ID)
}

// TestLostAnswersOfAnOrder: each step of an order may happen without an answer.
// The order is found by its token and goes on, and nothing is made twice.
func TestLostAnswersOfAnOrder(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"create_app", "install"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			began := w.clock.Now()
			w.lose(t, call)
			_, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			found := w.find(t, provider.ChangeCreate, "tok-1", "", began)
			if len(found.Resources) != 1 || found.Operation == "" || found.Done {
				t.Fatalf("found %+v", found)
			}
			if op := w.finish(t, found.Operation); op.State != provider.OperationSucceeded {
				t.Fatalf("%+v", op)
			}
			if again := w.install(t, "tok-1", nil); again.ID != found.Resources[0].ID {
				t.Errorf("a repeat made %q", again.ID)
			}
			if n, m := w.count("create_app"), w.count("install"); n != 1 || m != 1 {
				t.Errorf("%d apps were made, %d installs", n, m)
			}
			if found := w.find(t, provider.ChangeCreate, "tok-1", "", began); !found.Done || !found.Settled {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestAnInstallIsNotSentAgainTooEarly: an app without components may be one whose
// install is still under way.
func TestAnInstallIsNotSentAgainTooEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"install"}, Count: 1})
	_, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
	want(t, "the install is lost on its way", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	began := w.clock.Now()
	found := w.find(t, provider.ChangeCreate, "tok-1", "", began)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"install"}, Count: 1})
	for w.clock.Now().Before(began.Add(10 * time.Minute)) {
		op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: found.Operation})
		if err != nil || op.State != provider.OperationRunning || w.count("install") != 1 {
			t.Fatalf("%+v, %v, %d installs", op, err, w.count("install"))
		}
		w.clock.Advance(time.Minute)
	}
	for range 3 { // this one is lost as well: it may be under way too
		if op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: found.Operation}); err != nil || op.State != provider.OperationRunning {
			t.Fatalf("%+v, %v", op, err)
		}
	}
	if n := w.count("install"); n != 2 {
		t.Errorf("%d installs", n)
	}
	w.clock.Advance(10 * time.Minute)
	if op := w.finish(t, found.Operation); op.State != provider.OperationSucceeded || w.count("install") != 3 {
		t.Errorf("%+v, %d installs", op, w.count("install"))
	}
}

// TestARefusedInstallTakesItsAppBack, also when another process goes on with it.
func TestARefusedInstallTakesItsAppBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tc := range map[string]struct {
		reason string
		fault  *sim.Fault
		spec   map[string]any
		class  fault.Class
	}{
		"Full":    {"the cluster is full", &sim.Fault{Kind: sim.KindSoldOut}, nil, fault.ClassOutOfStock},
		"Overdue": {"the account is overdue", &sim.Fault{Kind: sim.KindInsufficientBalance}, nil, fault.ClassInsufficientBalance},
		"Model":   {"the store has no such model", nil, map[string]any{"app_model_id": "none"}, fault.ClassNotFound},
		"Version": {"the model has no such version", nil, map[string]any{"app_model_version": "9"}, fault.ClassNotFound},
		"Half":    {"it failed half way", &sim.Fault{Kind: sim.KindInstallFail}, nil, fault.ClassUnavailable},
	} {
		w.faults(t)
		if tc.fault != nil {
			w.faults(t, *tc.fault)
		}
		_, err := w.Create(t.Context(), w.order(t, "tok-"+name, tc.spec))
		want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
		if left := w.list(t, kindApp); len(left) != 0 {
			t.Errorf("%s: %v are left", tc.reason, ids(left))
		}
	}
	w.faults(t, sim.Fault{Kind: sim.KindSoldOut}, sim.Fault{Kind: sim.KindHTTP, Actions: []string{"delete_app"}})
	_, err := w.Create(t.Context(), w.order(t, "tok-stays", nil))
	want(t, "the app cannot be taken back", err, fault.ClassOutOfStock, fault.OutcomeUnknown)
	found := w.find(t, provider.ChangeCreate, "tok-stays", "", w.clock.Now())
	w.clock.Advance(10 * time.Minute)
	op := w.finish(t, found.Operation)
	want(t, "the install is refused later", op.Failure, fault.ClassOutOfStock, fault.OutcomeNotDone)
	if left := w.list(t, kindApp); len(left) != 0 || op.Resource != nil {
		t.Errorf("%v are left, %+v", ids(left), op)
	}
}

func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		kind   sim.Kind
		class  fault.Class
	}{
		"Abnormal": {"components start badly", sim.KindAbnormal, fault.ClassPrecondition},
		"Silent":   {"the console swallows that the deploy failed", sim.KindDeployLost, fault.ClassOutOfStock},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.faults(t, sim.Fault{Kind: tc.kind})
			began := w.clock.Now()
			change, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
			if err != nil {
				t.Fatal(err)
			}
			op := w.finish(t, change.Operation)
			want(t, tc.reason, op.Failure, tc.class, fault.OutcomeNotDone)
			if took := w.clock.Now().Sub(began); took < 5*time.Minute || took > 6*time.Minute {
				t.Errorf("%s: it was given up after %s", tc.reason, took)
			}
			if left := w.list(t, kindApp); len(left) != 0 {
				t.Errorf("%s: %v are left", tc.reason, ids(left))
			}
			w.faults(t)
			kept := w.install(t, "tok-2", nil)
			w.faults(t, sim.Fault{Kind: tc.kind})
			w.acts(t, kept.ID, "stop", `{}`)
			_, err = w.act(t, kept.ID, "start", `{}`)
			want(t, "a start that fails keeps the app", err, tc.class, fault.OutcomeNotDone)
			if len(w.list(t, kindApp)) != 1 {
				t.Error("the app is gone")
			}
		})
	}
}

// TestAnUnreachableClusterIsNotAStop: without a state nothing is certain.
func TestAnUnreachableClusterIsNotAStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("create_minutes", "10")
	change, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
	if err != nil {
		t.Fatal(err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindRegionDown})
	if r := w.get(t, kindApp, change.Resource.ID); r.Status != provider.StatusUnknown || r.RawStatus != rawSilent {
		t.Errorf("it is %s, %q", r.Status, r.RawStatus)
	}
	op := w.finish(t, change.Operation)
	want(t, "nobody can tell", op.Failure, fault.ClassUnavailable, fault.OutcomeUnknown)
	gone, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: change.Resource.ID})
	if err != nil || gone.Operation == "" {
		t.Fatalf("%+v, %v", gone, err)
	}
	w.faults(t)
	if op := w.finish(t, gone.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("%+v", op)
	}
}

func TestADeleteThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("create_minutes", "10")
	r := w.install(t, "tok-1", nil)
	w.faults(t, sim.Fault{Kind: sim.KindStopHang})
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: r.ID})
	if err != nil {
		t.Fatal(err)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeUnknown || w.count("operate") != 1 {
		t.Errorf("%+v, %d stops", op, w.count("operate"))
	}
}

func TestLostAnswersOfADelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.install(t, "tok-1", nil)
	req := provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: r.ID}
	w.lose(t, "operate")
	_, err := w.Delete(t.Context(), req)
	want(t, "the stop's answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if f := w.find(t, provider.ChangeRelease, "d", r.ID, w.clock.Now()); f.Done || !f.Settled {
		t.Errorf("found %+v", f)
	}
	w.clock.Advance(transition)
	w.lose(t, "delete_app")
	_, err = w.Delete(t.Context(), req)
	want(t, "the delete's answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if f := w.find(t, provider.ChangeRelease, "d", r.ID, w.clock.Now()); !f.Done {
		t.Errorf("found %+v", f)
	}
	w.drop(t, r.ID)
	rich := w.with("purge", "true")
	r = rich.install(t, "tok-2", nil)
	rich.lose(t, "purge_app")
	_, err = rich.Delete(t.Context(), provider.DeleteRequest{Call: rich.call(), Token: "d", Kind: kindApp, ID: r.ID})
	want(t, "the purge's answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	rich.drop(t, r.ID)
}

func TestWrongOrdersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	several := month(1)
	several.Quantity = 2
	for name, tc := range map[string]struct {
		reason string
		w      *world
		spec   map[string]any
		term   provider.Term
		region string
		class  fault.Class
	}{
		"Several": {"one token makes one", w, nil, several, home, fault.ClassInvalid},
		"Region":  {"there is no such region", w, nil, month(1), "nowhere", fault.ClassInvalid},
		"None":    {"a region is needed", w, nil, month(1), "", fault.ClassInvalid},
		"Store":   {"keys are for the account's store", w, map[string]any{"market_url": "https://other.example"}, month(1), home, fault.ClassInvalid},
		"NoStore": {"there is nothing to install from", w.with("market_url", ""), nil, month(1), home, fault.ClassInvalid},
		"Team":    {"a team that is not there is no app that is gone", w.with("team", "none"), nil, month(1), home, fault.ClassInvalid},
		"Foreign": {"the key's user is not in it", w.with("team", "red"), nil, month(1), home, fault.ClassForbidden},
		"Closed":  {"the team has not opened it", w.admin().with("team", "red"), nil, month(1), edge, fault.ClassPrecondition},
		"Taken":   {"a name in the cluster is taken", w, map[string]any{"k8s_app": "taken"}, month(1), home, fault.ClassConflict},
		"Key":     {"the console's row of the store has no good key", w.with("store key", noKey, "market_domain", "second"), nil, month(1), home, fault.ClassPrecondition},
	} {
		if name == "Taken" {
			w.install(t, "tok-first", map[string]any{"k8s_app": "taken"})
		}
		req := provider.CreateRequest{Call: tc.w.call(), Token: "tok-" + name, Kind: kindApp, Name: "shop", Spec: spec(t, tc.spec), Term: tc.term}
		req.Call.Region = tc.region
		_, err := tc.w.Create(t.Context(), req)
		want(t, name+": "+tc.reason, err, tc.class, fault.OutcomeNotDone)
	}
	if left := w.list(t, kindApp); len(left) != 1 {
		t.Errorf("%v are left", ids(left))
	}
}

// admin is the same world with the key of an administrator of the enterprise.
func (w *world) admin() *world {
	out := *w
	out.key = adminKey
	return &out
}

// TestOtherStores: the account's key never goes to a store that an order names.
func TestOtherStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("other_stores", "true")
	_, err := w.Create(t.Context(), w.order(t, "tok-1", map[string]any{"market_domain": "second"}))
	want(t, "the console does not know this store and gets no key for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	// The console learns the store by an account that has a key of its own for it.
	w.with("market_domain", "third").install(t, "tok-2", nil)
	r := w.install(t, "tok-3", map[string]any{"market_domain": "third", "market_type": "rainstore"})
	if r.Status != provider.StatusRunning {
		t.Errorf("installed %+v", r)
	}
	_, err = w.Create(t.Context(), w.order(t, "tok-4", map[string]any{"market_url": "https://store.example/?q=1"}))
	want(t, "no base URL", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestAppsOfOthers: what people make at the console is shown as it is.
func TestAppsOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.plugin.openIn(w.call())
	if err != nil {
		t.Fatal(err)
	}
	row, err := write[appRow](t.Context(), c, "POST", c.inRegion("apps"), nil, object{"app_name": "by-hand", "app_note": "[tradewind x=%zz]"})
	if err != nil {
		t.Fatal(err)
	}
	r := w.get(t, kindApp, fmt.Sprint(row.ID))
	if r.Name != "by-hand" || r.Token != "" || !r.Created.IsZero() || r.Status != provider.StatusPending || r.RawStatus != rawEmpty {
		t.Errorf("it is %+v", r)
	}
	for _, action := range []string{"start", "stop", "restart"} {
		_, err = w.act(t, r.ID, action, `{}`)
		want(t, action+": there is nothing in it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	}
	o := w.plugin.begin(c, verbCreate, row.ID, "")
	op := w.finish(t, o.String())
	want(t, "nobody knows what was ordered", op.Failure, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.drop(t, r.ID)
}

// TestWhatRanIsNeverTakenBack: an order's operation may be asked for again long
// after its end, when the app is not what it was.
func TestWhatRanIsNeverTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	change, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
	if err != nil {
		t.Fatal(err)
	}
	id := change.Resource.ID
	w.finish(t, change.Operation)
	w.acts(t, id, "stop", `{}`)
	w.clock.Advance(30 * time.Minute)
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded || op.Resource.Status != provider.StatusStopped {
		t.Errorf("stopped: %+v", op)
	}
	if f := w.find(t, provider.ChangeCreate, "tok-1", "", w.clock.Now()); !f.Done || f.Operation != "" {
		t.Errorf("found %+v", f)
	}
	w.faults(t, sim.Fault{Kind: sim.KindAbnormal})
	_, err = w.act(t, id, "start", `{}`)
	want(t, "it starts badly", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.clock.Advance(time.Hour)
	op := w.finish(t, change.Operation)
	want(t, "it is abnormal much later", op.Failure, fault.ClassUnavailable, fault.OutcomeUnknown)
	if left := w.list(t, kindApp); len(left) != 1 || w.count("purge_app") != 0 {
		t.Errorf("left: %v", ids(left))
	}
}

// TestASlowInstallHasItsTime: as long as the console may be at the install,
// components that do not begin are no failure.
func TestASlowInstallHasItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, lost := range map[string]sim.Fault{
		"Answer":  {Kind: sim.KindDrop, After: true, Actions: []string{"install"}, Count: 1},
		"Request": {Kind: sim.KindDrop, Actions: []string{"install"}, Count: 1},
	} {
		began := w.clock.Now()
		w.faults(t, lost, sim.Fault{Kind: sim.KindDeployLost})
		_, err := w.Create(t.Context(), w.order(t, "tok-"+name, nil))
		want(t, name+": it is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
		op := w.finish(t, w.find(t, provider.ChangeCreate, "tok-"+name, "", began).Operation)
		want(t, name+": nothing begins", op.Failure, fault.ClassOutOfStock, fault.OutcomeNotDone)
		least := 15 * time.Minute // the install, then the grace
		if name == "Request" {
			least = 25 * time.Minute // it was sent again after the first
		}
		if took := w.clock.Now().Sub(began); took < least || took > least+time.Minute {
			t.Errorf("%s: it was given up after %s", name, took)
		}
	}
}

// TestAnAppIsReadWithoutItsStores: only what they tell is missing.
func TestAnAppIsReadWithoutItsStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Status: 401, RetCode: 10421, Actions: []string{"get_upgrade"}})
	r := w.get(t, kindApp, id)
	if s := decoded[AppState](t, r.State); len(s.Installs) != 0 || len(s.Components) != 2 || r.Status != provider.StatusRunning {
		t.Errorf("it is %+v", r)
	}
	if n := w.count("get_upgrade"); n != 1 {
		t.Errorf("the stores were asked %d times", n)
	}
	_, err := w.act(t, id, "versions", `{}`)
	want(t, "whoever asks for them is told why", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}
