package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// state reads the state of a resource.
func state[State any](t *testing.T, r provider.Resource) State {
	t.Helper()
	return plugintest.State[State](t, r)
}

func TestANetworkWithSubnets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := func(kind, token, spec string) provider.Resource {
		change, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: token, Kind: kind, Name: "a long name of a network, with signs!", Spec: json.RawMessage(spec), Term: forOnce()})
		if err != nil {
			t.Fatal(err)
		}
		return *change.Resource
	}
	vpc := made(kinds.VPC, "tok-v", `{"cidr":"172.16.0.0/16","description":"office"}`)
	if got := state[kinds.VPCState](t, vpc); vpc.Token != "tok-v" || got.CIDR != "172.16.0.0/16" || got.Description != "office" || len([]rune(vpc.Name)) > networkName {
		t.Errorf("%+v %+v", vpc, got)
	}
	subnet := made(kinds.Subnet, "tok-s", `{"vpc_id":"`+vpc.ID+`","cidr":"172.16.1.0/24"}`)
	if got := state[kinds.SubnetState](t, subnet); got.VPCID != vpc.ID || got.CIDR != "172.16.1.0/24" || got.FreeIPs == 0 {
		t.Errorf("%+v", got)
	}
	for _, r := range []provider.Resource{vpc, subnet} {
		if _, err := w.act(t, r.Kind, r.ID, kinds.ActionRename, `{"name":"front"}`); err != nil {
			t.Error(err)
		}
		if now := w.get(t, r.Kind, r.ID); now.Name != "front" || now.Token != r.Token {
			t.Errorf("renamed: %+v", now)
		}
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.VPC, ID: vpc.ID})
	want(t, "it has a subnet", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for kind, spec := range map[string]string{
		kinds.VPC: `{"cidr":"172.16.0.1/16"}`, kinds.Subnet: `{"vpc_id":"../x","cidr":"172.16.2.0/24"}`,
	} {
		_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "tok-x", Kind: kind, Name: "n1", Spec: json.RawMessage(spec), Term: forOnce()})
		want(t, spec, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	req := w.order("tok-1")
	req.Spec = with(serverSpec, "vpc_id", vpc.ID)
	change, err := w.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if op := w.finish(t, change.Operation); state[InstanceState](t, *op.Resource).SubnetID != subnet.ID {
		t.Errorf("the server is in %+v", op.Resource)
	}
	req = w.order("tok-2")
	req.Call.Account.Settings["default_subnets"] = "cn-east-1=subnet-x; " + region + "=" + subnet.ID
	if change, err = w.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if op := w.finish(t, change.Operation); state[InstanceState](t, *op.Resource).SubnetID != subnet.ID {
		t.Errorf("the server is in %+v", op.Resource)
	}
	req = w.order("tok-3")
	req.Call.Account.Settings["default_subnets"] = "nonsense"
	_, err = w.Create(t.Context(), req)
	want(t, "a setting of another form", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestNoSubnet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].DefaultNetwork = false })
	_, err := w.Create(t.Context(), w.order("tok-1"))
	want(t, "there is none", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.Create(t.Context(), w.creates0(t, `{"rules":[`+sshRule+`]}`))
	want(t, "a group needs a VPC", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

func (w *world) creates0(t *testing.T, spec string) provider.CreateRequest {
	t.Helper()
	return provider.CreateRequest{Call: w.call(), Token: "tok-g", Kind: kinds.SecurityGroup, Name: "office", Spec: json.RawMessage(spec), Term: forOnce()}
}

// custom are the rules of a group that the cloud did not make.
func (w *world) custom(t *testing.T, id string) []kinds.Rule {
	t.Helper()
	var out []kinds.Rule
	for _, r := range state[kinds.SecurityGroupState](t, w.get(t, kinds.SecurityGroup, id)).Rules {
		if r.Direction == kinds.In {
			out = append(out, r.Rule)
		}
	}
	return out
}

func TestRulesOfAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := `{"description":"office","rules":[` + sshRule + `,{"protocol":"udp","cidr":"10.0.0.7","priority":20},{"protocol":"icmp","cidr":"10.1.2.3/8","action":"deny"},{"protocol":"all","cidr":"192.168.0.0/16"}]}`
	change, err := w.Create(t.Context(), w.creates0(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	id := change.Resource.ID
	wanted := []kinds.Rule{
		{Direction: "in", Protocol: "tcp", FromPort: 22, ToPort: 22, CIDR: "0.0.0.0/0", Action: "allow", Priority: 10, Description: "ssh"},
		{Direction: "in", Protocol: "udp", CIDR: "10.0.0.7/32", Action: "allow", Priority: 20},
		{Direction: "in", Protocol: "icmp", CIDR: "10.0.0.0/8", Action: "deny", Priority: 50},
		{Direction: "in", Protocol: "all", CIDR: "192.168.0.0/16", Action: "allow", Priority: 50},
	}
	if diff := cmp.Diff(wanted, w.custom(t, id)); diff != "" {
		t.Error(diff)
	}
	again, err := w.Create(t.Context(), w.creates0(t, spec))
	if err != nil || again.Resource.ID != id {
		t.Errorf("again: %+v, %v", again, err)
	}
	web := `{"protocol":"tcp","from_port":80,"to_port":81,"cidr":"0.0.0.0/0"}`
	for range 2 {
		if _, err := w.act(t, kinds.SecurityGroup, id, kinds.ActionAddRule, web); err != nil {
			t.Error(err)
		}
	}
	all := state[kinds.SecurityGroupState](t, w.get(t, kinds.SecurityGroup, id)).Rules
	i := slices.IndexFunc(all, func(r kinds.KeptRule) bool { return r.FromPort == 22 })
	for range 2 {
		if _, err := w.act(t, kinds.SecurityGroup, id, kinds.ActionRemoveRule, `{"rule_id":"`+all[i].ID+`"}`); err != nil {
			t.Error(err)
		}
	}
	if got := w.custom(t, id); len(got) != 4 || got[3].ToPort != 81 {
		t.Errorf("%+v", got)
	}
	up, err := w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: id, Spec: json.RawMessage(`{"description":"home","rules":[` + web + `,` + sshRule + `]}`)})
	if err != nil || state[kinds.SecurityGroupState](t, *up.Resource).Description != "home" || up.Resource.Token != "tok-g" {
		t.Errorf("update: %+v, %v", up, err)
	}
	if got := w.custom(t, id); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	for reason, rule := range map[string]string{
		"gre is unknown": `{"protocol":"gre","cidr":"0.0.0.0/0"}`, "no range": `{"protocol":"tcp","cidr":"x"}`, "ports of icmp": `{"protocol":"icmp","from_port":3,"cidr":"0.0.0.0/0"}`,
	} {
		_, err := w.act(t, kinds.SecurityGroup, id, kinds.ActionAddRule, rule)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err = w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: id, Spec: json.RawMessage(`{"vpc_id":"vpc-other"}`)})
	want(t, "another VPC", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestAHalfMadeGroup is left without its rules: it is an operation, which takes
// it back when nobody finishes it.
func TestAHalfMadeGroup(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{true, false} {
		t.Run(fmt.Sprint(finish), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"AddNetworkSecurityGroupRules"}, Count: 1})
			req := w.creates0(t, `{"rules":[`+sshRule+`]}`)
			began := w.clock.Now()
			_, err := w.Create(t.Context(), req)
			want(t, "the rules got lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			f := w.find(t, kinds.SecurityGroup, provider.ChangeCreate, "tok-g", "", began)
			if f.Done || f.Operation == "" || len(f.Resources) != 1 || f.Resources[0].Status != provider.StatusPending {
				t.Fatalf("found %+v", f)
			}
			id := f.Resources[0].ID
			if finish {
				change, err := w.Create(t.Context(), req)
				if err != nil || change.Resource.ID != id || len(w.custom(t, id)) != 1 {
					t.Errorf("%+v, %v", change, err)
				}
				if op := w.finish(t, f.Operation); op.State != provider.OperationSucceeded {
					t.Errorf("%+v", op)
				}
				return
			}
			w.clock.Advance(3 * time.Minute)
			op := w.finish(t, f.Operation)
			if op.State != provider.OperationFailed || fault.OutcomeOf(op.Failure) != fault.OutcomeNotDone {
				t.Errorf("%+v", op)
			}
			_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.SecurityGroup, ID: id})
			want(t, "it is taken back", err, fault.ClassNotFound, fault.OutcomeNotDone)
		})
	}
}

