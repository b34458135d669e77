package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestAServerLivesAndGoes(t *testing.T) {
	t.Parallel()
	for name, term := range map[string]provider.Term{
		"Prepaid": month(1), "Year": {Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 1, Quantity: 1},
		"Postpay": {Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.order("tok-1")
			req.Term = term
			change, err := w.Create(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			op := w.finish(t, change.Operation)
			if op.State != provider.OperationSucceeded || op.Resource == nil {
				t.Fatalf("create: %+v", op)
			}
			id := op.Resource.ID
			got := w.get(t, kinds.Instance, id)
			if got.Status != provider.StatusRunning || got.Token != "tok-1" || got.Billing != term.Billing || got.Zone != zone || got.Created.IsZero() {
				t.Errorf("it is %+v", got)
			}
			if prepaid := term.Billing == provider.BillingPrepaid; got.Expires.IsZero() == prepaid {
				t.Errorf("it expires %v", got.Expires)
			}
			done, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: kinds.Instance, ID: id})
			if err != nil {
				t.Fatal(err)
			}
			if op := w.finish(t, done.Operation); op.State != provider.OperationSucceeded {
				t.Errorf("delete: %+v", op)
			}
			_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: id})
			want(t, "it is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
			if n := w.sim.Report(1); n.Hosts != 0 || n.Disks != 0 {
				t.Errorf("left: %+v", n)
			}
		})
	}
}

func TestAServersState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	eip := w.address(t, "tok-2")
	if _, err := w.act(t, kinds.EIP, eip, kinds.ActionBind, `{"instance_id":"`+id+`"}`); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(transition)
	var got InstanceState
	if err := json.Unmarshal(w.get(t, kinds.Instance, id).State, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.SecurityGroupIDs) != 1 || len(got.Disks) != 2 || len(got.Addresses) != 2 || got.VPCID == "" || got.SubnetID == "" {
		t.Fatalf("state %+v", got)
	}
	if got.Addresses[1].EIPID != eip || got.Addresses[1].IP == "" || got.Disks[0].ID == "" || !got.Disks[0].Boot || got.Disks[1].Boot {
		t.Errorf("addresses %+v, disks %+v", got.Addresses, got.Disks)
	}
	got.Addresses, got.SecurityGroupIDs, got.VPCID, got.SubnetID = nil, nil, "", ""
	for i := range got.Disks {
		got.Disks[i].ID = ""
	}
	wanted := InstanceState{InstanceType: "g.n2.large", ChargeStatus: "normal", InstanceState: kinds.InstanceState{
		CPU: 2, MemoryMB: 8192, ImageID: image1, OS: "Ubuntu", OSType: "linux", ChargeType: prepaid,
		Disks: []kinds.AttachedDisk{{Type: "ssd.gp1", SizeGB: 40, Boot: true}, {Type: "ssd.gp1", SizeGB: 100}},
	}}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrdersThatAreRefusedHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason string
		change func(*provider.CreateRequest)
		field  string
	}{
		"NoZone":    {"a server is in a zone", func(r *provider.CreateRequest) { r.Call.Zone = "" }, "spec.zone"},
		"Quantity":  {"one token buys one", func(r *provider.CreateRequest) { r.Term.Quantity = 2 }, "term.quantity"},
		"Once":      {"servers have terms", func(r *provider.CreateRequest) { r.Term.Billing = provider.BillingOnce }, "term.billing"},
		"TenMonths": {"the cloud sells nine", func(r *provider.CreateRequest) { r.Term.Periods = 10 }, "term.periods"},
		"FourYears": {"the cloud sells three", func(r *provider.CreateRequest) { r.Term.Period, r.Term.Periods = provider.PeriodYear, 4 }, "term.periods"},
		"Day":       {"no days", func(r *provider.CreateRequest) { r.Term.Period = provider.PeriodDay }, "term.period"},
		"PostpayYear": {"by use is by the hour", func(r *provider.CreateRequest) {
			r.Term.Billing, r.Term.Period = provider.BillingPostpay, provider.PeriodYear
		}, "term.period"},
		"Size":      {"no type is like that", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "cpu", 3) }, "spec.cpu"},
		"Type":      {"the type is unknown", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "instance_type", "x.n9.large") }, "spec.instance_type"},
		"OtherSize": {"the type has another size", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "instance_type", "c.n2.large") }, "spec.instance_type"},
		"Cards":     {"cards need a type", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "gpu", 1) }, "spec.instance_type"},
		"Image":     {"the image is unknown", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "image_id", "img-none") }, "spec.image_id"},
		"ImagePath": {"an id is no path", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "image_id", "../quotas") }, "spec.image_id"},
		"Step":      {"disks come in tens", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "boot_disk", map[string]any{"size_gb": 45}) }, "spec.boot_disk.size_gb"},
		"DataStep": {"disks come in tens", func(r *provider.CreateRequest) {
			r.Spec = with(serverSpec, "data_disks", []any{map[string]any{"size_gb": 45}})
		}, "spec.data_disks.size_gb"},
		"SubnetPath": {"an id is no path", func(r *provider.CreateRequest) { r.Spec = with(serverSpec, "subnet_id", "../x") }, "spec.subnet_id"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := w.order("tok-" + name)
			tc.change(&req)
			_, err := w.Create(t.Context(), req)
			want(t, tc.reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
			if f := fault.As(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Path != tc.field {
				t.Errorf("%s: %v, want the field %q", tc.reason, err, tc.field)
			}
		})
	}
	t.Cleanup(func() {
		if n := w.sim.Counts()["CreateInstances"].Calls; n != 0 {
			t.Errorf("the cloud was asked %d times", n)
		}
	})
}

