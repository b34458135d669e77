package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func forOnce() provider.Term { return provider.Term{Billing: provider.BillingOnce, Quantity: 1} }

// made makes a thing that costs nothing and returns it.
func (w *world) made(t *testing.T, kind, token, name, spec string) provider.Resource {
	t.Helper()
	change, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: token, Kind: kind, Name: name, Spec: json.RawMessage(spec), Term: forOnce(),
	})
	if err != nil || change.Resource == nil {
		t.Fatalf("making %s %q: %+v, %v", kind, token, change, err)
	}
	return *change.Resource
}

func groupState(t *testing.T, r provider.Resource) GroupState {
	t.Helper()
	var s GroupState
	if err := json.Unmarshal(r.State, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

const sshRule = `{"protocol":"tcp","from_port":22,"cidr":"0.0.0.0/0","priority":10,"description":"ssh"}`

func TestGroupLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made(t, kinds.SecurityGroup, "tok-g", "office", `{"description":"for the office","rules":[`+sshRule+`,`+sshRule+`,{"protocol":"icmp","cidr":"10.0.0.0/8","action":"deny"}]}`)
	got := groupState(t, w.get(t, kinds.SecurityGroup, made.ID))
	want := kinds.SecurityGroupState{Description: "for the office", Rules: []kinds.KeptRule{
		{Rule: kinds.Rule{Direction: "in", Protocol: "tcp", FromPort: 22, ToPort: 22, CIDR: "0.0.0.0/0", Action: "allow", Priority: high, Description: "ssh"}},
		{Rule: kinds.Rule{Direction: "in", Protocol: "icmp", CIDR: "10.0.0.0/8", Action: "deny", Priority: medium}},
	}}
	for i := range want.Rules {
		want.Rules[i].ID = want.Rules[i].Rule.ID()
	}
	if diff := cmp.Diff(GroupState{want}, got); diff != "" || made.Token != "tok-g" || made.Name != "office" {
		t.Errorf("group %+v (-want +got):\n%s", made, diff)
	}
	w.mustAct(t, kinds.SecurityGroup, made.ID, "remove_rule", `{"rule_id":"`+want.Rules[0].ID+`"}`)
	w.mustAct(t, kinds.SecurityGroup, made.ID, "remove_rule", `{"rule_id":"`+want.Rules[1].ID+`"}`)
	w.mustAct(t, kinds.SecurityGroup, made.ID, "remove_rule", `{"rule_id":"`+want.Rules[1].ID+`"}`)
	if s := groupState(t, w.get(t, kinds.SecurityGroup, made.ID)); len(s.Rules) != 0 {
		t.Errorf("rules that are left: %+v", s.Rules)
	}
	for range 2 { // the second is no mistake
		w.mustAct(t, kinds.SecurityGroup, made.ID, "add_rule", `{"protocol":"tcp","cidr":"192.0.2.0/24"}`)
	}
	if s := groupState(t, w.get(t, kinds.SecurityGroup, made.ID)); len(s.Rules) != 1 || s.Rules[0].FromPort != 0 || s.Rules[0].CIDR != "192.0.2.0/24" {
		t.Errorf("rules after adding one twice: %+v", s.Rules)
	}
	w.mustAct(t, kinds.SecurityGroup, made.ID, "rename", `{"name":"home"}`)
	change, err := w.Update(t.Context(), provider.UpdateRequest{
		Call: w.call(), Token: "u1", Kind: kinds.SecurityGroup, ID: made.ID, Spec: json.RawMessage(`{"description":"moved","rules":[` + sshRule + `]}`),
	})
	if err != nil || change.Resource == nil {
		t.Fatalf("update: %+v, %v", change, err)
	}
	if s := groupState(t, *change.Resource); len(s.Rules) != 1 || s.Rules[0].FromPort != 22 || s.Description != "moved" || change.Resource.Name != "home" {
		t.Errorf("after the update: %+v", change.Resource)
	}
	change, err = w.Update(t.Context(), provider.UpdateRequest{
		Call: w.call(), Token: "u2", Kind: kinds.SecurityGroup, ID: made.ID, Spec: json.RawMessage(`{"description":"again"}`),
	})
	if err != nil || len(groupState(t, *change.Resource).Rules) != 1 {
		t.Errorf("an update without rules took them away: %+v, %v", change, err)
	}
	w.drop(t, kinds.SecurityGroup, made.ID)
	if f := w.find(t, kinds.SecurityGroup, provider.ChangeRelease, "d1", made.ID, w.clock.Now()); !f.Done || !f.Settled {
		t.Errorf("the release is not found: %+v", f)
	}
}

// mustAct is act for actions that have to work.
func (w *world) mustAct(t *testing.T, kind, id, action, input string) provider.Change {
	t.Helper()
	change, err := w.act(t, kind, id, action, input)
	if err != nil {
		t.Fatalf("%s of %s %q: %v", action, kind, id, err)
	}
	return change
}

func TestServersAreBoundToGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.server(t, "tok-1")
	one := w.made(t, kinds.SecurityGroup, "tok-g1", "one", `{}`).ID
	two := w.made(t, kinds.SecurityGroup, "tok-g2", "two", `{}`).ID
	ref := `{"instance_id":"` + server + `"}`
	bound := func(id string) []kinds.Binding {
		t.Helper()
		var out kinds.Bindings
		if err := json.Unmarshal(w.mustAct(t, kinds.SecurityGroup, id, "bindings", `{}`).Output, &out); err != nil {
			t.Fatal(err)
		}
		return out.Bindings
	}
	w.mustAct(t, kinds.SecurityGroup, one, "bind", ref)
	if b := bound(one); len(b) != 1 || b[0].ResourceID != server || b[0].ResourceType != "instance" || b[0].PrivateIP == "" {
		t.Errorf("bindings %+v", b)
	}
	if r := w.get(t, kinds.SecurityGroup, one); r.Status != provider.StatusBound {
		t.Errorf("status %q", r.Status)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.SecurityGroup, ID: one})
	want(t, "a group in use", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.mustAct(t, kinds.SecurityGroup, two, "unbind", ref) // is behind one: stays there
	if len(bound(one)) != 1 {
		t.Error("an unbind of another group took the server away")
	}
	w.mustAct(t, kinds.SecurityGroup, two, "bind", ref)
	if len(bound(one)) != 0 || len(bound(two)) != 1 {
		t.Error("a server is not behind exactly the last group")
	}
	for range 2 {
		w.mustAct(t, kinds.SecurityGroup, two, "unbind", ref)
	}
	web := ""
	for _, r := range w.list(t, kinds.SecurityGroup) {
		if r.RawStatus == typeWeb {
			web = r.ID
		}
	}
	if b := bound(web); len(b) != 1 {
		t.Errorf("the recommended group has %+v", b)
	}
	_, err = w.act(t, kinds.SecurityGroup, web, "unbind", ref)
	want(t, "there is always one", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.SecurityGroup, ID: web})
	want(t, "the cloud's own group", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

// list returns all resources of a kind.
func (w *world) list(t *testing.T, kind string) []provider.Resource {
	t.Helper()
	var out []provider.Resource
	err := w.List(t.Context(), provider.ListRequest{Call: w.call(), Kind: kind}, func(r provider.Resource) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatalf("listing %s: %v", kind, err)
	}
	return out
}

func (w *world) drop(t *testing.T, kind, id string) {
	t.Helper()
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del", Kind: kind, ID: id})
	if err != nil || change.Operation != "" {
		t.Fatalf("deleting %s %q: %+v, %v", kind, id, change, err)
	}
}

func TestAServerIsMadeBehindAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kinds.SecurityGroup, "tok-g", "one", `{}`).ID
	order := w.order("tok-1")
	order.Spec = json.RawMessage(strings.Replace(serverSpec, `{"machine_type":"N",`, `{"security_group_ids":["`+id+`"],`, 1))
	change, err := w.Create(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, change.Operation)
	if s := groupState(t, w.get(t, kinds.SecurityGroup, id)); s.Bound != 1 {
		t.Errorf("the group is bound to %d", s.Bound)
	}
	order.Token, order.Spec = "tok-2", json.RawMessage(strings.Replace(serverSpec, `{"machine_type":"N",`, `{"security_group_ids":["a","b"],`, 1))
	_, err = w.Create(t.Context(), order)
	want(t, "two groups", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestRulesThatTheCloudCannotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kinds.SecurityGroup, "tok-g", "one", `{}`).ID
	for reason, rule := range map[string]string{
		"what goes out":       `{"protocol":"tcp","cidr":"0.0.0.0/0","direction":"out"}`,
		"all protocols":       `{"protocol":"all","cidr":"0.0.0.0/0"}`,
		"no range":            `{"protocol":"tcp","cidr":"home"}`,
		"ports backwards":     `{"protocol":"tcp","cidr":"0.0.0.0/0","from_port":9,"to_port":8}`,
		"the rule's own sign": `{"protocol":"tcp","cidr":"0.0.0.0/0","description":"a|b"}`,
		"our own mark":        `{"protocol":"tcp","cidr":"0.0.0.0/0","description":"` + emptyMark + `"}`,
	} {
		_, err := w.act(t, kinds.SecurityGroup, id, "add_rule", rule)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
		if e := fault.As(err); e == nil || len(e.Fields) == 0 || !strings.HasPrefix(e.Fields[0].Path, "input.") {
			t.Errorf("%s: no field is named: %v", reason, err)
		}
	}
	_, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: "t", Kind: kinds.SecurityGroup, Name: "x", Term: forOnce(), Spec: json.RawMessage(`{"vpc_id":"uvnet-1"}`),
	})
	want(t, "groups of a VPC", err, fault.ClassInvalid, fault.OutcomeNotDone)
	if r := w.made(t, kinds.SecurityGroup, "t", "one", `{}`); r.ID == id || !strings.HasPrefix(r.Name, "one-") {
		t.Errorf("a name twice: %+v", r)
	}
}

