package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

const (
	sshRule = `{"protocol":"tcp","from_port":22,"cidr":"0.0.0.0/0","description":"ssh"}`
	twoRule = sshRule + `,{"direction":"out","protocol":"icmp","cidr":"10.0.0.0/8","action":"deny","priority":7}`
)

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	made := w.made(t, kinds.SecurityGroup, "tok-1", `{"description":"office","interconnected":true,"rules":[`+twoRule+`,`+sshRule+`]}`, forOnce())
	s := state[GroupState](t, made)
	wantRules := []kinds.KeptRule{
		{Rule: kinds.Rule{Direction: "in", Protocol: "tcp", FromPort: 22, ToPort: 22, CIDR: "0.0.0.0/0", Action: "allow", Priority: 50, Description: "ssh"}},
		{Rule: kinds.Rule{Direction: "out", Protocol: "icmp", CIDR: "10.0.0.0/8", Action: "deny", Priority: 7}},
	}
	if d := cmp.Diff(wantRules, s.Rules, cmpopts.IgnoreFields(kinds.KeptRule{}, "ID")); d != "" || made.Name != "thing" || s.Description != "office" || !s.Interconnected {
		t.Errorf("made %+v, %+v: %s", made, s, d)
	}
	for range 2 {
		w.acts(t, kinds.SecurityGroup, made.ID, kinds.ActionAddRule, `{"protocol":"udp","cidr":"0.0.0.0/0"}`)
	}
	s = state[GroupState](t, w.get(t, kinds.SecurityGroup, made.ID))
	if len(s.Rules) != 3 || s.Rules[1].Protocol != "udp" || s.Rules[1].FromPort != 0 {
		t.Fatalf("with a rule more: %+v", s.Rules)
	}
	for range 2 {
		w.acts(t, kinds.SecurityGroup, made.ID, kinds.ActionRemoveRule, fmt.Sprintf(`{"rule_id":%q}`, s.Rules[1].ID))
	}
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	ref := fmt.Sprintf(`{"instance_id":%q}`, server.ID)
	other := w.made(t, kinds.SecurityGroup, "tok-2", `{}`, forOnce())
	for _, id := range []string{made.ID, other.ID, other.ID} {
		w.acts(t, kinds.SecurityGroup, id, kinds.ActionBind, ref)
	}
	bound := state[kinds.Bindings](t, provider.Resource{State: w.acts(t, kinds.SecurityGroup, made.ID, kinds.ActionBindings, `{}`).Output})
	if len(bound.Bindings) != 1 || bound.Bindings[0].ResourceID != server.ID || bound.Bindings[0].Name != "web" {
		t.Errorf("bound to %+v", bound)
	}
	w.acts(t, kinds.Instance, server.ID, "set_security_groups", fmt.Sprintf(`{"security_group_ids":[%q,%q]}`, other.ID, made.ID))
	if s := state[InstanceState](t, w.get(t, kinds.Instance, server.ID)); !slices.Equal(s.SecurityGroupIDs, []string{other.ID, made.ID}) {
		t.Errorf("the server has %v", s.SecurityGroupIDs)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.SecurityGroup, ID: made.ID})
	want(t, "it is bound", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		w.acts(t, kinds.SecurityGroup, made.ID, kinds.ActionUnbind, ref)
	}
	for range 2 {
		w.acts(t, kinds.SecurityGroup, made.ID, kinds.ActionRename, `{"name":"front"}`)
	}
	if r := w.get(t, kinds.SecurityGroup, made.ID); r.Name != "front" || r.Token != made.Token {
		t.Errorf("renamed %+v", r)
	}
	for _, spec := range []string{`{"rules":[` + sshRule + `],"description":"new","interconnected":true}`, `{"rules":[]}`, `{"rules":[]}`} {
		if _, err := w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: made.ID, Spec: []byte(spec)}); err != nil {
			t.Errorf("updating to %s: %v", spec, err)
		}
	}
	if s := state[GroupState](t, w.get(t, kinds.SecurityGroup, made.ID)); len(s.Rules) != 0 || s.Description != "new" || s.Interconnected {
		t.Errorf("updated %+v", s)
	}
	w.drop(t, kinds.SecurityGroup, made.ID)
	w.drop(t, kinds.SecurityGroup, made.ID)
}

