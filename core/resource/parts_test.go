package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

func part(name string) contract.Part {
	return contract.Part{ID: name, Kind: "component", Name: name, Status: contract.StatusRunning, RawStatus: "up", State: json.RawMessage(`{"n":1}`)}
}

func parts(names ...string) []contract.Part {
	out := []contract.Part{}
	for _, n := range names {
		out = append(out, part(n))
	}
	return out
}

// addApp stores an app that consists of components, and its twin at the cloud.
func (w *world) addApp(vendorID string, told ...contract.Part) resource.Resource {
	w.t.Helper()
	r := resource.Resource{
		ID: id.New(), RootID: operator, OrgID: customer, Path: []string{operator, customer}, ProviderID: "provider",
		EnablementID: "shared", AccountID: "enablement", Plugin: "fake", ProductID: "product", Kind: "app", VendorID: vendorID, Region: "north",
		Status: contract.StatusRunning, Billing: contract.BillingPrepaid, Start: start, End: start.AddDate(0, 1, 0),
		Charges: []resource.Charge{{OrderID: "order", List: 100}}, OrderIDs: []string{"order"}, Created: start,
	}
	if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, r, told) }); err != nil {
		w.t.Fatal(err)
	}
	w.cloud.things = append(w.cloud.things, contract.Resource{ID: vendorID, Kind: "app", Region: "north", Status: contract.StatusRunning, Parts: told})
	return must(w.svc.Get(w.ctx, w.staff, r.ID, false))
}

// tell has the cloud say that the only app consists of these.
func (w *world) tell(all []contract.Part) { w.cloud.things[0].Parts = all }

func (w *world) list(q resource.Query) []resource.Resource {
	w.t.Helper()
	q.Limit, q.OldestFirst = 1000, true
	return must(w.svc.List(w.ctx, w.staff, q)).Items
}

// living are the vendor ids of an app's parts; its own count must be theirs.
func (w *world) living(app string) []string {
	w.t.Helper()
	out := []string{}
	for _, r := range w.list(resource.Query{ParentID: app}) {
		out = append(out, r.VendorID)
	}
	if of := must(w.svc.Get(w.ctx, w.staff, app, false)); of.Parts != len(out) {
		w.t.Errorf("the app says %d parts, and %d are listed", of.Parts, len(out))
	}
	slices.Sort(out)
	return out
}

func TestPartsAreResourcesOfTheirParentsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web")...)
	all := w.list(resource.Query{ParentID: app.ID})
	if len(all) != 1 {
		t.Fatalf("%d parts", len(all))
	}
	got := all[0]
	want := resource.Resource{
		ID: got.ID, ParentID: app.ID, RootID: operator, OrgID: customer, Path: []string{operator, customer}, ProviderID: "provider",
		EnablementID: "shared", AccountID: "enablement", Plugin: "fake", Kind: "component", VendorID: "web", Name: "web", Region: "north",
		Status: contract.StatusRunning, RawStatus: "up", State: json.RawMessage(`{"n":1}`), Start: start, Created: start, Updated: start,
		Spec: json.RawMessage("null"), // as none is stored
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a part has no order, charge, cost or term (-want +got):\n%s", diff)
	}
	if _, err := w.svc.Get(w.ctx, caller(stranger, access.RoleCustomerAdmin), got.ID, false); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a stranger reads a part: %v", err)
	}
	foreign := must(w.svc.List(w.ctx, caller(stranger, access.RoleCustomerAdmin), resource.Query{ParentID: app.ID, Limit: 10}))
	if len(foreign.Items) != 0 {
		t.Errorf("a stranger lists %d parts", len(foreign.Items))
	}
	if err := got.BelongsTo(); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a part can be ordered about: %v", err)
	}
	if err := app.BelongsTo(); err != nil {
		t.Errorf("what was bought belongs to nothing: %v", err)
	}
	held := must(w.holds())
	if diff := cmp.Diff([]string{"1 resources that are not released"}, held); diff != "" {
		t.Errorf("what holds the org (-want +got):\n%s", diff)
	}
}

