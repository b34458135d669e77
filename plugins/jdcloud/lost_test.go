package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// spoilers are the ways in which an answer gets lost after the change.
func spoilers() []sim.Fault {
	return []sim.Fault{
		{Kind: sim.KindDrop, After: true}, {Kind: sim.KindHTTP, After: true}, {Kind: sim.KindNonJSON, After: true},
		{Kind: sim.KindEmpty, After: true}, {Kind: sim.KindNoError, After: true},
		{Kind: sim.KindRetCode, RetCode: 500, ErrorStatus: "INTERNAL", After: true},
	}
}

// before makes one more action fail, without a change.
func before() []sim.Fault {
	return []sim.Fault{{Kind: sim.KindDrop}, {Kind: sim.KindHTTP}, {Kind: sim.KindNoError}}
}

// creates are the orders of every kind, with the action that buys.
func (w *world) creates(t *testing.T) map[string]provider.CreateRequest {
	t.Helper()
	order := func(kind, spec string, term provider.Term) provider.CreateRequest {
		return provider.CreateRequest{Call: w.call(), Token: "tok-1", Kind: kind, Name: "web", Spec: json.RawMessage(spec), Term: term}
	}
	return map[string]provider.CreateRequest{
		"CreateInstances":              order(kinds.Instance, serverSpec, month(1)),
		"CreateDisks":                  order(kinds.Disk, `{"size_gb":20}`, month(1)),
		"CreateElasticIps":             order(kinds.EIP, `{"bandwidth_mbps":2}`, month(1)),
		"CreateVpc":                    order(kinds.VPC, `{"cidr":"172.16.0.0/16"}`, forOnce()),
		"CreateSubnet":                 order(kinds.Subnet, `{"vpc_id":"`+w.firstVPC(t)+`","cidr":"10.0.128.0/24"}`, forOnce()),
		"CreateNetworkSecurityGroup":   order(kinds.SecurityGroup, `{"description":"office"}`, forOnce()),
		"AddNetworkSecurityGroupRules": order(kinds.SecurityGroup, `{"rules":[`+sshRule+`]}`, forOnce()),
		"ModifyNetworkSecurityGroup":   order(kinds.SecurityGroup, `{"rules":[`+sshRule+`]}`, forOnce()),
	}
}

func (w *world) firstVPC(t *testing.T) string {
	t.Helper()
	return w.list(t, kinds.VPC)[0].ID
}

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

// owned is how many resources of a kind carry the token.
func (w *world) owned(t *testing.T, kind, token string) int {
	t.Helper()
	n := 0
	for _, r := range w.list(t, kind) {
		if r.Token == token {
			n++
		}
	}
	return n
}

// TestALostAnswerBuysOnce loses the answer of each buying action in every way,
// before and after the change, and repeats the create as the broker would.
func TestALostAnswerBuysOnce(t *testing.T) {
	t.Parallel()
	for action := range newWorld(t).creates(t) {
		for _, f := range append(spoilers(), before()...) {
			t.Run(fmt.Sprintf("%s/%s/%d/%t", action, f.Kind, f.RetCode, f.After), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				req := w.creates(t)[action]
				f.Actions, f.Count = []string{action}, 1
				w.faults(t, f)
				began := w.clock.Now()
				_, err := w.Create(t.Context(), req)
				want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				w.settle(t, req, began)
				if n := w.owned(t, req.Kind, "tok-1"); n != 1 {
					t.Errorf("%d were made", n)
				}
			})
		}
	}
}

// settle asks by token and orders again until the thing is there.
func (w *world) settle(t *testing.T, req provider.CreateRequest, began time.Time) {
	t.Helper()
	for range 20 {
		f := w.find(t, req.Kind, provider.ChangeCreate, req.Token, "", began)
		if len(f.Resources) > 1 {
			t.Fatalf("the token made %d", len(f.Resources))
		}
		if f.Done {
			return
		}
		change, err := w.Create(t.Context(), req)
		if err == nil && change.Operation != "" {
			if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded {
				t.Fatalf("the operation ended as %+v", op)
			}
		}
		w.clock.Advance(30 * time.Second)
	}
	t.Fatal("it never settles")
}

// TestALostReleaseEndsOnce loses the answer of each ending action.
func TestALostReleaseEndsOnce(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kind   string
		term   provider.Term
		action string
	}{
		"Server": {kinds.Instance, hourly(), "DeleteInstance"}, "PrepaidServer": {kinds.Instance, month(1), "SubmitResourceRefund"},
		"Disk": {kinds.Disk, hourly(), "DeleteDisk"}, "PrepaidDisk": {kinds.Disk, month(1), "SubmitResourceRefund"},
		"Address": {kinds.EIP, hourly(), "DeleteElasticIp"}, "PrepaidAddress": {kinds.EIP, month(1), "SubmitResourceRefund"},
		"VPC": {kinds.VPC, forOnce(), "DeleteVpc"}, "Subnet": {kinds.Subnet, forOnce(), "DeleteSubnet"}, "Group": {kinds.SecurityGroup, forOnce(), "DeleteNetworkSecurityGroup"},
	}
	for name, tc := range cases {
		for _, f := range append(spoilers(), before()...) {
			t.Run(fmt.Sprintf("%s/%s/%d/%t", name, f.Kind, f.RetCode, f.After), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.make(t, tc.kind, tc.term)
				f.Actions, f.Count = []string{tc.action}, 1
				w.faults(t, f)
				_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: tc.kind, ID: id})
				want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				w.ends(t, tc.kind, id)
			})
		}
	}
}

