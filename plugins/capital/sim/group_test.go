package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"tradewind.example/plugins/capital/sim"
)

func (w *world) group(name string) string {
	w.t.Helper()
	return text(w.post(sg, "CreateSecurityGroup", args{"RegionCode": edge, "SecurityGroupName": name}), "Data", "SecurityGroupId")
}

func rule(change args) args {
	a := args{"Protocol": "TCP", "Port": "22/22", "CidrBlock": "0.0.0.0/0", "Priority": 1, "Status": true}
	for k, v := range change {
		a[k] = v
	}
	return a
}

// ruleIDs are the ids of a group's rules of one direction.
func (w *world) ruleIDs(id, direction string) []string {
	w.t.Helper()
	list, _ := dig(w.get(sg, "DescribeSecurityGroupPolicies", args{"SecurityGroupId": id}), "Data", "SecurityGroupPolicySet", direction).([]any)
	out := []string{}
	for _, r := range list {
		out = append(out, text(r, "PolicyID"))
	}
	return out
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.get(sg, "DescribeSecurityGroups", nil); dig(r, "Data", "SecurityGroupSet") != nil || text(r, "TotalCount") != "0" || text(r, "Data", "TotalCount") != "0" {
		t.Errorf("no group is null, not an empty list: %v", r)
	}
	first, second := w.group("first"), w.group("second")
	if r := w.post(sg, "ModifySecurityGroupAttribute", args{"SecurityGroupId": first, "SecurityGroupName": "renamed", "GroupInterconnected": true}); r["Data"] != nil {
		t.Errorf("writes have no Data: %v", r)
	}
	list := w.get(sg, "DescribeSecurityGroups", args{"RegionCode": edge, "SecurityGroupId": `["` + first + `"]`})
	if text(list, "Data", "SecurityGroupSet", 0, "SecurityGroupName") != "renamed" || text(list, "Data", "SecurityGroupSet", 0, "IpCount") != "2000" {
		t.Errorf("several ids come as the text of a JSON array: %v", list)
	}
	page := w.get(sg, "DescribeSecurityGroups", args{"PageNumber": 2, "PageSize": 1})
	if text(page, "Data", "SecurityGroupSet", 0, "SecurityGroupId") != second || text(page, "PageSize") != "1" {
		t.Errorf("the second page: %v", page)
	}
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, args{"SecurityGroups": []args{{"SecurityGroupId": first}}})[0]
	w.post(sg, "AssociateSecurityGroups", args{"SecurityGroupId": second, "RegionCode": edge, "InstanceSet": []args{{"InstanceId": ins, "SecurityGroupPriority": 2}}})
	set := dig(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "SecurityGroup")
	if text(set, 0, "SecurityGroupId") != first || text(set, 1, "Priority") != "2" {
		t.Errorf("the instance's groups in order of priority: %v", set)
	}
	w.post(sg, "ModifySecurityGroupsPriority", args{"InstanceId": ins, "RegionCode": edge, "SecurityGroupSet": []args{
		{"SecurityGroupId": first, "Priority": 4}, {"SecurityGroupId": second, "Priority": 3},
	}})
	if set = dig(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "SecurityGroup"); text(set, 0, "SecurityGroupId") != second {
		t.Errorf("the whole set is replaced: %v", set)
	}
	if r := w.get(sg, "DescribeSecurityGroupAssociationStatistics", args{"SecurityGroupId": first}); text(r, "Data", "InstanceStatistics", 0, "InstanceId") != ins {
		t.Errorf("a group's instances: %v", r)
	}
	w.post(sg, "DisassociateSecurityGroups", args{"SecurityGroupId": second, "InstanceIds": []string{ins}})
	query := w.public("DeleteSecurityGroup")
	query["SecurityGroupId"] = second
	if r, err := w.send(http.MethodPost, sg, query, ""); err != nil || r.code() != "Success" {
		t.Errorf("the id may be in the query of the POST: %s %v", r.raw, err)
	}
	for name, c := range map[string]struct {
		action string
		a      args
		code   string
	}{
		"LastOne":  {"DisassociateSecurityGroups", args{"SecurityGroupId": first, "InstanceIds": []string{ins}}, "Resource.InUse"},
		"InUse":    {"DeleteSecurityGroup", args{"SecurityGroupId": first}, "Resource.InUse"},
		"Same":     {"ModifySecurityGroupAttribute", args{"SecurityGroupId": first, "GroupInterconnected": true}, "InvalidParameter"},
		"Nothing":  {"ModifySecurityGroupAttribute", args{"SecurityGroupId": first}, "InvalidParameter"},
		"Gone":     {"DeleteSecurityGroup", args{"SecurityGroupId": second}, "Resource.NotFound"},
		"Again":    {"AssociateSecurityGroups", args{"SecurityGroupId": first, "RegionCode": edge, "InstanceSet": []args{{"InstanceId": ins, "SecurityGroupPriority": 5}}}, "Resource.InUse"},
		"LongName": {"CreateSecurityGroup", args{"RegionCode": edge, "SecurityGroupName": strings.Repeat("名", 61)}, "InvalidParameter"},
		"NoRegion": {"CreateSecurityGroup", args{"SecurityGroupName": "x"}, "InvalidParameter"},
	} {
		if r := w.try(http.MethodPost, sg, c.action, c.a); r.code() != c.code || text(r.body, "Message") == "" {
			t.Errorf("%s: %s, want %s", name, r.raw, c.code)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.group("rules")
	set := func(in ...args) args {
		return args{"SecurityGroupId": id, "SecurityGroupPolicySet": args{"Ingress": in}}
	}
	both := set(rule(nil), rule(args{"Protocol": "udp", "Port": "53/53", "CidrBlock": "192.0.2.1"}))
	both["SecurityGroupPolicySet"].(args)["Egress"] = []args{rule(args{"Protocol": "ICMP", "Port": "1/1"})}
	w.post(sg, "CreateSecurityGroupPolicies", both)
	in, out := w.ruleIDs(id, "Ingress"), w.ruleIDs(id, "Egress")
	if len(in) != 2 || len(out) != 1 || !strings.HasPrefix(in[0], "sp-") {
		t.Fatalf("rules by direction: %v, %v", in, out)
	}
	change := set(args{"PolicyId": in[0], "Port": "22/23"})
	change["Reset"] = false
	w.post(sg, "ModifySecurityGroupPolicies", change)
	got := dig(w.get(sg, "DescribeSecurityGroupPolicies", args{"SecurityGroupId": id}), "Data", "SecurityGroupPolicySet", "Ingress", 0)
	if text(got, "Port") != "22/23" || text(got, "Protocol") != "tcp" || text(got, "SecurityGroupId") != id {
		t.Errorf("one rule is changed, protocols come in small letters: %v", got)
	}
	cases := map[string]struct {
		reason, action string
		a              args
		code           string
	}{
		"Duplicate": {"a rule is there once", "CreateSecurityGroupPolicies", set(rule(args{"Protocol": "UDP", "Port": "53/53", "CidrBlock": "192.0.2.1"})), "Resource.InUse"},
		"TopLevel":  {"rules are in the set", "CreateSecurityGroupPolicies", args{"SecurityGroupId": id, "Ingress": []args{rule(nil)}}, "InvalidParameter"},
		"Port":      {"a port is from/to", "CreateSecurityGroupPolicies", set(rule(args{"Port": "22"})), "InvalidParameter"},
		"Backwards": {"from is not above to", "CreateSecurityGroupPolicies", set(rule(args{"Port": "23/22"})), "InvalidParameter"},
		"Protocol":  {"unknown protocols are refused", "CreateSecurityGroupPolicies", set(rule(args{"Protocol": "all"})), "InvalidParameter"},
		"Cidr":      {"the source is a network", "CreateSecurityGroupPolicies", set(rule(args{"CidrBlock": "anyone"})), "InvalidParameter"},
		"Priority":  {"priorities end at 100", "CreateSecurityGroupPolicies", set(rule(args{"Priority": 101})), "InvalidParameter"},
		"Status":    {"the status is true or false", "CreateSecurityGroupPolicies", set(rule(args{"Status": 1})), "InvalidParameter"},
		"NoReset":   {"Reset is required", "ModifySecurityGroupPolicies", set(rule(nil)), "InvalidParameter"},
		"NoRule":    {"the rule exists", "DeleteSecurityGroupPolicies", args{"SecurityGroupId": id, "PolicyIds": []string{"sp-none"}}, "Resource.NotFound"},
	}
	for name, c := range cases {
		if r := w.try(http.MethodPost, sg, c.action, c.a); r.code() != c.code {
			t.Errorf("%s: %s: %s, want %s", name, c.reason, r.raw, c.code)
		}
	}
	same := set(args{"PolicyId": in[0], "Port": "22/23"})
	same["Reset"] = false
	if r := w.try(http.MethodPost, sg, "ModifySecurityGroupPolicies", same); r.code() != "InvalidParameter" {
		t.Errorf("a change changes something: %s", r.raw)
	}
	w.post(sg, "DeleteSecurityGroupPolicies", args{"SecurityGroupId": id, "PolicyIds": in[:1]})
	if got := w.ruleIDs(id, "Ingress"); len(got) != 1 || got[0] != in[1] {
		t.Errorf("one rule is deleted: %v", got)
	}
	replace := set(rule(args{"Port": "80/80"}))
	replace["Reset"] = true
	w.post(sg, "ModifySecurityGroupPolicies", replace)
	if in, out := w.ruleIDs(id, "Ingress"), w.ruleIDs(id, "Egress"); len(in) != 1 || len(out) != 0 {
		t.Errorf("a reset replaces everything: %v %v", in, out)
	}
	w.post(sg, "DeleteSecurityGroupPolicies", args{"SecurityGroupId": id, "PolicyIds": []string{}})
	if got := w.ruleIDs(id, "Ingress"); len(got) != 0 {
		t.Errorf("an empty list deletes every rule: %v", got)
	}
}

func TestGroupQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxGroups = 1 })
	w.group("one")
	if r := w.try(http.MethodPost, sg, "CreateSecurityGroup", args{"RegionCode": edge, "SecurityGroupName": "two"}); r.code() != "Quota.Exceeded" {
		t.Errorf("the quota of groups: %s", r.raw)
	}
}