// TestAGroupIsMadeWholeOrNotAtAll loses or refuses each of the three calls
// that a group with rules takes.
func TestAGroupIsMadeWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	steps := []string{"CreateSecurityGroup", "CreateSecurityGroupPolicies", "ModifySecurityGroupAttribute"}
	for _, action := range steps {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(action, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.faults(t, sim.Fault{Kind: sim.KindDrop, After: after, Actions: []string{action}, Count: 1})
				req := provider.CreateRequest{
					Call: w.call("settle_seconds", "0"), Token: "tok-1", Kind: kinds.SecurityGroup, Name: "g", Spec: []byte(`{"rules":[` + twoRule + `]}`), Term: forOnce(),
				}
				_, err := w.Create(t.Context(), req)
				if !after || action == steps[2] {
					want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				} else if err != nil {
					t.Errorf("what was made is found: %v", err)
				}
				f := w.find(t, kinds.SecurityGroup, provider.ChangeCreate, "tok-1", "", w.clock.Now())
				if f.Done != after || (len(f.Resources) == 1) != after {
					t.Errorf("found %+v", f)
				}
				change, err := w.Create(t.Context(), req)
				if err != nil || len(state[GroupState](t, w.get(t, kinds.SecurityGroup, change.Resource.ID)).Rules) != 2 {
					t.Errorf("again: %+v, %v", change, err)
				}
				if all := w.list(t, kinds.SecurityGroup); len(all) != 1 || all[0].Name != "g" {
					t.Errorf("there are %+v", all)
				}
			})
		}
	}
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Status: 400, RetCode: "InvalidParameter", Actions: steps[1:2]})
	_, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: "tok-1", Kind: kinds.SecurityGroup, Name: "g", Spec: []byte(`{"rules":[` + twoRule + `]}`), Term: forOnce(),
	})
	want(t, "the rules are refused", err, fault.ClassInvalid, fault.OutcomeNotDone)
	if all := w.list(t, kinds.SecurityGroup); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	made := w.made(t, kinds.Image, "tok-1", fmt.Sprintf(`{"instance_id":%q}`, server.ID), forOnce())
	if s := state[ImageState](t, made); made.Status != provider.StatusFree || s.OSType != "Linux" || s.Source != "private" || s.SizeGB != 40 || !slices.Equal(s.Zones, []string{homeZone}) {
		t.Errorf("made %+v, %+v", made, s)
	}
	for range 2 {
		w.acts(t, kinds.Image, made.ID, "copy", `{"zones":["CN_Hongkong_A","CN_Hongkong_B"]}`)
	}
	if s := state[ImageState](t, w.get(t, kinds.Image, made.ID)); len(s.Zones) != 2 {
		t.Errorf("copied %+v", s)
	}
	w.server(t, "tok-j", map[string]any{"subnet_id": net.ID, "image_id": made.ID})
	w.drop(t, kinds.Image, made.ID)
	w.drop(t, kinds.Image, made.ID)
	if all := w.list(t, kinds.Image); len(all) != 0 {
		t.Errorf("left: %v", ids(all))
	}
}

func TestDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID, "data_disks": []any{map[string]any{"size_gb": 48}}})
	if s := state[InstanceState](t, server); len(s.Disks) != 2 || s.Disks[1].SizeGB != 48 {
		t.Errorf("the server has %+v", s.Disks)
	}
	made := w.made(t, kinds.Disk, "tok-1", `{"size_gb":24}`, hourly())
	if s := state[kinds.DiskState](t, made); s.SizeGB != 24 || s.Type != diskType || made.Status != provider.StatusFree || made.Billing != provider.BillingPostpay || made.Zone != homeZone {
		t.Errorf("made %+v, %+v", made, s)
	}
	ref := fmt.Sprintf(`{"instance_id":%q}`, server.ID)
	for range 2 {
		w.acts(t, kinds.Disk, made.ID, kinds.ActionAttach, ref)
	}
	if s := state[kinds.DiskState](t, w.get(t, kinds.Disk, made.ID)); s.InstanceID != server.ID {
		t.Errorf("attached %+v", s)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Disk, ID: made.ID})
	want(t, "it is attached", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Disk, made.ID, kinds.ActionResize, `{"size_gb":48}`)
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	rich := w.rich()
	for range 2 {
		rich.acts(t, kinds.Disk, made.ID, kinds.ActionResize, `{"size_gb":48}`)
	}
	_, err = rich.act(t, kinds.Disk, made.ID, kinds.ActionResize, `{"size_gb":24}`)
	want(t, "disks only grow", err, fault.ClassInvalid, fault.OutcomeNotDone)
	for range 2 {
		w.acts(t, kinds.Disk, made.ID, kinds.ActionDetach, `{}`)
	}
	w.drop(t, kinds.Disk, made.ID)
	w.drop(t, kinds.Disk, made.ID)
	if all := w.list(t, kinds.Disk); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
	_, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "t", Kind: kinds.Disk, Name: "d", Spec: []byte(`{"size_gb":24}`), Term: month(1)})
	want(t, "disks are paid by use", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestPowerOfAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	at := func(reason string, status provider.Status) {
		t.Helper()
		if r := w.get(t, kinds.Instance, server.ID); r.Status != status {
			t.Errorf("%s: it is %s, %s", reason, r.Status, r.RawStatus)
		}
	}
	w.acts(t, kinds.Instance, server.ID, kinds.ActionReboot, `{}`)
	at("rebooted", provider.StatusRunning)
	console := state[kinds.Console](t, provider.Resource{State: w.acts(t, kinds.Instance, server.ID, kinds.ActionConsole, `{}`).Output})
	if console.Protocol != "url" || !strings.HasPrefix(console.URL, "https://") {
		t.Errorf("console %+v", console)
	}
	for range 2 {
		w.acts(t, kinds.Instance, server.ID, kinds.ActionStop, `{}`)
		at("stopped", provider.StatusStopped)
	}
	rich := w.rich()
	for range 2 {
		rich.acts(t, kinds.Instance, server.ID, kinds.ActionResize, `{"cpu":4,"memory_mb":8192}`)
	}
	for range 2 {
		w.acts(t, kinds.Instance, server.ID, kinds.ActionStart, `{}`)
		at("started", provider.StatusRunning)
	}
	if s := state[InstanceState](t, w.get(t, kinds.Instance, server.ID)); s.CPU != 4 || s.MemoryMB != 8192 {
		t.Errorf("resized %+v", s)
	}
	_, err := rich.act(t, kinds.Instance, server.ID, kinds.ActionResize, `{"cpu":2,"memory_mb":4096}`)
	want(t, "it runs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Instance, server.ID, kinds.ActionResize, `{"cpu":2,"memory_mb":4096}`)
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.acts(t, kinds.Instance, server.ID, kinds.ActionResetPassword, `{"password":"Marker-pass-4411"}`)
	if !w.sim.PasswordIs(server.ID, "Marker-pass-4411") {
		t.Error("the password is another one")
	}
	if strings.Contains(w.logs.String(), "Marker-pass-4411") {
		t.Error("the password is in the log")
	}
	w.acts(t, kinds.Instance, server.ID, kinds.ActionRename, `{"name":"front"}`)
	if r := w.get(t, kinds.Instance, server.ID); r.Name != "front" || r.Token != server.Token {
		t.Errorf("renamed %+v", r)
	}
	_, err = w.act(t, kinds.Instance, server.ID, kinds.ActionRename, `{"name":"front door"}`)
	want(t, "the cloud knows no spaces", err, fault.ClassInvalid, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindStopHang})
	change, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: "a", Kind: kinds.Instance, ID: server.ID, Action: kinds.ActionStop, Input: []byte(`{}`)})
	if err != nil || change.Operation == "" {
		t.Fatalf("a stop that hangs: %+v, %v", change, err)
	}
	w.acts(t, kinds.Instance, server.ID, kinds.ActionStop, `{"force":true}`)
	at("switched off", provider.StatusStopped)
	w.faults(t, sim.Fault{Kind: sim.KindTaskFail})
	_, err = w.act(t, kinds.Instance, server.ID, kinds.ActionStart, `{}`)
	want(t, "the cloud did not manage", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	w.faults(t)
	w.settings = []string{"free_stop", "true"}
	w.acts(t, kinds.Instance, server.ID, kinds.ActionStart, `{}`)
	w.acts(t, kinds.Instance, server.ID, kinds.ActionStop, `{}`)
	if s := state[InstanceState](t, w.get(t, kinds.Instance, server.ID)); !s.FreeStop {
		t.Error("it is charged while it is stopped")
	}
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	w.clock.Advance(placesLife * 20)
	out := state[Metrics](t, provider.Resource{State: w.acts(t, kinds.Instance, server.ID, "metrics", `{"metrics":["CpuUsage","Load"]}`).Output})
	if len(out.Series) != 4 || len(out.Series[0].Points) != 12 || out.Series[0].Unit != "%" || out.Series[0].Points[0].Value == "" {
		t.Errorf("measured %+v", out)
	}
	for name, input := range map[string]string{
		"From": `{"from":"yesterday"}`, "To": `{"to":"now"}`, "Order": `{"from":"2026-06-10T05:00:00Z","to":"2026-06-10T04:00:00Z"}`, "Metric": `{"metrics":["Mood"]}`,
	} {
		_, err := w.act(t, kinds.Instance, server.ID, "metrics", input)
		want(t, name, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
}

// offered gathers offerings.
func (w *world) offered(t *testing.T, call provider.Call, kinds, types []string) []provider.Offering {
	t.Helper()
	out := []provider.Offering{}
	err := w.Offerings(t.Context(), provider.OfferingsRequest{Call: call, Kinds: kinds, Types: types}, func(o provider.Offering) error {
		out = append(out, o)
		return nil
	})
	if err != nil {
		t.Fatalf("offerings: %v", err)
	}
	return out
}

func TestOfferings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: homeZone, MachineType: family1, Count: 0}, {Zone: homeZone, MachineType: "优化型M2", Count: 1}}
	})
	all := w.offered(t, w.call(), nil, nil)
	count, seen := map[string]int{}, map[string]bool{}
	for _, o := range all {
		count[o.Kind+" "+o.Type]++
		if seen[o.ID] {
			t.Errorf("%q is offered twice", o.ID)
		}
		seen[o.ID] = true
		if o.Type == kinds.TypeFlavour && o.Class == family1 && o.Sellable {
			t.Errorf("%q is sold out", o.ID)
		}
	}
	if d := cmp.Diff(map[string]int{
		"instance flavour": 28, "instance image": 5, "instance test_account": 1, "disk flavour": 1, "eip line": 2, "bandwidth line": 2,
		"vpc vpc": 1, "subnet subnet": 1, "security_group security_group": 1, "image image": 1, "security_group protocol": len(protocols()),
	}, count); d != "" {
		t.Error(d)
	}
	everywhere := w.call()
	everywhere.Region, everywhere.Zone = "", ""
	if n := len(w.offered(t, everywhere, []string{kinds.Gateway, kinds.Disk}, nil)); n != 4+8 {
		t.Errorf("%d gateways and disks everywhere", n)
	}
	w.settings = []string{"shared_subnets", w.subnet(t)}
	for _, o := range w.offered(t, w.call(), []string{kinds.Instance}, []string{kinds.TypeFlavour}) {
		if !o.Sellable || !strings.HasPrefix(o.Name, "优化型M2 2 cores 4") {
			continue
		}
		r := w.create(t, provider.CreateRequest{Call: w.call(), Token: "tok-f", Kind: kinds.Instance, Name: "web", Spec: o.Spec, Term: month(1)})
		if s := state[InstanceState](t, r); s.CPU != 2 || s.MachineType != "优化型M2" {
			t.Errorf("ordered %q and got %+v", o.ID, s)
		}
		return
	}
	t.Error("nothing can be ordered as it is offered")
}

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t).onEdge()
	cases := map[string]struct {
		kind, spec string
		term       provider.Term
		list, net  provider.Decimal
	}{
		// 24 GB are 14.40 a month, 0.72 a day, of which the account pays 80 %.
		"Disk":         {kinds.Disk, `{"size_gb":24}`, hourly(), "0.03", "0.03"},
		"EIPHour":      {kinds.EIP, `{"bandwidth_mbps":10}`, hourly(), "2.19", "2.19"},
		"EIPMonth":     {kinds.EIP, `{"bandwidth_mbps":10}`, month(1), "1045.20", "1045.20"},
		"EIPTwoMonths": {kinds.EIP, `{"bandwidth_mbps":10}`, month(2), "2090.40", "2090.40"},
		"EIPTraffic":   {kinds.EIP, `{"bandwidth_mbps":10,"pay_mode":"Traffic"}`, hourly(), "0.02", "0.02"},
		"Shared":       {kinds.Bandwidth, `{"bandwidth_mbps":10}`, month(2), "2600.00", "2080.00"},
		"SharedHour":   {kinds.Bandwidth, `{"bandwidth_mbps":10}`, hourly(), "2.71", "2.17"},
		"SharedByUse":  {kinds.Bandwidth, `{"bandwidth_mbps":10,"pay_mode":"Traffic"}`, hourly(), "0.00", "0.00"},
		"Network":      {kinds.VPC, `{"cidr":"10.0.0.0/16"}`, forOnce(), "0.00", "0.00"},
	}
	for name, tc := range cases {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: tc.kind, Spec: []byte(tc.spec), Term: tc.term})
		if err != nil || q.List != tc.list || q.Net != tc.net {
			t.Errorf("%s: %+v, %v; want %s, %s", name, q, err, tc.list, tc.net)
		}
	}
	for name, spec := range map[string]string{"Line": `{"bandwidth_mbps":1,"line":"none"}`, "Traffic": `{"bandwidth_mbps":1,"pay_mode":"Traffic"}`} {
		_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: kinds.EIP, Spec: []byte(spec), Term: month(1)})
		want(t, name, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
}

func TestPlacesAndImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock, c.Limits.DiskGB = []sim.Stock{{Zone: "CN_Hongkong_B", MachineType: family1, Count: 0}}, 100
	})
	w.zone = ""
	place := func(kind string, spec json.RawMessage) provider.Placement {
		p, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: kind, Spec: spec, Term: hourly()})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := place(kinds.Instance, spec(t, nil)); !p.OK || !slices.Equal(p.Zones, []string{homeZone}) {
		t.Errorf("a server: %+v", p)
	}
	if p := place(kinds.Disk, []byte(`{"size_gb":104}`)); p.OK || !strings.Contains(p.Reason, "100 GB") {
		t.Errorf("a large disk: %+v", p)
	}
	if p := place(kinds.Disk, []byte(`{"size_gb":96}`)); !p.OK || len(p.Zones) != 2 {
		t.Errorf("a disk: %+v", p)
	}
	if p := place(kinds.VPC, []byte(`{"cidr":"10.0.0.0/16"}`)); !p.OK || len(p.Zones) != 2 {
		t.Errorf("a network: %+v", p)
	}
	_, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: "toy", Spec: []byte(`{}`)})
	want(t, "there are no toys", err, fault.ClassUnsupported, fault.OutcomeNotDone)

	w.zone = homeZone
	_, net := w.net(t)
	w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":1}`, hourly())
	w.onEdge().made(t, kinds.SecurityGroup, "tok-g", `{}`, forOnce())
	call := w.call()
	call.Region, call.Zone = "", ""
	got := map[string]int{}
	err = w.Import(t.Context(), provider.ImportRequest{Call: call}, func(r provider.Resource) error {
		got[r.Region+" "+r.Kind]++
		return nil
	})
	if d := cmp.Diff(map[string]int{
		home + " instance": 1, home + " vpc": 1, home + " subnet": 1, home + " eip": 1, edge + " security_group": 1,
	}, got); err != nil || d != "" {
		t.Errorf("%v: %s", err, d)
	}
}
