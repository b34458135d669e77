package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// stateOf reads the state of a resource.
func stateOf[State any](t *testing.T, r provider.Resource) State {
	t.Helper()
	return plugintest.State[State](t, r)
}

func TestNetworkLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc := w.made(t, kinds.VPC, "tok-v", "net", `{"cidr":"172.16.0.0/16"}`)
	sub := w.made(t, kinds.Subnet, "tok-s", "a", `{"vpc_id":"`+vpc.ID+`","cidr":"172.16.1.0/24","description":"first"}`)
	wantSubnet := kinds.SubnetState{VPCID: vpc.ID, CIDR: "172.16.1.0/24", FreeIPs: 253, Description: "first"}
	if diff := cmp.Diff(wantSubnet, stateOf[kinds.SubnetState](t, w.get(t, kinds.Subnet, sub.ID))); diff != "" {
		t.Errorf("subnet (-want +got):\n%s", diff)
	}
	got := w.get(t, kinds.VPC, vpc.ID)
	if diff := cmp.Diff(kinds.VPCState{CIDR: "172.16.0.0/16", Subnets: 1}, stateOf[kinds.VPCState](t, got)); diff != "" || got.Status != provider.StatusBound {
		t.Errorf("network %+v (-want +got):\n%s", got, diff)
	}
	order := w.order("tok-1")
	order.Spec = json.RawMessage(serverSpec[:len(serverSpec)-1] + `,"vpc_id":"` + vpc.ID + `","subnet_id":"` + sub.ID + `"}`)
	change, err := w.Create(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, change.Operation)
	if s := stateOf[InstanceState](t, w.get(t, "instance", change.Resource.ID)); s.VPCID != vpc.ID || s.SubnetID != sub.ID {
		t.Errorf("the server is in %q, %q", s.VPCID, s.SubnetID)
	}
	for kind, id := range map[string]string{kinds.VPC: vpc.ID, kinds.Subnet: sub.ID} {
		_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kind, ID: id})
		want(t, kind+" in use", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	}
	w.delete(t, change.Resource.ID)
	w.drop(t, kinds.Subnet, sub.ID)
	w.drop(t, kinds.VPC, vpc.ID)
	for kind, id := range map[string]string{kinds.VPC: vpc.ID, kinds.Subnet: sub.ID} {
		_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kind, ID: id})
		want(t, kind+" that is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
}

func TestNetworksRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for spec, kind := range map[string]string{
		`{"cidr":"172.16.0.1/16"}`: kinds.VPC, `{"cidr":"everywhere"}`: kinds.VPC, `{"cidr":"fd00::/112"}`: kinds.VPC,
		`{"vpc_id":"uvnet-default","cidr":"10.99.0.7/24"}`: kinds.Subnet,
	} {
		_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "t", Kind: kind, Name: "x", Term: forOnce(), Spec: json.RawMessage(spec)})
		want(t, spec, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	two := forOnce()
	two.Quantity = 2
	_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "t", Kind: kinds.VPC, Name: "x", Term: two, Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`)})
	want(t, "two for one token", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// disk buys a disk and returns its id.
func (w *world) disk(t *testing.T, token string) string {
	t.Helper()
	change, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: token, Kind: kinds.Disk, Name: "data", Spec: json.RawMessage(`{"size_gb":100}`), Term: month(1),
	})
	if err != nil || change.Resource == nil {
		t.Fatalf("buying %q: %+v, %v", token, change, err)
	}
	return change.Resource.ID
}

func TestDiskLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, id := w.server(t, "tok-1"), w.disk(t, "tok-d")
	r := w.get(t, kinds.Disk, id)
	wantState := DiskState{kinds.DiskState{Type: "CLOUD_SSD", SizeGB: 100, ChargeType: "Month"}}
	if diff := cmp.Diff(wantState, stateOf[DiskState](t, r)); diff != "" || r.Status != provider.StatusFree || r.Zone != zone || r.Token != "tok-d" {
		t.Errorf("disk %+v (-want +got):\n%s", r, diff)
	}
	ref := `{"instance_id":"` + server + `"}`
	for range 2 {
		w.mustAct(t, kinds.Disk, id, "attach", ref)
	}
	if r := w.get(t, kinds.Disk, id); r.Status != provider.StatusPending {
		t.Errorf("while it is attached: %q", r.Status)
	}
	_, err := w.act(t, kinds.Disk, id, "detach", `{}`)
	want(t, "a detach during an attach", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.clock.Advance(transition)
	if s := stateOf[DiskState](t, w.get(t, kinds.Disk, id)); s.InstanceID != server || s.Device == "" {
		t.Errorf("attached: %+v", s)
	}
	_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Disk, ID: id})
	want(t, "a release of what is attached", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Disk, id, "attach", `{"instance_id":"uhost-other"}`)
	want(t, "attached twice", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		w.mustAct(t, kinds.Disk, id, "detach", `{}`)
	}
	w.clock.Advance(transition)
	w.mustAct(t, kinds.Disk, id, "rename", `{"name":"more"}`)
	if r := w.get(t, kinds.Disk, id); r.Name != "more" || r.Status != provider.StatusFree {
		t.Errorf("after all: %+v", r)
	}
	w.drop(t, kinds.Disk, id)
	w.drop(t, kinds.Disk, id)
	if f := w.find(t, kinds.Disk, provider.ChangeRelease, "d", id, w.clock.Now()); !f.Done {
		t.Errorf("the release is not found: %+v", f)
	}
}

func TestDisksArePricedAsTheyAreBought(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, term := range map[string]provider.Term{
		"two months": month(2), "an hour": {Billing: provider.BillingPrepaid, Period: provider.PeriodHour, Periods: 1, Quantity: 1},
	} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{
			Call: w.call(), Change: provider.ChangeCreate, Kind: kinds.Disk, Spec: json.RawMessage(`{"type":"CLOUD_RSSD","size_gb":50}`), Term: term,
		})
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		before := w.sim.Report(1).Accounts["one"].Balance
		_, err = w.Create(t.Context(), provider.CreateRequest{
			Call: w.call(), Token: reason[:3], Kind: kinds.Disk, Name: "d", Spec: json.RawMessage(`{"type":"CLOUD_RSSD","size_gb":50}`), Term: term,
		})
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		if paid := before - w.sim.Report(1).Accounts["one"].Balance; provider.Decimal(paid.String()) != q.Net || q.List == q.Net {
			t.Errorf("%s: paid %v, quoted %+v", reason, paid, q)
		}
	}
	for kind, spec := range map[string]string{
		kinds.VPC: `{"cidr":"172.16.0.0/16"}`, kinds.Subnet: `{"vpc_id":"v","cidr":"172.16.0.0/24"}`, kinds.SecurityGroup: `{}`,
	} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: kind, Spec: json.RawMessage(spec), Term: forOnce()})
		if err != nil || q.List != "0.00" || q.Net != "0.00" {
			t.Errorf("%s: %+v, %v", kind, q, err)
		}
	}
}

func TestResizesNeedLeaveAndCostOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, address, disk := w.server(t, "tok-1"), w.address(t, "tok-2"), w.disk(t, "tok-3")
	w.mustAct(t, "instance", server, "stop", `{"force":true}`)
	w.clock.Advance(2 * transition)
	leave := w.call("allow_resize", "true")
	for kind, c := range map[string]struct{ id, input, action string }{
		"instance": {server, `{"cpu":4,"memory_mb":8192}`, "ResizeUHostInstance"},
		"eip":      {address, `{"bandwidth_mbps":5}`, "ModifyEIPBandwidth"},
		kinds.Disk: {disk, `{"size_gb":200}`, "ResizeUDisk"},
	} {
		req := provider.ActionRequest{Call: w.call(), Token: "r", Kind: kind, ID: c.id, Action: "resize", Input: json.RawMessage(c.input)}
		_, err := w.Act(t.Context(), req)
		want(t, kind+" without leave", err, fault.ClassPrecondition, fault.OutcomeNotDone)
		w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{c.action}, Count: 1})
		before := w.sim.Report(1).Accounts["one"].Spent
		req.Call = leave
		_, err = w.Act(t.Context(), req)
		want(t, kind+" with a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
		once := w.sim.Report(1).Accounts["one"].Spent - before
		if _, err := w.Act(t.Context(), req); err != nil {
			t.Errorf("%s: the repeat: %v", kind, err)
		}
		if twice := w.sim.Report(1).Accounts["one"].Spent - before; once <= 0 || twice != once {
			t.Errorf("%s: paid %v at first, %v after the repeat", kind, once, twice)
		}
	}
	if s := stateOf[InstanceState](t, w.get(t, "instance", server)); s.CPU != 4 || s.MemoryMB != 8192 {
		t.Errorf("the server has %+v", s)
	}
	_, err := w.Act(t.Context(), provider.ActionRequest{Call: leave, Token: "r", Kind: kinds.Disk, ID: disk, Action: "resize", Input: json.RawMessage(`{"size_gb":100}`)})
	want(t, "a smaller disk", err, fault.ClassInvalid, fault.OutcomeNotDone)
	w.clock.Advance(2 * transition)
	w.mustAct(t, "instance", server, "start", `{}`)
	_, err = w.Act(t.Context(), provider.ActionRequest{Call: leave, Token: "r", Kind: "instance", ID: server, Action: "resize", Input: json.RawMessage(`{"cpu":2,"memory_mb":4096}`)})
	want(t, "a server that runs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

func TestResizeQuotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.mustAct(t, "instance", id, "stop", `{"force":true}`)
	w.clock.Advance(2 * transition)
	q, err := w.Quote(t.Context(), provider.QuoteRequest{
		Call: w.call(), Change: provider.ChangeResize, Kind: "instance", ResourceID: id, Term: month(1),
		Spec: json.RawMessage(`{"cpu":4,"memory_mb":8192,"image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.sim.Report(1).Accounts["one"].Balance
	_, err = w.Act(t.Context(), provider.ActionRequest{
		Call: ordered(w.call()), Token: "r", Kind: "instance", ID: id, Action: "resize", Input: json.RawMessage(`{"cpu":4,"memory_mb":8192}`),
	})
	if paid := before - w.sim.Report(1).Accounts["one"].Balance; err != nil || provider.Decimal(paid.String()) != q.Net || q.List == q.Net {
		t.Errorf("paid %v, quoted %+v, %v", paid, q, err)
	}
}

// ordered is a call of an order of the broker, which bills it.
func ordered(call provider.Call) provider.Call {
	call.Ordered = true
	return call
}

// lost is one change, and the cloud's action that makes it.
type lost struct {
	action string
	do     func() error
}

// TestLostAnswersOfEveryAction: after each, the outcome is unknown, and the
// repeat finds it done.
func TestLostAnswersOfEveryAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, address, disk := w.server(t, "tok-1"), w.address(t, "tok-2"), w.disk(t, "tok-3")
	group := w.made(t, kinds.SecurityGroup, "tok-g", "one", `{}`).ID
	vpc := w.made(t, kinds.VPC, "tok-v", "net", `{"cidr":"172.16.0.0/16"}`).ID
	sub := w.made(t, kinds.Subnet, "tok-s", "a", `{"vpc_id":"`+vpc+`","cidr":"172.16.1.0/24"}`).ID
	empty := w.made(t, kinds.VPC, "tok-v2", "net", `{"cidr":"172.20.0.0/16"}`).ID
	ref := `{"instance_id":"` + server + `"}`
	act := func(kind, id, action, input string) func() error {
		return func() error { _, err := w.act(t, kind, id, action, input); return err }
	}
	create := func(kind, spec string) func() error {
		return func() error {
			_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "lost-" + kind, Kind: kind, Name: "lost", Spec: json.RawMessage(spec), Term: month(1)})
			return err
		}
	}
	remove := func(kind, id string) func() error {
		return func() error {
			_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kind, ID: id})
			return err
		}
	}
	all := []lost{
		{"CreateFirewall", create(kinds.SecurityGroup, `{"rules":[`+sshRule+`]}`)},
		{"UpdateFirewall", act(kinds.SecurityGroup, group, "add_rule", sshRule)},
		{"UpdateFirewallAttribute", act(kinds.SecurityGroup, group, "rename", `{"name":"renamed"}`)},
		{"GrantFirewall", act(kinds.SecurityGroup, group, "bind", ref)},
		{"GrantFirewall", act(kinds.SecurityGroup, group, "unbind", ref)},
		{"DeleteFirewall", remove(kinds.SecurityGroup, group)},
		{"CreateUDisk", create(kinds.Disk, `{"size_gb":20}`)},
		{"RenameUDisk", act(kinds.Disk, disk, "rename", `{"name":"renamed"}`)},
		{"AttachUDisk", act(kinds.Disk, disk, "attach", ref)},
		{"DetachUDisk", act(kinds.Disk, disk, "detach", `{}`)},
		{"DeleteUDisk", remove(kinds.Disk, disk)},
		{"CreateVPC", create(kinds.VPC, `{"cidr":"172.18.0.0/16"}`)},
		{"CreateSubnet", create(kinds.Subnet, `{"vpc_id":"`+vpc+`","cidr":"172.16.2.0/24"}`)},
		{"DeleteSubnet", remove(kinds.Subnet, sub)},
		{"DeleteVPC", remove(kinds.VPC, empty)},
		{"RebootUHostInstance", act("instance", server, "reboot", `{}`)},
		{"StopUHostInstance", act("instance", server, "stop", `{}`)},
		{"StartUHostInstance", act("instance", server, "start", `{}`)},
		{"PoweroffUHostInstance", act("instance", server, "stop", `{"force":true}`)},
		{"ResetUHostInstancePassword", act("instance", server, "reset_password", `{"password":"Correct-horse-8"}`)},
		{"ModifyUHostInstanceName", act("instance", server, "rename", `{"name":"renamed"}`)},
		{"UpdateEIPAttribute", act("eip", address, "rename", `{"name":"renamed"}`)},
		{"BindEIP", act("eip", address, "bind", ref)},
		{"UnBindEIP", act("eip", address, "unbind", `{}`)},
		{"ReleaseEIP", remove("eip", address)},
	}
	for _, one := range all {
		w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{one.action}, Count: 1})
		err := one.do()
		want(t, one.action+" with a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
		w.clock.Advance(2 * transition)
		if err := one.do(); err != nil {
			t.Errorf("%s: the repeat: %v", one.action, err)
		}
		w.clock.Advance(2 * transition)
	}
	for _, kind := range []string{kinds.SecurityGroup, kinds.Disk, kinds.VPC, kinds.Subnet} {
		if f := w.find(t, kind, provider.ChangeCreate, "lost-"+kind, "", w.clock.Now()); len(f.Resources) != 1 {
			t.Errorf("%s: one token made %d", kind, len(f.Resources))
		}
	}
	if n := w.sim.Report(100).Bought["udisk.tag"]["lost-disk"]; n.Orders != 1 {
		t.Errorf("the disk was bought %d times", n.Orders)
	}
}

func TestImportShowsWhatTheAccountMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := []string{w.server(t, "tok-1"), w.address(t, "tok-2"), w.disk(t, "tok-3")}
	vpc := w.made(t, kinds.VPC, "tok-v", "net", `{"cidr":"172.16.0.0/16"}`).ID
	made = append(made, vpc, w.made(t, kinds.Subnet, "tok-s", "a", `{"vpc_id":"`+vpc+`","cidr":"172.16.1.0/24"}`).ID,
		w.made(t, kinds.SecurityGroup, "tok-g", "one", `{}`).ID)
	var got []provider.Resource
	err := w.Import(t.Context(), provider.ImportRequest{Call: w.call()}, func(r provider.Resource) error { got = append(got, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	var all []provider.Resource
	for _, id := range made {
		all = append(all, provider.Resource{ID: id})
	}
	if diff := cmp.Diff(ids(all), ids(got)); diff != "" {
		t.Errorf("imported (-want +got):\n%s", diff)
	}
	var some []string
	err = w.Import(t.Context(), provider.ImportRequest{Call: w.call(), Kinds: []string{kinds.Subnet}}, func(r provider.Resource) error { some = append(some, r.Kind); return nil })
	if diff := cmp.Diff([]string{kinds.Subnet}, some); diff != "" || err != nil {
		t.Errorf("of one kind (-want +got): %s %v", diff, err)
	}
}