// make makes one of a kind and waits until it is ready.
func (w *world) make(t *testing.T, kind string, term provider.Term) string {
	t.Helper()
	action := map[string]string{
		kinds.Instance: "CreateInstances", kinds.Disk: "CreateDisks", kinds.EIP: "CreateElasticIps", kinds.VPC: "CreateVpc",
		kinds.Subnet: "CreateSubnet", kinds.SecurityGroup: "CreateNetworkSecurityGroup",
	}[kind]
	req := w.creates(t)[action]
	req.Term = term
	change, err := w.Create(t.Context(), req)
	if err != nil {
		t.Fatalf("making %s: %v", kind, err)
	}
	if change.Operation != "" {
		w.finish(t, change.Operation)
	}
	return change.Resource.ID
}

// ends deletes as the broker does, after a look, until the thing is gone.
func (w *world) ends(t *testing.T, kind, id string) {
	t.Helper()
	for range 10 {
		f := w.find(t, kind, provider.ChangeRelease, "del-1", id, w.clock.Now())
		if f.Done {
			return
		}
		operation := f.Operation
		if operation == "" {
			change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "del-1", Kind: kind, ID: id})
			if err != nil {
				t.Fatalf("deleting again: %v", err)
			}
			operation = change.Operation
		}
		if operation != "" {
			if op := w.finish(t, operation); op.State != provider.OperationSucceeded {
				t.Fatalf("the operation ended as %+v", op)
			}
		}
	}
	t.Fatal("it never ends")
}

// TestALostRenewalIsPaidOnce loses the answer of a renewal or of its mark.
func TestALostRenewalIsPaidOnce(t *testing.T) {
	t.Parallel()
	marks := map[string]string{kinds.Instance: "ModifyInstanceAttribute", kinds.Disk: "ModifyDiskAttribute", kinds.EIP: "TagResources"}
	for kind, mark := range marks {
		for _, action := range []string{"RenewInstance", mark} {
			for _, f := range append(spoilers(), before()...) {
				t.Run(fmt.Sprintf("%s/%s/%s/%d/%t", kind, action, f.Kind, f.RetCode, f.After), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					id := w.make(t, kind, month(1))
					end := w.get(t, kind, id).Expires
					f.Actions, f.Count = []string{action}, 1
					w.faults(t, f)
					outcome := fault.OutcomeUnknown
					if action == mark {
						outcome = fault.OutcomeNotDone
					}
					req := provider.RenewRequest{Call: w.call(), Token: "ren-1", Kind: kind, ID: id, Term: month(2)}
					_, err := w.Renew(t.Context(), req)
					want(t, "the answer is lost", err, fault.ClassUnavailable, outcome)
					if found := w.find(t, kind, provider.ChangeRenew, "ren-1", id, w.clock.Now()); !found.Done && found.Settled {
						t.Error("its absence is final at once")
					}
					for range 2 {
						if _, err := w.Renew(t.Context(), req); err != nil {
							t.Fatal(err)
						}
					}
					got := w.get(t, kind, id)
					if wanted := end.AddDate(0, 2, 0); !got.Expires.Equal(wanted) {
						t.Errorf("it ends %v, want %v", got.Expires, wanted)
					}
					if found := w.find(t, kind, provider.ChangeRenew, "ren-1", id, w.clock.Now()); !found.Done || !found.Settled {
						t.Errorf("found %+v", found)
					}
				})
			}
		}
	}
}

