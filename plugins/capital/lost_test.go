package main

import (
	"fmt"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// lose loses the next answer of a vendor's action, after its change.
func (w *world) lose(t *testing.T, action string) {
	t.Helper()
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{action}, Count: 1})
}

// TestEveryCreateWhoseAnswerIsLostIsFound: the token finds the one thing, and a
// repeat buys no second one.
func TestEveryCreateWhoseAnswerIsLostIsFound(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kind, action string
		spec         func(w *world, t *testing.T) string
		term         provider.Term
	}{
		"Server": {kinds.Instance, creates, func(w *world, t *testing.T) string {
			return string(spec(t, map[string]any{"subnet_id": w.subnet(t)}))
		}, month(1)},
		"Disk": {kinds.Disk, "CreateDisk", fixed(`{"size_gb":24}`), hourly()},
		"Image": {kinds.Image, "CreateImage", func(w *world, t *testing.T) string {
			return fmt.Sprintf(`{"instance_id":%q}`, w.server(t, "tok-s", map[string]any{"subnet_id": w.subnet(t)}).ID)
		}, forOnce()},
		"Network": {kinds.VPC, "CreateVPC", fixed(`{"cidr":"10.0.0.0/16"}`), forOnce()},
		"Subnet": {kinds.Subnet, "CreateSubnet", func(w *world, t *testing.T) string {
			vpc, _ := w.net(t)
			return fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.1.0/24"}`, vpc.ID)
		}, forOnce()},
		"Gateway": {kinds.Gateway, "CreateVirtualGateWay", func(w *world, t *testing.T) string {
			vpc, _ := w.net(t)
			return fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.1.0/24"}`, vpc.ID)
		}, forOnce()},
		"Address": {kinds.EIP, "CreateEIP", fixed(`{"bandwidth_mbps":1}`), hourly()},
		"Bandwidth": {kinds.Bandwidth, "CreateBandwidth", func(w *world, t *testing.T) string {
			vpc, _ := w.net(t)
			return fmt.Sprintf(`{"bandwidth_mbps":1,"gateway_id":%q}`, w.made(t, kinds.Gateway, "tok-g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.1.0/24"}`, vpc.ID), forOnce()).ID)
		}, month(1)},
		"Group": {kinds.SecurityGroup, "CreateSecurityGroup", fixed(`{}`), forOnce()},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).onEdge()
			req := provider.CreateRequest{Call: w.call(), Token: "tok-1", Kind: tc.kind, Name: "n", Spec: []byte(tc.spec(w, t)), Term: tc.term}
			before := w.sim.Counts()[tc.action].OK
			w.lose(t, tc.action)
			_, err := w.Create(t.Context(), req)
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			f := w.find(t, tc.kind, provider.ChangeCreate, "tok-1", "", w.clock.Now())
			if len(f.Resources) != 1 {
				t.Fatalf("found %+v", f)
			}
			if again := w.create(t, req); again.ID != f.Resources[0].ID || again.Token != f.Resources[0].Token || again.Name != "n" {
				t.Errorf("again %+v, found %+v", again, f.Resources[0])
			}
			if n := w.sim.Counts()[tc.action]; n.OK+n.Spoiled-before != 1 {
				t.Errorf("the cloud did it %+v times", n)
			}
			if f := w.find(t, tc.kind, provider.ChangeCreate, "tok-2", "", w.clock.Now()); len(f.Resources) != 0 || f.Settled {
				t.Errorf("another token finds %+v", f)
			}
			if f := w.find(t, tc.kind, provider.ChangeCreate, "tok-2", "", w.clock.Now().Add(-3*time.Minute)); !f.Settled || f.Done {
				t.Errorf("in the end another token finds %+v", f)
			}
			w.lose(t, deleteOf(tc.kind))
			_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: tc.kind, ID: f.Resources[0].ID})
			want(t, "the answer of the delete is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			w.drop(t, tc.kind, f.Resources[0].ID)
			if f := w.find(t, tc.kind, provider.ChangeRelease, "d", f.Resources[0].ID, w.clock.Now()); !f.Done {
				t.Errorf("it is not released: %+v", f)
			}
		})
	}
}

func fixed(spec string) func(*world, *testing.T) string {
	return func(*world, *testing.T) string { return spec }
}

// deleteOf is the vendor's first action in deleting things of a kind.
func deleteOf(kind string) string {
	return map[string]string{
		kinds.Instance: "DeleteInstance", kinds.Disk: "DeleteDisk", kinds.Image: "DeleteImage", kinds.VPC: "DeleteSubnet", kinds.Subnet: "DeleteSubnet",
		kinds.Gateway: "DeleteVirtualGateWay", kinds.EIP: "DeleteEIP", kinds.Bandwidth: "DeleteBandwidth", kinds.SecurityGroup: "DeleteSecurityGroup",
	}[kind]
}

// stage is a world with one thing of each kind.
type stage struct {
	*world
	vpc, subnet, gateway, server, idle, eip, bound, disk, attached, group, member, image, band, shared string
}

func newStage(t *testing.T) stage {
	t.Helper()
	w := newWorld(t).onEdge().rich()
	vpc, net := w.net(t)
	s := stage{world: w, vpc: vpc.ID, subnet: net.ID}
	s.gateway = w.made(t, kinds.Gateway, "g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.9.0/24"}`, vpc.ID), forOnce()).ID
	s.server = w.server(t, "i", map[string]any{"subnet_id": net.ID, "gateway_id": s.gateway}).ID
	s.idle = w.server(t, "j", map[string]any{"subnet_id": net.ID, "gateway_id": s.gateway}).ID
	w.acts(t, kinds.Instance, s.idle, kinds.ActionStop, `{}`)
	s.eip = w.made(t, kinds.EIP, "e1", `{"bandwidth_mbps":1}`, hourly()).ID
	s.bound = w.made(t, kinds.EIP, "e2", `{"bandwidth_mbps":1}`, hourly()).ID
	w.acts(t, kinds.EIP, s.bound, kinds.ActionBind, fmt.Sprintf(`{"instance_id":%q}`, s.idle))
	s.disk = w.made(t, kinds.Disk, "d1", `{"size_gb":24}`, hourly()).ID
	s.attached = w.made(t, kinds.Disk, "d2", `{"size_gb":24}`, hourly()).ID
	w.acts(t, kinds.Disk, s.attached, kinds.ActionAttach, fmt.Sprintf(`{"instance_id":%q}`, s.idle))
	s.group = w.made(t, kinds.SecurityGroup, "sg1", `{"rules":[`+sshRule+`]}`, forOnce()).ID
	s.member = w.made(t, kinds.SecurityGroup, "sg2", `{}`, forOnce()).ID
	for _, id := range []string{s.member, w.made(t, kinds.SecurityGroup, "sg3", `{}`, forOnce()).ID} {
		w.acts(t, kinds.SecurityGroup, id, kinds.ActionBind, fmt.Sprintf(`{"instance_id":%q}`, s.idle))
	}
	s.image = w.made(t, kinds.Image, "im", fmt.Sprintf(`{"instance_id":%q}`, s.idle), forOnce()).ID
	s.band = w.made(t, kinds.Bandwidth, "b", fmt.Sprintf(`{"bandwidth_mbps":5,"gateway_id":%q}`, s.gateway), hourly()).ID
	s.shared = w.made(t, kinds.EIP, "e3", `{"bandwidth_mbps":1}`, hourly()).ID
	w.acts(t, kinds.Bandwidth, s.band, kinds.ActionAddEIP, fmt.Sprintf(`{"eip_id":%q}`, s.shared))
	return s
}

// TestEveryActionWhoseAnswerIsLostCanBeRepeated: the loss is in doubt, and a
// repeat when the change is over is a success. Where twice is another thing
// than once, the cloud is not asked twice.
func TestEveryActionWhoseAnswerIsLostCanBeRepeated(t *testing.T) {
	t.Parallel()
	ref := func(id string) string { return fmt.Sprintf(`{"instance_id":%q}`, id) }
	cases := map[string]struct {
		vendor string
		twice  bool // the cloud may be asked again: the second time changes nothing more
		action func(s stage, t *testing.T) (kind, id, action, input string)
	}{
		"Start": {"OperateInstance", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.idle, kinds.ActionStart, `{}`
		}},
		"Stop": {"OperateInstance", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, kinds.ActionStop, `{}`
		}},
		"SwitchOff": {"OperateInstance", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, kinds.ActionStop, `{"force":true}`
		}},
		"Reboot": {"OperateInstance", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, kinds.ActionReboot, `{}`
		}},
		"Password": {"ModifyInstancePassword", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, kinds.ActionResetPassword, `{"password":"Marker-pass-4411"}`
		}},
		"RenameServer": {"ModifyInstanceName", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, kinds.ActionRename, `{"name":"new"}`
		}},
		"ResizeServer": {"ChangeInstanceConfigure", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.idle, kinds.ActionResize, `{"cpu":4,"memory_mb":8192}`
		}},
		"SetGroups": {"ModifySecurityGroupsPriority", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Instance, s.server, "set_security_groups", fmt.Sprintf(`{"security_group_ids":[%q]}`, s.group)
		}},
		"Attach": {"AttachDisk", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Disk, s.disk, kinds.ActionAttach, ref(s.server)
		}},
		"Detach": {"DetachDisk", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Disk, s.attached, kinds.ActionDetach, `{}`
		}},
		"Extend": {"ExtendDisk", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Disk, s.disk, kinds.ActionResize, `{"size_gb":48}`
		}},
		"Copy": {"SyncImage", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Image, s.image, "copy", `{"zones":["CN_Suqian_A"]}`
		}},
		"Bind": {"BindEIP", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.EIP, s.eip, kinds.ActionBind, ref(s.server)
		}},
		"Unbind": {"UnbindEIP", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.EIP, s.bound, kinds.ActionUnbind, `{}`
		}},
		"ResizeAddress": {"UpdateEIP", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.EIP, s.eip, kinds.ActionResize, `{"bandwidth_mbps":7}`
		}},
		"RenameAddress": {"UpdateEIP", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.EIP, s.eip, kinds.ActionRename, `{"name":"new"}`
		}},
		"BindPairs": {"ReserveIPAndBindEIP", false, func(s stage, t *testing.T) (string, string, string, string) {
			ip := state[EIPState](t, s.get(t, kinds.EIP, s.eip)).IP
			return kinds.Gateway, s.gateway, "bind_eips", fmt.Sprintf(`{"private_ips":["10.0.9.99"],"eips":[%q]}`, ip)
		}},
		"Line": {"UpdateVPCBandwidthType", true, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.VPC, s.vpc, "set_line", `{"line":"Bandwidth_CMCC"}`
		}},
		"AddEIP": {"BandwidthAddEIP", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Bandwidth, s.band, kinds.ActionAddEIP, fmt.Sprintf(`{"eip_id":%q}`, s.eip)
		}},
		"RemoveEIP": {"BandwidthRemoveEIP", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Bandwidth, s.band, kinds.ActionRemoveEIP, fmt.Sprintf(`{"eip_id":%q}`, s.shared)
		}},
		"ResizeBandwidth": {"UpdateBandwidth", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.Bandwidth, s.band, kinds.ActionResize, `{"bandwidth_mbps":9}`
		}},
		"AddRule": {"CreateSecurityGroupPolicies", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.SecurityGroup, s.group, kinds.ActionAddRule, `{"protocol":"udp","cidr":"0.0.0.0/0"}`
		}},
		"RemoveRule": {"DeleteSecurityGroupPolicies", false, func(s stage, t *testing.T) (string, string, string, string) {
			rule := state[GroupState](t, s.get(t, kinds.SecurityGroup, s.group)).Rules[0].ID
			return kinds.SecurityGroup, s.group, kinds.ActionRemoveRule, fmt.Sprintf(`{"rule_id":%q}`, rule)
		}},
		"RenameGroup": {"ModifySecurityGroupAttribute", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.SecurityGroup, s.group, kinds.ActionRename, `{"name":"new"}`
		}},
		"BindGroup": {"AssociateSecurityGroups", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.SecurityGroup, s.group, kinds.ActionBind, ref(s.server)
		}},
		"UnbindGroup": {"DisassociateSecurityGroups", false, func(s stage, _ *testing.T) (string, string, string, string) {
			return kinds.SecurityGroup, s.member, kinds.ActionUnbind, ref(s.idle)
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			kind, id, action, input := tc.action(s, t)
			before := s.sim.Counts()[tc.vendor]
			s.lose(t, tc.vendor)
			_, err := s.act(t, kind, id, action, input)
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			s.clock.Advance(transition)
			if _, err := s.act(t, kind, id, action, input); err != nil {
				t.Errorf("the repeat: %v", err)
			}
			after := s.sim.Counts()[tc.vendor]
			if n := after.Calls - before.Calls; !tc.twice && n != 1 {
				t.Errorf("the cloud was asked %d times", n)
			}
		})
	}
}