func (w *world) holds() (out []string, err error) {
	err = w.store.View(w.ctx, func(r store.Reader) error {
		out, err = w.svc.Holds(r, customer)
		return err
	})
	return out, err
}

func TestPartsComeAndGoWithARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web", "db")...)
	w.add("vm-1")
	other := part("web")
	other.Status = contract.StatusStopped
	w.tell([]contract.Part{other, part("cache"), {Kind: "component"}, part("cache"), {ID: "app-1", Kind: "app"}, {ID: "vm-1", Kind: "instance"}})
	w.clock.Advance(time.Minute)
	must(w.svc.Get(w.ctx, w.user, app.ID, true))
	if diff := cmp.Diff([]string{"cache", "web"}, w.living(app.ID)); diff != "" {
		t.Errorf("what has no id, is told twice, is the parent or was bought is no part (-want +got):\n%s", diff)
	}
	states := map[string]contract.Status{}
	for _, r := range w.list(resource.Query{ParentID: app.ID, Released: true}) {
		states[r.VendorID] = r.Status
		if r.Live() == (r.VendorID == "db") {
			t.Errorf("%s is live: %v", r.VendorID, r.Live())
		}
	}
	want := map[string]contract.Status{"web": contract.StatusStopped, "cache": contract.StatusRunning, "db": contract.StatusDeleted}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	w.tell(nil)
	w.clock.Advance(time.Minute)
	must(w.svc.Get(w.ctx, w.user, app.ID, true))
	if got := w.living(app.ID); len(got) != 2 {
		t.Errorf("parts that are not told stay: %v", got)
	}
	for which, want := range map[resource.Which]int{"": 4, resource.BoughtOnly: 2, resource.PartsOnly: 2} {
		if got := w.list(resource.Query{Which: which}); len(got) != want {
			t.Errorf("list of %q has %d, want %d", which, len(got), want)
		}
	}
}

func TestPartsEndWithTheirParent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, string) error{
		"Released": func(w *world, app string) error {
			return w.store.Update(w.ctx, func(tx store.Tx) error {
				d, err := w.svc.GetTx(tx, app)
				if err != nil {
					return err
				}
				d.Value.Released = w.clock.Now()
				return w.svc.UpdateTx(tx, d.Value, d.Rev)
			})
		},
		"GoneAtTheCloud": func(w *world, app string) error {
			w.cloud.things = nil
			return w.svc.Refresh(w.ctx, app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			app := w.addApp("app-1", parts("web", "db")...)
			w.clock.Advance(time.Minute)
			if err := end(w, app.ID); err != nil {
				t.Fatal(err)
			}
			if got := w.living(app.ID); len(got) != 0 {
				t.Errorf("still there: %v", got)
			}
			if all := w.list(resource.Query{ParentID: app.ID, Released: true}); len(all) != 2 {
				t.Errorf("%d parts are remembered", len(all))
			}
		})
	}
}

// TestActionsOnPartsRefreshTheParent acts on a part by its own kind and id; what
// the cloud says afterwards comes from the parent.
func TestActionsOnPartsRefreshTheParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web", "db")...)
	web := w.list(resource.Query{ParentID: app.ID})[0]
	w.cloud.hook = func() {
		stopped := part("web")
		stopped.Status = contract.StatusStopped
		w.tell([]contract.Part{stopped, part("new")})
	}
	got, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: web.ID, Action: "stop", IdempotencyKey: "key"})
	w.jobs.wg.Wait()
	if err != nil || got.State != resource.RunDone {
		t.Fatalf("acting on a part: %+v, %v", got, err)
	}
	req := w.cloud.acts[0]
	if req.Kind != "component" || req.ID != "web" || req.Token == "" {
		t.Errorf("the cloud was asked about %s %q with token %q", req.Kind, req.ID, req.Token)
	}
	if diff := cmp.Diff([]string{"new", "web"}, w.living(app.ID)); diff != "" {
		t.Errorf("after an action (-want +got):\n%s", diff)
	}
	if now := must(w.svc.Get(w.ctx, w.user, web.ID, false)); now.Status != contract.StatusStopped {
		t.Errorf("the part is %s", now.Status)
	}
	if _, err := w.svc.Act(w.ctx, w.user, resource.ActInput{ResourceID: web.ID, Action: "reboot", IdempotencyKey: "other"}); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("an action of another kind: %v", err)
	}
	stranger := caller(stranger, access.RoleCustomerAdmin)
	if _, err := w.svc.Act(w.ctx, stranger, resource.ActInput{ResourceID: web.ID, Action: "stop", IdempotencyKey: "key"}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a stranger acts on a part: %v", err)
	}
}

func TestAPartIsReadThroughItsParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web")...)
	web := w.list(resource.Query{ParentID: app.ID})[0]
	changed := part("web")
	changed.Name = "front"
	w.tell([]contract.Part{changed})
	w.clock.Advance(time.Minute)
	if got := must(w.svc.Get(w.ctx, w.user, web.ID, true)); got.Name != "front" || got.ParentID != app.ID {
		t.Errorf("the part is %q of %q", got.Name, got.ParentID)
	}
	w.tell(parts())
	if err := w.svc.Refresh(w.ctx, web.ID); err != nil {
		t.Fatal(err)
	}
	if got := must(w.svc.Get(w.ctx, w.user, web.ID, true)); got.Live() {
		t.Error("a part that is gone is still live")
	}
}

// TestAnswersThatCameLateAreLeft keeps a slow answer from undoing what was asked later.
func TestAnswersThatCameLateAreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web")...)
	w.clock.Advance(time.Minute)
	w.cloud.answering = func(context.Context) {
		w.cloud.answering = nil
		w.clock.Advance(time.Second)
		before := w.cloud.things[0].Parts
		w.tell(parts("web", "db"))
		if err := w.svc.Refresh(w.ctx, app.ID); err != nil {
			t.Error(err)
		}
		w.tell(before)
	}
	if err := w.svc.Refresh(w.ctx, app.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"db", "web"}, w.living(app.ID)); diff != "" {
		t.Errorf("the later question counts (-want +got):\n%s", diff)
	}
}

// TestBoughtThingsAreNoParts: what an order bought keeps its own row, also when a
// parent told of it before the order ended.
func TestBoughtThingsAreNoParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web", "service")...)
	bought := app
	bought.ID, bought.Kind, bought.VendorID, bought.Parts = id.New(), "component", "service", 0
	if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, bought, nil) }); err != nil {
		t.Fatalf("buying what a parent told of before: %v", err)
	}
	w.clock.Advance(time.Minute)
	must(w.svc.Get(w.ctx, w.user, app.ID, true))
	if diff := cmp.Diff([]string{"web"}, w.living(app.ID)); diff != "" {
		t.Errorf("it is shown twice (-want +got):\n%s", diff)
	}
	again := bought
	again.ID = id.New()
	if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, again, nil) }); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("buying it a second time: %v", err)
	}
}

func TestCompareBringsPartsIntoStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web", "db")...)
	w.tell(parts("web", "cache"))
	for _, p := range w.cloud.things[0].Parts { // the account lists them too
		w.cloud.things = append(w.cloud.things, contract.Resource{ID: p.ID, Kind: p.Kind, Region: "other", Status: contract.StatusError})
	}
	what := resource.Comparison{RootID: operator, OrgID: operator, ProviderID: "provider", EnablementID: "enablement"}
	for range 2 {
		if err := w.svc.Compare(w.ctx, what); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"cache", "web"}, w.living(app.ID)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if found := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items; len(found) != 0 {
		t.Errorf("parts are judged with their parent, not by themselves: %+v", found)
	}
	w.cloud.things[0].Status = contract.StatusError
	if err := w.svc.Compare(w.ctx, what); err != nil {
		t.Fatal(err)
	}
	if found := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items; len(found) != 1 || found[0].ResourceID != app.ID {
		t.Errorf("what is wrong with the parent is still found: %+v", found)
	}
}