// TestALostActionIsNoMistake loses the answer of each action and repeats it.
func TestALostActionIsNoMistake(t *testing.T) {
	t.Parallel()
	server, eip, disk, group := "SERVER", "EIP", "DISK", "GROUP"
	cases := map[string]struct {
		kind, id, action, input string
		prepare                 []string // actions of the same resource before
		inputs                  []string
	}{
		"StopInstance":                 {kind: kinds.Instance, id: server, action: kinds.ActionStop, input: `{}`},
		"StartInstance":                {kind: kinds.Instance, id: server, action: kinds.ActionStart, input: `{}`, prepare: []string{kinds.ActionStop}, inputs: []string{`{}`}},
		"ModifyInstancePassword":       {kind: kinds.Instance, id: server, action: kinds.ActionResetPassword, input: `{"password":"Correct-horse-7"}`},
		"ModifyInstanceAttribute":      {kind: kinds.Instance, id: server, action: kinds.ActionRename, input: `{"name":"front"}`},
		"ResizeInstance":               {kind: kinds.Instance, id: server, action: kinds.ActionResize, input: `{"cpu":4,"memory_mb":16384}`, prepare: []string{kinds.ActionStop}, inputs: []string{`{}`}},
		"vm.AssociateElasticIp":        {kind: kinds.EIP, id: eip, action: kinds.ActionBind, input: `{"instance_id":"SERVER"}`},
		"vm.DisassociateElasticIp":     {kind: kinds.EIP, id: eip, action: kinds.ActionUnbind, input: `{}`, prepare: []string{kinds.ActionBind}, inputs: []string{`{"instance_id":"SERVER"}`}},
		"ModifyElasticIp":              {kind: kinds.EIP, id: eip, action: kinds.ActionResize, input: `{"bandwidth_mbps":5}`},
		"AttachDisk":                   {kind: kinds.Disk, id: disk, action: kinds.ActionAttach, input: `{"instance_id":"SERVER"}`},
		"DetachDisk":                   {kind: kinds.Disk, id: disk, action: kinds.ActionDetach, input: `{}`, prepare: []string{kinds.ActionAttach}, inputs: []string{`{"instance_id":"SERVER"}`}},
		"ExtendDisk":                   {kind: kinds.Disk, id: disk, action: kinds.ActionResize, input: `{"size_gb":40}`},
		"ModifyDiskAttribute":          {kind: kinds.Disk, id: disk, action: kinds.ActionRename, input: `{"name":"front"}`},
		"AddNetworkSecurityGroupRules": {kind: kinds.SecurityGroup, id: group, action: kinds.ActionAddRule, input: sshRule},
		"ModifyNetworkInterface":       {kind: kinds.SecurityGroup, id: group, action: kinds.ActionBind, input: `{"instance_id":"SERVER"}`},
		"RebootInstance":               {kind: kinds.Instance, id: server, action: kinds.ActionReboot, input: `{}`},
		"ModifyVpc":                    {kind: kinds.VPC, id: "NET", action: kinds.ActionRename, input: `{"name":"front"}`},
		"ModifySubnet":                 {kind: kinds.Subnet, id: "NET", action: kinds.ActionRename, input: `{"name":"front"}`},
		"ModifyNetworkSecurityGroup":   {kind: kinds.SecurityGroup, id: group, action: kinds.ActionRename, input: `{"name":"front"}`},
	}
	for name, tc := range cases {
		for _, f := range spoilers() {
			t.Run(fmt.Sprintf("%s/%s/%d", name, f.Kind, f.RetCode), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				ids := names{server: w.make(t, kinds.Instance, month(1))}
				if tc.id != server {
					ids[tc.id] = w.make(t, tc.kind, termOf(tc.kind))
				}
				for i, action := range tc.prepare {
					if _, err := w.doing(t, tc.kind, ids[tc.id], action, ids.in(tc.inputs[i])); err != nil {
						t.Fatal(err)
					}
				}
				f.Actions, f.Count = []string{name}, 1
				w.faults(t, f)
				_, err := w.doing(t, tc.kind, ids[tc.id], tc.action, ids.in(tc.input))
				want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
				w.clock.Advance(2 * transition)
				if _, err := w.doing(t, tc.kind, ids[tc.id], tc.action, ids.in(tc.input)); err != nil {
					t.Errorf("its repeat: %v", err)
				}
			})
		}
	}
}

// TestALostRemovalOfARuleIsNoMistake: by the action and by another spec.
func TestALostRemovalOfARuleIsNoMistake(t *testing.T) {
	t.Parallel()
	for _, f := range spoilers() {
		w := newWorld(t)
		id := w.make(t, kinds.SecurityGroup, forOnce())
		remove := func() error {
			_, err := w.Update(t.Context(), provider.UpdateRequest{Call: w.call(), Token: "u", Kind: kinds.SecurityGroup, ID: id, Spec: json.RawMessage(`{"rules":[]}`)})
			return err
		}
		if _, err := w.act(t, kinds.SecurityGroup, id, kinds.ActionAddRule, sshRule); err != nil {
			t.Fatal(err)
		}
		f.Actions, f.Count = []string{"RemoveNetworkSecurityGroupRules"}, 1
		w.faults(t, f)
		want(t, string(f.Kind), remove(), fault.ClassUnavailable, fault.OutcomeUnknown)
		if err := remove(); err != nil || len(w.custom(t, id)) != 0 {
			t.Errorf("%s: the repeat: %v, then %+v", f.Kind, err, w.custom(t, id))
		}
	}
}

// names are ids that inputs name by a word.
type names map[string]string

func (n names) in(input string) string {
	for word, id := range n {
		input = strings.ReplaceAll(input, word, id)
	}
	return input
}

func termOf(kind string) provider.Term {
	switch kind {
	case kinds.SecurityGroup, kinds.VPC, kinds.Subnet:
		return forOnce()
	}
	return hourly()
}

// doing performs an action for an account that may resize, and lets the cloud
// end what it began.
func (w *world) doing(t *testing.T, kind, id, action, input string) (provider.Change, error) {
	t.Helper()
	change, err := w.Act(t.Context(), provider.ActionRequest{
		Call: w.call("allow_resize", "true"), Token: "act-1", Kind: kind, ID: id, Action: action, Input: json.RawMessage(input),
	})
	w.clock.Advance(2 * transition)
	return change, err
}