// TestTheLastStepOfARemovalIsLost: the network goes after its subnet, when the
// removal is polled. A removal in doubt can be asked for again.
func TestTheLastStepOfARemovalIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc, _ := w.net(t)
	remove := func() (provider.Change, error) {
		return w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.VPC, ID: vpc.ID})
	}
	w.lose(t, "DeleteVPC")
	change, err := remove()
	for n := 0; err == nil && n < 20; n++ {
		w.clock.Advance(transition)
		_, err = w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation})
	}
	if !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("the lost answer is told as %v", err)
	}
	if n := w.sim.Counts()["DeleteVPC"]; n.Spoiled != 1 {
		t.Errorf("the cloud was asked %+v", n)
	}
	w.drop(t, kinds.VPC, vpc.ID)
	if f := w.find(t, kinds.VPC, provider.ChangeRelease, "d", vpc.ID, w.clock.Now()); !f.Done || !f.Settled {
		t.Errorf("found %+v", f)
	}
}

// TestARuleUpdateWhoseAnswerIsLost can be repeated as it is.
func TestARuleUpdateWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kinds.SecurityGroup, "tok-1", `{}`, forOnce()).ID
	req := provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: id, Spec: []byte(`{"rules":[` + twoRule + `]}`)}
	w.lose(t, "ModifySecurityGroupPolicies")
	_, err := w.Update(t.Context(), req)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if _, err := w.Update(t.Context(), req); err != nil {
		t.Errorf("the repeat: %v", err)
	}
	if s := state[GroupState](t, w.get(t, kinds.SecurityGroup, id)); len(s.Rules) != 2 {
		t.Errorf("rules %+v", s.Rules)
	}
}

// TestNoRulesAreNeverDeletedByAnEmptyList: the cloud deletes all rules when it is
// told to delete none.
func TestNoRulesAreNeverDeletedByAnEmptyList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kinds.SecurityGroup, "tok-1", `{"rules":[`+sshRule+`]}`, forOnce()).ID
	w.acts(t, kinds.SecurityGroup, id, kinds.ActionRemoveRule, `{"rule_id":"sp-none"}`)
	c, err := w.plugin.openIn(w.call())
	if err != nil {
		t.Fatal(err)
	}
	for _, rules := range [][]string{nil, {}, {""}} {
		if err := c.deleteRules(t.Context(), id, rules); err != nil {
			t.Error(err)
		}
	}
	if n := w.sim.Counts()["DeleteSecurityGroupPolicies"].Calls; n != 0 {
		t.Errorf("the cloud was asked %d times", n)
	}
}