// TestRefusedRulesLeaveNoGroup: what is certainly not made leaves nothing.
func TestRefusedRulesLeaveNoGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(w.list(t, kinds.SecurityGroup))
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, RetCode: 429, ErrorStatus: "QUOTA_EXCEEDED", Actions: []string{"AddNetworkSecurityGroupRules"}, Count: 1})
	_, err := w.Create(t.Context(), w.creates0(t, `{"rules":[`+sshRule+`]}`))
	want(t, "the quota of rules", err, fault.ClassQuota, fault.OutcomeNotDone)
	if after := len(w.list(t, kinds.SecurityGroup)); after != before {
		t.Errorf("%d groups, %d before", after, before)
	}
}

func TestAServerInGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	var groups []string
	for i := range 5 {
		req := w.creates0(t, `{}`)
		req.Token = fmt.Sprintf("tok-g%d", i)
		change, err := w.Create(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, change.Resource.ID)
	}
	server := `{"instance_id":"` + id + `"}`
	of := func() []string {
		return state[InstanceState](t, w.get(t, kinds.Instance, id)).SecurityGroupIDs
	}
	first := of()
	for range 2 {
		if _, err := w.act(t, kinds.SecurityGroup, groups[0], kinds.ActionBind, server); err != nil {
			t.Error(err)
		}
	}
	if got := of(); !slices.Equal(got, append(slices.Clone(first), groups[0])) {
		t.Errorf("it is in %v", got)
	}
	change, err := w.act(t, kinds.SecurityGroup, groups[0], kinds.ActionBindings, `{}`)
	var bound kinds.Bindings
	if err != nil || json.Unmarshal(change.Output, &bound) != nil || bound.Total != 1 || bound.Bindings[0].ResourceID != id || bound.Bindings[0].ResourceType != kinds.Instance {
		t.Errorf("%s, %v", change.Output, err)
	}
	if r := w.get(t, kinds.SecurityGroup, groups[0]); r.Status != provider.StatusBound {
		t.Errorf("it is %q", r.Status)
	}
	for _, g := range groups[1:4] {
		if _, err := w.act(t, kinds.SecurityGroup, g, kinds.ActionBind, server); err != nil {
			t.Error(err)
		}
	}
	_, err = w.act(t, kinds.SecurityGroup, groups[4], kinds.ActionBind, server)
	want(t, "five is the most", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for _, g := range append(slices.Clone(first), groups...) {
		if _, err := w.act(t, kinds.SecurityGroup, g, kinds.ActionUnbind, server); err != nil {
			t.Error(err)
		}
	}
	if got := of(); !slices.Equal(got, first) {
		t.Errorf("out of the last one it is in %v, want the default %v", got, first)
	}
	_, err = w.act(t, kinds.SecurityGroup, first[0], kinds.ActionUnbind, server)
	want(t, "out of the default one", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.SecurityGroup, first[0], kinds.ActionBind, `{"instance_id":"../x"}`)
	want(t, "no id", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.SecurityGroup, first[0], kinds.ActionBind, `{"instance_id":"i-none"}`)
	want(t, "no server", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

func TestDisksAndAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.server(t, "tok-1")
	disk, eip := w.make(t, kinds.Disk, month(1)), w.make(t, kinds.EIP, hourly())
	input := `{"instance_id":"` + server + `"}`
	for range 2 {
		for kind, do := range map[string][2]string{kinds.Disk: {disk, kinds.ActionAttach}, kinds.EIP: {eip, kinds.ActionBind}} {
			if _, err := w.doing(t, kind, do[0], do[1], input); err != nil {
				t.Errorf("%s: %v", do[1], err)
			}
		}
	}
	if got := state[DiskState](t, w.get(t, kinds.Disk, disk)); got.InstanceID != server || got.SizeGB != 20 {
		t.Errorf("%+v", got)
	}
	if r := w.get(t, kinds.EIP, eip); r.Status != provider.StatusBound || state[EIPState](t, r).BoundTo != server || state[EIPState](t, r).BoundType != kinds.Instance {
		t.Errorf("%+v", r)
	}
	for kind, id := range map[string]string{kinds.Disk: disk, kinds.EIP: eip} {
		_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kind, ID: id})
		want(t, kind+" is in use", err, fault.ClassPrecondition, fault.OutcomeNotDone)
		_, err = w.act(t, kind, id, kinds.ActionResize, map[string]string{kinds.Disk: `{"size_gb":40}`, kinds.EIP: `{"bandwidth_mbps":9}`}[kind])
		want(t, kind+" costs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	}
	for range 2 {
		for kind, do := range map[string][2]string{kinds.Disk: {disk, kinds.ActionDetach}, kinds.EIP: {eip, kinds.ActionUnbind}} {
			if _, err := w.doing(t, kind, do[0], do[1], `{}`); err != nil {
				t.Errorf("%s: %v", do[1], err)
			}
		}
	}
	for reason, size := range map[string]string{"smaller": `{"size_gb":10}`, "no step": `{"size_gb":45}`} {
		_, err := w.doing(t, kinds.Disk, disk, kinds.ActionResize, size)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	for _, line := range []string{"no_bgp", "BGP"} {
		_, err := w.Create(t.Context(), provider.CreateRequest{
			Call: w.call(), Token: "tok-" + line, Kind: kinds.EIP, Spec: json.RawMessage(`{"bandwidth_mbps":3,"line":"` + line + `","pay_mode":"Traffic"}`), Term: hourly(),
		})
		if err != nil {
			t.Error(err)
		}
	}
	for reason, spec := range map[string]string{
		"line": `{"bandwidth_mbps":3,"line":"x"}`, "too fast": `{"bandwidth_mbps":1001}`, "traffic": `{"bandwidth_mbps":3,"pay_mode":"Traffic"}`,
	} {
		_, err := w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "tok-x", Kind: kinds.EIP, Spec: json.RawMessage(spec), Term: month(1)})
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "r", Kind: kinds.EIP, ID: eip, Term: month(1)})
	want(t, "an address paid by the hour has no term", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

// TestALastPageThatComesAgain has the list shrink while it is read: the cloud's
// network service then gives its last page once more.
func TestALastPageThatComesAgain(t *testing.T) {
	t.Parallel()
	total, asked := 150, 0
	fetch := func(_ context.Context, number, size int) ([]int, int, error) {
		asked++
		if number > 1 {
			total = 90
		}
		last := (total + size - 1) / size
		first := (min(number, last) - 1) * size
		var out []int
		for i := first; i < min(first+size, total); i++ {
			out = append(out, i)
		}
		return out, total, nil
	}
	n := 0
	err := pages(t.Context(), pageSize, fetch, func(i int) string { return fmt.Sprint(i) }, func(int) error { n++; return nil })
	if err != nil || n != 100 || asked != 2 {
		t.Errorf("%d rows of %d pages, %v", n, asked, err)
	}
}