// TestRulesAddedAtOnceAllStay: the cloud replaces the whole list, so changes
// take turns.
func TestRulesAddedAtOnceAllStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.made(t, kinds.SecurityGroup, "tok-g", "one", `{}`).ID
	var all sync.WaitGroup
	for _, port := range []string{"21", "22", "23", "25", "53", "80", "110", "443"} {
		all.Go(func() {
			if _, err := w.act(t, kinds.SecurityGroup, id, "add_rule", `{"protocol":"tcp","cidr":"0.0.0.0/0","from_port":`+port+`}`); err != nil {
				t.Errorf("port %s: %v", port, err)
			}
		})
	}
	all.Wait()
	if s := groupState(t, w.get(t, kinds.SecurityGroup, id)); len(s.Rules) != 8 {
		t.Errorf("%d rules are left of 8", len(s.Rules))
	}
}

// TestRulesSurviveTheCloud: what is shown of a rule is the same rule again.
func TestRulesSurviveTheCloud(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := kinds.Rule{
			Protocol: rapid.SampledFrom([]string{kinds.TCP, kinds.UDP, kinds.ICMP, kinds.GRE}).Draw(t, "protocol"),
			CIDR:     rapid.SampledFrom([]string{"0.0.0.0/0", "10.1.0.0/16", "192.0.2.7"}).Draw(t, "cidr"),
			Action:   rapid.SampledFrom([]string{"", kinds.Allow, kinds.Deny}).Draw(t, "action"),
			Priority: rapid.IntRange(0, 100).Draw(t, "priority"),
		}
		if r.Protocol == kinds.TCP || r.Protocol == kinds.UDP {
			r.FromPort = rapid.IntRange(0, 65535).Draw(t, "from")
			r.ToPort = rapid.IntRange(r.FromPort, 65535).Draw(t, "to")
		}
		text, err := ruleText(r, "rule")
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		p := append(strings.Split(text, "|"), "")
		shown := ruleOf(unet.FirewallRuleSet{ProtocolType: p[0], DstPort: p[1], SrcIP: p[2], RuleAction: p[3], Priority: p[4], Remark: p[5]})
		if shown.Rule != asKept(r) || shown.ID != asKept(r).ID() {
			t.Fatalf("%+v is sent as %q and shown as %+v", r, text, shown)
		}
		again, err := ruleText(shown.Rule, "rule")
		if err != nil || again != text {
			t.Fatalf("%q comes back as %q, %v", text, again, err)
		}
	})
}

func TestFindingWhatIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc := w.made(t, kinds.VPC, "tok-v", "net", `{"cidr":"172.16.0.0/16"}`)
	for kind, spec := range map[string]string{
		kinds.VPC: `{"cidr":"172.17.0.0/16"}`, kinds.Subnet: `{"vpc_id":"` + vpc.ID + `","cidr":"172.16.1.0/24"}`, kinds.SecurityGroup: `{}`,
	} {
		made := w.made(t, kind, "tok-"+kind, kind, spec)
		again := w.made(t, kind, "tok-"+kind, kind, spec)
		f := w.find(t, kind, provider.ChangeCreate, "tok-"+kind, "", w.clock.Now())
		if again.ID != made.ID || !f.Done || len(f.Resources) != 1 || f.Resources[0].ID != made.ID {
			t.Errorf("%s: made %q, then %q, found %+v", kind, made.ID, again.ID, f)
		}
		if f := w.find(t, kind, provider.ChangeCreate, "tok-none", "", w.clock.Now()); f.Done || f.Settled {
			t.Errorf("%s: an unused token: %+v", kind, f)
		}
		if f := w.find(t, kind, provider.ChangeCreate, "tok-none", "", w.clock.Now().Add(-time.Hour)); f.Done || !f.Settled {
			t.Errorf("%s: an unused token after an hour: %+v", kind, f)
		}
		if f := w.find(t, kind, provider.ChangeRelease, "d", made.ID, w.clock.Now()); f.Done || !f.Settled {
			t.Errorf("%s: a release that was not: %+v", kind, f)
		}
		_, err := w.FindByToken(t.Context(), provider.FindRequest{Call: w.call(), Token: "t", Kind: kind, Change: provider.ChangeRenew, ID: made.ID})
		want(t, kind+" renewed", err, fault.ClassUnsupported, fault.OutcomeNotDone)
		w.drop(t, kind, made.ID)
		w.drop(t, kind, made.ID)
	}
}
