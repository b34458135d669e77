package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

func forOnce() provider.Term {
	return provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1}
}

const sshRule = `{"protocol":"tcp","from_port":22,"cidr":"0.0.0.0/0","description":"ssh"}`

// stateOf reads the state of a resource.
func stateOf[State any](t *testing.T, r provider.Resource) State {
	t.Helper()
	return plugintest.State[State](t, r)
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc := w.made(t, kinds.VPC, "tok-v", `{"cidr":"172.16.0.0/16","description":"ours"}`, forOnce())
	if s := stateOf[kinds.VPCState](t, vpc); s.CIDR != "172.16.0.0/16" || s.Default || s.Description != "ours" || vpc.Token != "tok-v" {
		t.Errorf("the network is %+v %+v", vpc, s)
	}
	sub := w.made(t, kinds.Subnet, "tok-s", `{"vpc_id":"`+vpc.ID+`","cidr":"172.16.1.0/24"}`, forOnce())
	if s := stateOf[kinds.SubnetState](t, sub); s.VPCID != vpc.ID || s.FreeIPs != 253 || sub.Zone != zone {
		t.Errorf("the subnet is %+v %+v", sub, s)
	}
	for kind, r := range map[string]provider.Resource{kinds.VPC: vpc, kinds.Subnet: sub} {
		again, err := w.Create(t.Context(), provider.CreateRequest{
			Call: w.call(), Token: r.Token, Kind: kind, Name: "other", Spec: json.RawMessage(`{"vpc_id":"` + vpc.ID + `","cidr":"172.16.9.0/24"}`), Term: forOnce(),
		})
		if kind == kinds.VPC {
			again, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: r.Token, Kind: kind, Name: "other", Spec: json.RawMessage(`{"cidr":"172.17.0.0/16"}`), Term: forOnce()})
		}
		if err != nil || again.Resource.ID != r.ID {
			t.Errorf("%s again: %+v, %v", kind, again, err)
		}
		if _, err := w.act(t, kind, r.ID, kinds.ActionRename, `{"name":"renamed"}`); err != nil {
			t.Errorf("renaming %s: %v", kind, err)
		}
		if got := w.get(t, kind, r.ID); got.Name != "renamed" {
			t.Errorf("%s is called %q", kind, got.Name)
		}
		if f := w.find(t, kind, provider.ChangeCreate, r.Token, "", epoch()); !f.Done || len(f.Resources) != 1 {
			t.Errorf("%s found as %+v", kind, f)
		}
	}
	if s := stateOf[kinds.VPCState](t, w.get(t, kinds.VPC, vpc.ID)); s.Description != "ours" {
		t.Errorf("the rename lost the description: %+v", s)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d0", Kind: kinds.VPC, ID: vpc.ID})
	want(t, "a network with a subnet", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.gone(t, kinds.Subnet, sub.ID)
	w.gone(t, kinds.VPC, vpc.ID)
	for _, kind := range []string{kinds.VPC, kinds.Subnet, kinds.SecurityGroup, kinds.EIP, kinds.Disk, kinds.Instance} {
		if _, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d1", Kind: kind, ID: "../escape"}); err != nil {
			t.Errorf("deleting what cannot be: %s: %v", kind, err)
		}
	}
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	g := w.made(t, kinds.SecurityGroup, "tok-g", `{"description":"office","rules":[`+sshRule+`,`+sshRule+`]}`, forOnce())
	s := stateOf[kinds.SecurityGroupState](t, g)
	if len(s.Rules) != 1 || s.Rules[0].CIDR != "0.0.0.0/0" || s.Rules[0].FromPort != 22 || s.Description != "office" || s.Default {
		t.Fatalf("the group is %+v", s)
	}
	for _, input := range []string{`{"protocol":"udp","from_port":53,"to_port":60,"cidr":"10.0.0.0/8"}`, `{"protocol":"icmp","cidr":"192.0.2.7"}`, `{"protocol":"all","direction":"out","cidr":"::/0"}`, sshRule} {
		for range 2 { // the second time it is there
			if _, err := w.act(t, kinds.SecurityGroup, g.ID, kinds.ActionAddRule, input); err != nil {
				t.Fatalf("adding %s: %v", input, err)
			}
		}
	}
	var shown []string
	for _, r := range stateOf[kinds.SecurityGroupState](t, w.get(t, kinds.SecurityGroup, g.ID)).Rules {
		shown = append(shown, strings.Join([]string{r.Direction, r.Protocol, portText(r.Rule), r.CIDR}, " "))
	}
	if diff := cmp.Diff([]string{"in tcp 22 0.0.0.0/0", "in udp 53-60 10.0.0.0/8", "in icmp  192.0.2.7", "out all 1-65535 ::/0"}, shown); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	for range 2 { // the second time it is gone
		if _, err := w.act(t, kinds.SecurityGroup, g.ID, kinds.ActionRemoveRule, `{"rule_id":"`+s.Rules[0].ID+`"}`); err != nil {
			t.Fatalf("removing: %v", err)
		}
	}
	change, err := w.Update(t.Context(), provider.UpdateRequest{
		Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: g.ID, Spec: json.RawMessage(`{"rules":[` + sshRule + `,{"protocol":"icmp","cidr":"192.0.2.7"}]}`),
	})
	if err != nil || len(stateOf[kinds.SecurityGroupState](t, *change.Resource).Rules) != 2 {
		t.Errorf("updating: %+v, %v", change, err)
	}
	for range 2 {
		if _, err := w.act(t, kinds.SecurityGroup, g.ID, kinds.ActionBind, `{"instance_id":"`+id+`"}`); err != nil {
			t.Fatalf("binding: %v", err)
		}
	}
	out, err := w.act(t, kinds.SecurityGroup, g.ID, kinds.ActionBindings, `{}`)
	var bound kinds.Bindings
	if err != nil || json.Unmarshal(out.Output, &bound) != nil || bound.Total != 1 || bound.Bindings[0].ResourceID != id {
		t.Errorf("bindings: %s, %v", out.Output, err)
	}
	_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.SecurityGroup, ID: g.ID})
	want(t, "a group with a server", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		if _, err := w.act(t, kinds.SecurityGroup, g.ID, kinds.ActionUnbind, `{"instance_id":"`+id+`"}`); err != nil {
			t.Fatalf("unbinding: %v", err)
		}
	}
	groups := stateOf[InstanceState](t, w.get(t, kinds.Instance, id)).SecurityGroupIDs
	if len(groups) != 1 {
		t.Fatalf("the server is in %v", groups)
	}
	_, err = w.act(t, kinds.SecurityGroup, groups[0], kinds.ActionUnbind, `{"instance_id":"`+id+`"}`)
	want(t, "the last group of a server", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.gone(t, kinds.SecurityGroup, g.ID)
}

func TestRulesThatTheCloudDoesNotHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct{ rule, path string }{
		"a refusal":  {`{"protocol":"tcp","cidr":"0.0.0.0/0","action":"deny"}`, "spec.rules[0].action"},
		"a protocol": {`{"protocol":"gre","cidr":"0.0.0.0/0"}`, "spec.rules[0].protocol"},
		"a range":    {`{"protocol":"tcp","cidr":"anywhere"}`, "spec.rules[0].cidr"},
		"ports":      {`{"protocol":"tcp","from_port":9,"to_port":8,"cidr":"0.0.0.0/0"}`, "spec.rules[0].to_port"},
	} {
		_, err := w.Create(t.Context(), provider.CreateRequest{
			Call: w.call(), Token: "tok", Kind: kinds.SecurityGroup, Name: "g", Spec: json.RawMessage(`{"rules":[` + c.rule + `]}`), Term: forOnce(),
		})
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
		if e := fault.As(err); len(e.Fields) != 1 || e.Fields[0].Path != c.path {
			t.Errorf("%s: %+v", reason, e)
		}
	}
	own := w.list(t, kinds.SecurityGroup)
	if len(own) != 1 || !stateOf[kinds.SecurityGroupState](t, own[0]).Default {
		t.Errorf("the cloud's own group is %+v", own)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	e := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":2}`, month(1))
	s := stateOf[kinds.EIPState](t, e)
	if e.Status != provider.StatusFree || s.Bandwidth != 2 || s.Line != "BGP" || s.PayMode != kinds.PayBandwidth || s.IP == "" || e.ID == s.IP || e.Token != "tok-e" {
		t.Errorf("the address is %+v %+v", e, s)
	}
	for range 2 {
		if _, err := w.act(t, kinds.EIP, e.ID, kinds.ActionBind, `{"instance_id":"`+id+`"}`); err != nil {
			t.Fatalf("binding: %v", err)
		}
	}
	w.clock.Advance(transition)
	if got := w.get(t, kinds.EIP, e.ID); got.Status != provider.StatusBound || stateOf[kinds.EIPState](t, got).BoundTo != id {
		t.Errorf("bound: %+v", got)
	}
	if a := stateOf[InstanceState](t, w.get(t, kinds.Instance, id)).Addresses; len(a) != 2 || a[1].IP != s.IP {
		t.Errorf("the server has %+v", a)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.EIP, ID: e.ID})
	want(t, "a bound address", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		if _, err := w.act(t, kinds.EIP, e.ID, kinds.ActionUnbind, `{}`); err != nil {
			t.Fatalf("unbinding: %v", err)
		}
		w.clock.Advance(transition)
	}
	_, err = w.act(t, kinds.EIP, e.ID, kinds.ActionResize, `{"bandwidth_mbps":5}`)
	want(t, "a size without leave", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		_, err = w.Act(t.Context(), provider.ActionRequest{
			Call: w.call("allow_resize", "true"), Token: "a", Kind: kinds.EIP, ID: e.ID, Action: kinds.ActionResize, Input: json.RawMessage(`{"bandwidth_mbps":5}`),
		})
		if err != nil {
			t.Fatalf("another size: %v", err)
		}
	}
	w.gone(t, kinds.EIP, e.ID)
	traffic := w.made(t, kinds.EIP, "tok-t", `{"bandwidth_mbps":2,"pay_mode":"Traffic"}`, hourly())
	if stateOf[kinds.EIPState](t, traffic).PayMode != kinds.PayTraffic {
		t.Errorf("by traffic: %+v", traffic)
	}
	w.gone(t, kinds.EIP, traffic.ID)
	_, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "x", Kind: kinds.EIP, Spec: json.RawMessage(`{"bandwidth_mbps":2,"pay_mode":"Traffic"}`), Term: month(1)})
	want(t, "prepaid traffic", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "x", Kind: kinds.EIP, Spec: json.RawMessage(`{"bandwidth_mbps":2,"line":"Other"}`), Term: month(1)})
	want(t, "another line", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	d := w.made(t, kinds.Disk, "tok-d", `{"size_gb":50,"type":"hp1"}`, hourly())
	w.clock.Advance(transition)
	if s := stateOf[kinds.DiskState](t, d); s.SizeGB != 50 || s.Type != "hp1" || d.Token != "tok-d" || d.Billing != provider.BillingPostpay {
		t.Errorf("the disk is %+v %+v", d, s)
	}
	for range 2 {
		if _, err := w.act(t, kinds.Disk, d.ID, kinds.ActionAttach, `{"instance_id":"`+id+`"}`); err != nil {
			t.Fatalf("attaching: %v", err)
		}
		w.clock.Advance(transition)
	}
	if got := w.get(t, kinds.Disk, d.ID); got.Status != provider.StatusBound || stateOf[kinds.DiskState](t, got).InstanceID != id {
		t.Errorf("attached: %+v", got)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Disk, ID: d.ID})
	want(t, "an attached disk", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		if _, err := w.act(t, kinds.Disk, d.ID, kinds.ActionDetach, `{}`); err != nil {
			t.Fatalf("detaching: %v", err)
		}
		w.clock.Advance(transition)
	}
	w.gone(t, kinds.Disk, d.ID)
	_, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "x", Kind: kinds.Disk, Spec: json.RawMessage(`{"size_gb":50}`), Term: month(1)})
	want(t, "a prepaid disk", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestAReleaseLeavesWhatWasBoughtApart: the cloud would end an address and a
// disk together with the server that has them.
func TestAReleaseLeavesWhatWasBoughtApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, term := range map[string]provider.Term{"prepaid": month(1), "hourly": hourly()} {
		req := w.order("tok-" + reason)
		req.Term, req.Spec = term, json.RawMessage(`{"cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20},"data_disks":[{"size_gb":30}]}`)
		id := w.bought(t, req).ID
		disk := w.made(t, kinds.Disk, "disk-"+reason, `{"size_gb":50}`, hourly())
		eip := w.made(t, kinds.EIP, "eip-"+reason, `{"bandwidth_mbps":1}`, term)
		w.clock.Advance(transition)
		for kind, r := range map[string]struct{ id, action string }{kinds.Disk: {disk.ID, kinds.ActionAttach}, kinds.EIP: {eip.ID, kinds.ActionBind}} {
			if _, err := w.act(t, kind, r.id, r.action, `{"instance_id":"`+id+`"}`); err != nil {
				t.Fatalf("%s: %s: %v", reason, kind, err)
			}
		}
		w.clock.Advance(transition)
		w.gone(t, kinds.Instance, id)
		if got := w.get(t, kinds.EIP, eip.ID); got.Status != provider.StatusFree {
			t.Errorf("%s: the address is %+v", reason, got)
		}
		if got := w.get(t, kinds.Disk, disk.ID); got.Status != provider.StatusFree {
			t.Errorf("%s: the disk is %+v", reason, got)
		}
		if all := ids(w.list(t, kinds.Disk)); len(all) != 1 {
			t.Errorf("%s: disks that came with the server are left: %v", reason, all)
		}
		w.gone(t, kinds.Disk, disk.ID)
	}
}
