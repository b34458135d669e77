package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestServerLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 1 })
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	id := change.Resource.ID
	if change.Resource.Status != provider.StatusPending || change.Resource.Token != "tok-1" {
		t.Errorf("new server: %+v", change.Resource)
	}
	op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation})
	if err != nil || op.State != provider.OperationRunning || op.Resource != nil {
		t.Errorf("a server that is not shown yet is pending: %+v, %v", op, err)
	}
	op = w.finish(t, change.Operation)
	if op.State != provider.OperationSucceeded || op.Resource.ID != id || op.Resource.Status != provider.StatusRunning {
		t.Fatalf("created: %+v", op)
	}
	r := w.get(t, "instance", id)
	var s InstanceState
	if err := json.Unmarshal(r.State, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Addresses) != 1 || s.Addresses[0].Type != "Private" || len(s.Disks) != 1 || !s.Disks[0].Boot {
		t.Errorf("state: %s", r.State)
	}
	s.Addresses, s.Disks = nil, nil
	wantState := InstanceState{MachineType: "N", InstanceState: kinds.InstanceState{
		CPU: 2, MemoryMB: 4096, ImageID: image1, OS: "Ubuntu 22.04", OSType: "Linux", ChargeType: "Month", VPCID: s.VPCID, SubnetID: s.SubnetID,
	}}
	if diff := cmp.Diff(wantState, s); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	r.State = nil
	wantRow := provider.Resource{
		ID: id, Kind: "instance", Name: "web", Region: region, Zone: zone, Status: provider.StatusRunning, RawStatus: "Running",
		Token: "tok-1", Billing: provider.BillingPrepaid, Created: r.Created, Expires: r.Created.AddDate(0, 1, 0),
	}
	if diff := cmp.Diff(wantRow, r); diff != "" || r.Created.IsZero() {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	w.delete(t, id)
	if _, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: "instance", ID: id}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("after the delete: %v", err)
	}
	w.delete(t, id)
}

// delete releases a server and waits for the end of it.
func (w *world) delete(t *testing.T, id string) {
	t.Helper()
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: "instance", ID: id})
	if err != nil {
		t.Fatalf("deleting %q: %v", id, err)
	}
	if change.Operation == "" {
		return
	}
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("deleting %q: %+v", id, op)
	}
}

func TestDeleteFromEveryState(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		prepare func(t *testing.T, w *world, id string)
	}{
		"Running": {"a running server is switched off first", func(*testing.T, *world, string) {}},
		"Stopped": {"a stopped server goes at once", func(t *testing.T, w *world, id string) { w.power(t, id, "stop") }},
		"Rebooting": {"a rebooting server is waited for", func(t *testing.T, w *world, id string) {
			if _, err := w.act(t, "instance", id, "reboot", `{}`); err != nil {
				t.Fatal(err)
			}
		}},
		"HangingStop": {"a stop that never ends is cut short", func(t *testing.T, w *world, id string) {
			w.faults(t, sim.Fault{Kind: sim.KindStopHang})
			if _, err := w.act(t, "instance", id, "stop", `{}`); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.server(t, "tok-1")
			tc.prepare(t, w, id)
			w.delete(t, id)
			if n := w.sim.Report(1).Hosts; n != 0 {
				t.Errorf("%s: %d servers are left", tc.reason, n)
			}
		})
	}
}

// power acts and lets the change of state pass.
func (w *world) power(t *testing.T, id, action string) {
	t.Helper()
	if _, err := w.act(t, "instance", id, action, `{}`); err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	w.clock.Advance(2 * transition)
}

func TestDeleteOfAHiddenServerIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 2 })
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(3 * transition)
	w.delete(t, change.Resource.ID)
	if n := w.sim.Report(1).Hosts; n != 0 {
		t.Errorf("%d servers are left at the cloud and nobody knows", n)
	}
}

func TestInstallFailIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindInstallFail})
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * transition)
	found := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", w.clock.Now())
	if found.Operation == "" || found.Done {
		t.Errorf("a server that failed to install is not done: %+v", found)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeNotDone {
		t.Errorf("got %+v", op)
	}
	if r := w.sim.Report(1); r.Hosts != 0 {
		t.Errorf("the broken server is still there and paid: %+v", r)
	}
}

func TestInstallFailStaysOpenUntilGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindInstallFail}, sim.Fault{Kind: sim.KindHTTP, Actions: []string{"TerminateUHostInstance"}, Count: 2})
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	if op := w.finish(t, change.Operation); op.State != provider.OperationFailed || w.sim.Report(1).Hosts != 0 {
		t.Errorf("got %+v, %d servers left", op, w.sim.Report(1).Hosts)
	}
}

func TestCreateThatNeverShowsIsInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 1000 })
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(30*time.Minute - time.Second)
	ask := provider.OperationRequest{Call: w.call(), ID: change.Operation}
	if op, err := w.Operation(t.Context(), ask); err != nil || op.State != provider.OperationRunning {
		t.Errorf("before the limit: %+v, %v", op, err)
	}
	w.clock.Advance(time.Second)
	op, err := w.Operation(t.Context(), ask)
	if err != nil || op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeUnknown {
		t.Errorf("after the limit: %+v, %v", op, err)
	}
}

func TestOrdersThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits = sim.Limits{MaxHosts: 1, Stock: []sim.Stock{{Zone: zone, MachineType: "O", Count: 0}}}
	})
	change := func(f func(*provider.CreateRequest)) provider.CreateRequest {
		req := w.order("tok-1")
		f(&req)
		return req
	}
	cases := map[string]struct {
		reason string
		req    provider.CreateRequest
		class  fault.Class
		code   string
	}{
		"NoToken":  {"without a token it could be bought twice", change(func(r *provider.CreateRequest) { r.Token = "" }), fault.ClassInvalid, ""},
		"NoRegion": {"the cloud needs a region", change(func(r *provider.CreateRequest) { r.Call.Region = "" }), fault.ClassInvalid, ""},
		"NoZone":   {"the cloud needs a zone", change(func(r *provider.CreateRequest) { r.Call.Zone = "" }), fault.ClassInvalid, ""},
		"Many":     {"one token, one server", change(func(r *provider.CreateRequest) { r.Term.Quantity = 2 }), fault.ClassInvalid, ""},
		"Days":     {"the cloud sells no days", change(func(r *provider.CreateRequest) { r.Term.Period = provider.PeriodDay }), fault.ClassInvalid, ""},
		"Memory": {"the cloud's own refusal is shown", change(func(r *provider.CreateRequest) {
			r.Spec = json.RawMessage(strings.Replace(serverSpec, "4096", "5120", 1))
		}), fault.ClassInvalid, "8046"},
		"Unknown": {"unknown fields are refused", change(func(r *provider.CreateRequest) { r.Spec = json.RawMessage(`{"x":1}`) }), fault.ClassInvalid, ""},
		"SoldOut": {"sold out is told", change(func(r *provider.CreateRequest) {
			r.Spec = json.RawMessage(strings.NewReplacer(`"N"`, `"O"`, "CLOUD_SSD", "CLOUD_RSSD").Replace(serverSpec))
		}), fault.ClassOutOfStock, "8320"},
		"Poor": {"no money is told", change(func(r *provider.CreateRequest) {
			r.Call = w.call("public_key", "public-two", "project_id", "", "extra_headers", "channel-key=channel-two")
			r.Call.Account.Credentials["private_key"] = secretOf("private-two")
		}), fault.ClassInsufficientBalance, "8104"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.Create(t.Context(), tc.req)
			want(t, tc.reason, err, tc.class, fault.OutcomeNotDone)
			if f := fault.As(err); f != nil && (f.CloudCode != tc.code || (tc.code != "" && f.RequestID == "")) {
				t.Errorf("%s: code %q of request %q, want code %q", tc.reason, f.CloudCode, f.RequestID, tc.code)
			}
		})
	}
	w.server(t, "tok-2")
	_, err := w.Create(t.Context(), w.order("tok-3"))
	want(t, "the quota is used up", err, fault.ClassQuota, fault.OutcomeNotDone)
}

func TestActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	steps := []struct {
		reason, action, input string
		class                 fault.Class
		status                provider.Status
	}{
		{"a running server is started", "start", `{}`, 0, provider.StatusRunning},
		{"a running server reboots", "reboot", `{}`, 0, provider.StatusRunning},
		{"a running server takes no password", "reset_password", `{"password":"Correct-horse-7"}`, fault.ClassPrecondition, provider.StatusRunning},
		{"it stops", "stop", `{}`, 0, provider.StatusStopped},
		{"a stopped server has no screen", "console", `{}`, fault.ClassUnavailable, provider.StatusStopped},
		{"a weak password is refused", "reset_password", `{"password":"aaaaaaaa"}`, fault.ClassInvalid, provider.StatusStopped},
		{"a short password is refused before the cloud", "reset_password", `{"password":"a"}`, fault.ClassInvalid, provider.StatusStopped},
		{"a stopped server takes a password", "reset_password", `{"password":"Correct-horse-7"}`, 0, provider.StatusStopped},
		{"it starts", "start", `{}`, 0, provider.StatusRunning},
		{"it can be switched off", "stop", `{"force":true}`, 0, provider.StatusStopped},
		{"a bad name is refused", "rename", `{"name":"a b"}`, fault.ClassInvalid, provider.StatusStopped},
		{"it gets another name", "rename", `{"name":"web-2"}`, 0, provider.StatusStopped},
		{"an unknown input is refused", "rename", `{"title":"x"}`, fault.ClassInvalid, provider.StatusStopped},
	}
	for _, s := range steps {
		_, err := w.act(t, "instance", id, s.action, s.input)
		want(t, s.reason, err, s.class, fault.OutcomeNotDone)
		w.clock.Advance(3 * transition)
		if r := w.get(t, "instance", id); r.Status != s.status {
			t.Errorf("%s: then it is %v, want %v", s.reason, r.Status, s.status)
		}
	}
	if !w.sim.PasswordIs(id, "Correct-horse-7") {
		t.Error("the cloud has another password than the one that was set")
	}
	if r := w.get(t, "instance", id); r.Name != "web-2" {
		t.Errorf("the name is %q", r.Name)
	}
	_, err := w.act(t, "instance", "uhost-none", "start", `{}`)
	want(t, "a server that does not exist", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

func TestConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	change, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Kind: "instance", ID: id, Action: "console", Input: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	var c kinds.Console
	if err := json.Unmarshal(change.Output, &c); err != nil || c.Protocol != "vnc" || c.Host == "" || c.Port == 0 || c.Password == "" {
		t.Errorf("console: %s, %v", change.Output, err)
	}
}

func TestListAndImportWalkAllPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 230
	bought := make([]string, 0, many)
	for i := range many {
		change, err := w.Create(t.Context(), w.order(fmt.Sprintf("tok-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		bought = append(bought, change.Resource.ID)
	}
	address := w.address(t, "tok-eip")
	var listed, imported []provider.Resource
	err := w.List(t.Context(), provider.ListRequest{Call: w.call(), Kind: "instance"}, func(r provider.Resource) error {
		listed = append(listed, r)
		return nil
	})
	if err != nil || len(listed) != many {
		t.Errorf("listed %d of %d, %v", len(listed), many, err)
	}
	call := w.call()
	call.Region = ""
	err = w.Import(t.Context(), provider.ImportRequest{Call: call}, func(r provider.Resource) error {
		imported = append(imported, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(asRows(append(bought, address))), ids(imported)); diff != "" {
		t.Errorf("imported (-want +got):\n%s", diff)
	}
}

func asRows(all []string) []provider.Resource {
	out := []provider.Resource{}
	for _, id := range all {
		out = append(out, provider.Resource{ID: id})
	}
	return out
}

// TestTheCommonFieldsAreEnough: a spec that knows nothing of this cloud can be
// priced and bought, at the price that was told.
func TestTheCommonFieldsAreEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct{ spec, machine, disk string }{
		"a plain server": {
			`{"cpu":2,"memory_mb":4096,"image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20},"data_disks":[{"size_gb":50}]}`, "N", "CLOUD_SSD",
		},
		"one with cards": {
			`{"cpu":8,"memory_mb":32768,"gpu":1,"gpu_type":"T4","image_id":"uimage-ubuntu2204gpu","boot_disk":{"size_gb":40}}`, "G", "CLOUD_SSD",
		},
		"another family": {
			`{"machine_type":"O","cpu":2,"memory_mb":4096,"image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20}}`, "O", "CLOUD_RSSD",
		},
	} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: "instance", Spec: json.RawMessage(c.spec), Term: month(1)})
		if err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		before := w.sim.Report(1).Accounts["one"].Balance
		order := w.order("tok-" + c.machine)
		order.Spec = json.RawMessage(c.spec)
		change, err := w.Create(t.Context(), order)
		if err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		w.finish(t, change.Operation)
		s := stateOf[InstanceState](t, w.get(t, "instance", change.Resource.ID))
		if paid := before - w.sim.Report(1).Accounts["one"].Balance; provider.Decimal(paid.String()) != q.Net || s.MachineType != c.machine || s.Disks[0].Type != c.disk {
			t.Errorf("%s: paid %v, quoted %s, got %+v", reason, paid, q.Net, s)
		}
	}
}
