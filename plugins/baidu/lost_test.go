package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// lost is a change whose first answer does not arrive.
type lost struct {
	action string
	do     func() error
}

// TestLostAnswersOfEveryAction: each change that happened and whose answer got
// lost is in doubt, and can be asked for again without doing harm.
func TestLostAnswersOfEveryAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, hour := w.server(t, "tok-1"), w.order("tok-h")
	hour.Term = hourly()
	byHour := w.bought(t, hour).ID
	address := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":2}`, month(1)).ID
	cheap := w.made(t, kinds.EIP, "tok-c", `{"bandwidth_mbps":2}`, hourly()).ID
	disk := w.made(t, kinds.Disk, "tok-d", `{"size_gb":20}`, hourly()).ID
	group := w.made(t, kinds.SecurityGroup, "tok-g", `{}`, forOnce()).ID
	vpc := w.made(t, kinds.VPC, "tok-v", `{"cidr":"172.16.0.0/16"}`, forOnce()).ID
	sub := w.made(t, kinds.Subnet, "tok-s", `{"vpc_id":"`+vpc+`","cidr":"172.16.1.0/24"}`, forOnce()).ID
	empty := w.made(t, kinds.VPC, "tok-v2", `{"cidr":"172.20.0.0/16"}`, forOnce()).ID
	w.clock.Advance(2 * transition)
	ref := `{"instance_id":"` + server + `"}`
	const rule = `{"protocol":"tcp","from_port":443,"cidr":"10.0.0.0/8"}`
	call := w.call("allow_resize", "true")
	act := func(kind, id, action, input string) func() error {
		return func() error {
			_, err := w.Act(t.Context(), provider.ActionRequest{Call: call, Token: "act-" + action, Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
			return err
		}
	}
	create := func(kind, spec string, term provider.Term) func() error {
		return func() error {
			_, err := w.Create(t.Context(), provider.CreateRequest{Call: call, Token: "lost-" + kind, Kind: kind, Name: "lost", Spec: json.RawMessage(spec), Term: term})
			return err
		}
	}
	remove := func(kind, id string) func() error {
		return func() error {
			_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: call, Token: "d-" + id, Kind: kind, ID: id})
			return err
		}
	}
	all := []lost{
		{"CreateInstanceBySpec", create(kinds.Instance, serverSpec, month(1))},
		{"CreateEip", create(kinds.EIP, `{"bandwidth_mbps":1}`, month(1))},
		{"CreateVolume", create(kinds.Disk, `{"size_gb":20}`, hourly())},
		{"CreateVPC", create(kinds.VPC, `{"cidr":"172.18.0.0/16"}`, forOnce())},
		{"CreateSubnet", create(kinds.Subnet, `{"vpc_id":"`+vpc+`","cidr":"172.16.2.0/24"}`, forOnce())},
		{"CreateSecurityGroup", create(kinds.SecurityGroup, `{"rules":[`+sshRule+`]}`, forOnce())},
		{"AuthorizeSecurityGroupRule", act(kinds.SecurityGroup, group, "add_rule", rule)},
		{"RevokeSecurityGroupRule", func() error {
			_, err := w.Update(t.Context(), provider.UpdateRequest{Call: call, Token: "u", Kind: kinds.SecurityGroup, ID: group, Spec: json.RawMessage(`{"rules":[]}`)})
			return err
		}},
		{"BindSecurityGroup", func() error { return w.inVPC(t, call, "bind") }},
		{"UnBindSecurityGroup", func() error { return w.inVPC(t, call, "unbind") }},
		{"DeleteSecurityGroup", remove(kinds.SecurityGroup, group)},
		{"UpdateVPC", act(kinds.VPC, vpc, "rename", `{"name":"renamed"}`)},
		{"UpdateSubnet", act(kinds.Subnet, sub, "rename", `{"name":"renamed"}`)},
		{"DeleteSubnet", remove(kinds.Subnet, sub)},
		{"DeleteVPC", remove(kinds.VPC, empty)},
		{"AttachVolume", act(kinds.Disk, disk, "attach", ref)},
		{"DetachVolume", act(kinds.Disk, disk, "detach", `{}`)},
		{"DeleteVolume", remove(kinds.Disk, disk)},
		{"BindEip", act(kinds.EIP, address, "bind", ref)},
		{"UnBindEip", act(kinds.EIP, address, "unbind", `{}`)},
		{"ResizeEip", act(kinds.EIP, address, "resize", `{"bandwidth_mbps":3}`)},
		{"StopInstance", act(kinds.Instance, server, "stop", `{}`)},
		{"ChangeInstancePass", act(kinds.Instance, server, "reset_password", `{"password":"Correct-8!"}`)},
		{"ModifyInstanceAttribute", act(kinds.Instance, server, "rename", `{"name":"renamed"}`)},
		{"ResizeInstanceBySpec", act(kinds.Instance, server, "resize", `{"cpu":4,"memory_mb":16384}`)},
		{"StartInstance", act(kinds.Instance, server, "start", `{}`)},
		{"RebootInstance", act(kinds.Instance, server, "reboot", `{}`)},
		{"RefundEip", remove(kinds.EIP, address)},
		{"DeleteEip", remove(kinds.EIP, cheap)},
		{"BatchRefundResource", remove(kinds.Instance, server)},
		{"DeleteInstanceWithRelateResource", remove(kinds.Instance, byHour)},
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
	for _, kind := range []string{kinds.Instance, kinds.EIP, kinds.Disk, kinds.VPC, kinds.Subnet, kinds.SecurityGroup} {
		if f := w.find(t, kind, provider.ChangeCreate, "lost-"+kind, "", w.clock.Now()); len(f.Resources) != 1 {
			t.Errorf("%s: one token made %d", kind, len(f.Resources))
		}
	}
	bought := w.sim.Report(100).Bought
	for _, what := range []string{"instance.tag", "eip.tag", "volume.tag"} {
		for value, n := range bought[what] {
			if n.Orders != 1 {
				t.Errorf("%s %s was bought %d times", what, value, n.Orders)
			}
		}
	}
}

// inVPC puts the first server into a second group of its network, or takes it out.
func (w *world) inVPC(t *testing.T, call provider.Call, action string) error {
	t.Helper()
	server := w.list(t, kinds.Instance)[0].ID
	var group string
	for _, g := range w.list(t, kinds.SecurityGroup) {
		if g.Token == "lost-"+kinds.SecurityGroup {
			group = g.ID
		}
	}
	_, err := w.Act(t.Context(), provider.ActionRequest{
		Call: call, Token: "act-" + action, Kind: kinds.SecurityGroup, ID: group, Action: action, Input: json.RawMessage(`{"instance_id":"` + server + `"}`),
	})
	return err
}

// TestNothingIsSentTwice: after each failure of a change that may have
// happened, it was sent once.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	for reason, f := range map[string]sim.Fault{
		"a failure":           {Kind: sim.KindRetCode},
		"a gateway":           {Kind: sim.KindHTTP},
		"a broken connection": {Kind: sim.KindDrop, After: true},
		"too often":           {Kind: sim.KindThrottle},
	} {
		w := newWorld(t)
		f.Actions = []string{"CreateInstanceBySpec"}
		w.faults(t, f)
		if _, err := w.Create(t.Context(), w.order("tok-1")); err == nil {
			t.Errorf("%s: no error", reason)
		}
		if n := w.calls("CreateInstanceBySpec"); n != 1 {
			t.Errorf("%s: sent %d times", reason, n)
		}
	}
}