// with is a JSON object with one field set.
func with(object, name string, value any) json.RawMessage {
	all := map[string]any{}
	if err := json.Unmarshal([]byte(object), &all); err != nil {
		return nil
	}
	all[name] = value
	out, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return out
}

func TestPowerAndPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	steps := []struct {
		action, input string
		status        provider.Status
	}{
		{kinds.ActionRename, `{"name":"front"}`, provider.StatusRunning},
		{kinds.ActionReboot, `{}`, provider.StatusRunning},
		{kinds.ActionStop, `{}`, provider.StatusStopped},
		{kinds.ActionStop, `{}`, provider.StatusStopped},
		{kinds.ActionResetPassword, `{"password":"Correct-horse-7"}`, provider.StatusStopped},
		{kinds.ActionStart, `{}`, provider.StatusRunning},
		{kinds.ActionStart, `{}`, provider.StatusRunning},
	}
	for _, s := range steps {
		if _, err := w.act(t, kinds.Instance, id, s.action, s.input); err != nil {
			t.Errorf("%s: %v", s.action, err)
		}
		w.clock.Advance(2 * transition)
		if r := w.get(t, kinds.Instance, id); r.Status != s.status {
			t.Errorf("after %s it is %q", s.action, r.Status)
		}
	}
	if !w.sim.PasswordIs(id, "Correct-horse-7") {
		t.Error("the password is another")
	}
	if r := w.get(t, kinds.Instance, id); r.Name != "front" {
		t.Errorf("it is called %q", r.Name)
	}
	_, err := w.act(t, kinds.Instance, id, kinds.ActionStop, `{"force":true}`)
	want(t, "there is no harder stop", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	change, err := w.act(t, kinds.Instance, id, kinds.ActionConsole, `{}`)
	var console kinds.Console
	if err != nil || json.Unmarshal(change.Output, &console) != nil || console.Protocol != "url" || console.URL == "" {
		t.Errorf("console: %s, %v", change.Output, err)
	}
}

func TestAServerThatFailsToInstall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindInstallFail})
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeNotDone {
		t.Errorf("it is %+v", op)
	}
	w.clock.Advance(5 * time.Minute)
	if op := w.finish(t, change.Operation); op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeNotDone {
		t.Errorf("when the cloud has taken it back, it is %+v", op)
	}
	if f := w.find(t, kinds.Instance, provider.ChangeCreate, "tok-1", "", w.clock.Now().Add(-10*time.Minute)); !f.Settled || f.Done {
		t.Errorf("found %+v", f)
	}
}

func TestOutOfStock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: zone, MachineType: "g.n2.large", Count: 0}, {Zone: zone, MachineType: "g.n3.large", Count: 1}}
	})
	id := w.server(t, "tok-1")
	var got InstanceState
	if err := json.Unmarshal(w.get(t, kinds.Instance, id).State, &got); err != nil || got.InstanceType != "g.n3.large" {
		t.Errorf("the next type of the size is %q, %v", got.InstanceType, err)
	}
	_, err := w.Create(t.Context(), w.order("tok-2"))
	want(t, "none is left", err, fault.ClassOutOfStock, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindSoldOut})
	req := w.order("tok-3")
	req.Spec = with(serverSpec, "cpu", 4)
	req.Spec = with(string(req.Spec), "memory_mb", 16384)
	_, err = w.Create(t.Context(), req)
	want(t, "sold out meanwhile", err, fault.ClassOutOfStock, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindNoBalance})
	_, err = w.Create(t.Context(), req)
	want(t, "no money", err, fault.ClassInsufficientBalance, fault.OutcomeNotDone)
}

// TestServersArePlaced: by stock and by quota, in one zone or in all.
func TestServersArePlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: zone, MachineType: "g.n2.large", Count: 0}, {Zone: zone, MachineType: "g.n3.large", Count: 0}}
		c.Limits.MaxHosts = 3
	})
	place := func(kind string, spec json.RawMessage, in string, n int) provider.Placement {
		t.Helper()
		call, term := w.call(), month(1)
		call.Zone, term.Quantity = in, n
		p, err := w.Place(t.Context(), provider.PlaceRequest{Call: call, Kind: kind, Spec: spec, Term: term})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := json.RawMessage(serverSpec)
	large := with(string(with(serverSpec, "cpu", 4)), "memory_mb", 16384)
	for reason, tc := range map[string]struct {
		got  provider.Placement
		ok   bool
		told bool // why not
	}{
		"sold out here":       {place(kinds.Instance, plain, zone, 1), false, true},
		"another zone has it": {place(kinds.Instance, with(serverSpec, "zone", ""), "", 1), true, false},
		"another size":        {place(kinds.Instance, large, zone, 1), true, false},
		"no such size":        {place(kinds.Instance, with(serverSpec, "cpu", 77), zone, 1), false, true},
		"more than the quota": {place(kinds.Instance, large, zone, 4), false, true},
		"of what has no end":  {place(kinds.Disk, json.RawMessage(`{"size_gb":20}`), zone, 1), true, false},
	} {
		if tc.got.OK != tc.ok || (tc.got.Reason != "") != tc.told || tc.ok && tc.told {
			t.Errorf("%s: %+v", reason, tc.got)
		}
	}
	_, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: "toy", Spec: plain})
	want(t, "no such kind", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}