// TestASlowCloudIsComparedAll: parts that cannot be read in time do not keep the
// account from being compared.
func TestASlowCloudIsComparedAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limits(resource.Limits{ListTimeout: 4 * time.Second})
	app := w.addApp("app-1", parts("web")...)
	w.addApp("app-2", parts("web-2")...)
	w.cloud.things = append(w.cloud.things, contract.Resource{ID: "alien", Kind: "app", Region: "north", Status: contract.StatusRunning})
	w.cloud.answering = func(ctx context.Context) { <-ctx.Done() }
	what := resource.Comparison{RootID: operator, OrgID: operator, ProviderID: "provider", EnablementID: "enablement"}
	if err := w.svc.Compare(w.ctx, what); err != nil {
		t.Fatal(err)
	}
	found := must(w.svc.Discrepancies(w.ctx, w.staff, resource.DiscrepancyQuery{Limit: 10})).Items
	if len(found) != 1 || found[0].VendorID != "alien" {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff([]string{"web"}, w.living(app.ID)); diff != "" {
		t.Errorf("parts stay as they were (-want +got):\n%s", diff)
	}
}

// TestPartsFollowTheCloud walks random answers: after each, the parts are those
// told last, each once, and the parent's count is right.
func TestPartsFollowTheCloud(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		names := []string{"a", "b", "c", "d", "e"}
		app := w.addApp("app-1")
		for range rapid.IntRange(1, 8).Draw(rt, "answers") {
			told := rapid.SliceOfN(rapid.SampledFrom(names), 0, 6).Draw(rt, "told")
			w.tell(parts(told...))
			w.clock.Advance(time.Minute)
			must(w.svc.Get(w.ctx, w.user, app.ID, true))
			slices.Sort(told)
			want := slices.Compact(told)
			if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(w.living(app.ID))); diff != "" {
				rt.Fatalf("parts (-want +got):\n%s", diff)
			}
		}
	})
}

// TestEndedPartsAreForgotten: rollouts replace parts for years, and lists stay short.
func TestEndedPartsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("gen-0")...)
	for n := range 40 {
		w.tell(parts(fmt.Sprintf("gen-%d", n+1)))
		w.clock.Advance(24 * time.Hour)
		must(w.svc.Get(w.ctx, w.user, app.ID, true))
	}
	if diff := cmp.Diff([]string{"gen-40"}, w.living(app.ID)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	all := w.list(resource.Query{ParentID: app.ID, Released: true})
	oldest := all[0].Released
	if len(all) != 31 || w.clock.Now().Sub(oldest) >= 30*24*time.Hour {
		t.Errorf("%d are remembered, the oldest ended at %s; it is %s", len(all), oldest, w.clock.Now())
	}
	w.tell(nil)
	w.clock.Advance(365 * 24 * time.Hour)
	must(w.svc.Get(w.ctx, w.user, app.ID, true))
	if left := w.list(resource.Query{ParentID: app.ID, Released: true}); len(left) != 31 {
		t.Errorf("what is not told changes nothing: %d", len(left))
	}
}

// TestPartsFollowTheirOrg: the parts of a moved org are under its sellers of now.
func TestPartsFollowTheirOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.addApp("app-1", parts("web", "db")...)
	to := []string{operator, "org-reseller", customer}
	err := w.svc.Follow(w.ctx, customer, func(store.Reader, string) ([]string, error) { return to, nil })
	if err != nil {
		t.Fatal(err)
	}
	w.tell(parts("web", "new"))
	w.clock.Advance(time.Minute)
	if err := w.svc.Refresh(w.ctx, app.ID); err != nil {
		t.Fatal(err)
	}
	all := w.list(resource.Query{ParentID: app.ID, Released: true})
	for _, r := range all {
		if diff := cmp.Diff(to, r.Path); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.VendorID, diff)
		}
	}
	if len(all) != 3 || len(w.living(app.ID)) != 2 {
		t.Errorf("%d parts, of which %v live", len(all), w.living(app.ID))
	}
}
