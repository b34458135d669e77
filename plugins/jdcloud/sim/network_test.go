package sim_test

import (
	"fmt"
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
)

const vpcBase = "/v1/regions/cn-north-1/"

func TestNetworkRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.running(nil)
	used := w.subnet()
	first := w.ok("vpc", "GET", vpcBase+"subnets/"+used, nil)
	vpcID := first.text("subnet", "vpcId")
	groups := w.ok("vpc", "GET", vpcBase+"networkSecurityGroups/", nil).list("networkSecurityGroups")
	g, _ := groups[0].(map[string]any)
	group, _ := g["networkSecurityGroupId"].(string)
	rules := func(change map[string]any) map[string]any {
		one := map[string]any{"protocol": 6, "direction": 0, "addressPrefix": "10.0.0.0/8", "fromPort": 1, "toPort": 2}
		for k, v := range change {
			one[k] = v
		}
		return map[string]any{"networkSecurityGroupRuleSpecs": []any{one}}
	}
	addPath := vpcBase + "networkSecurityGroups/" + group + ":addNetworkSecurityGroupRules"
	cases := map[string]struct {
		reason, method, path string
		body                 map[string]any
		want                 string
	}{
		"VpcName":      {"names have an alphabet", "POST", vpcBase + "vpcs/", map[string]any{"vpcName": "a b"}, "INVALID_ARGUMENT"},
		"VpcPublic":    {"networks are private", "POST", vpcBase + "vpcs/", map[string]any{"vpcName": "a", "addressPrefix": "8.0.0.0/16"}, "INVALID_ARGUMENT"},
		"VpcLarge":     {"masks are bounded", "POST", vpcBase + "vpcs/", map[string]any{"vpcName": "a", "addressPrefix": "10.0.0.0/8"}, "INVALID_ARGUMENT"},
		"VpcInUse":     {"a vpc with subnets stays", "DELETE", vpcBase + "vpcs/" + vpcID, nil, "FAILED_PRECONDITION"},
		"NoVpc":        {"a vpc must exist", "GET", vpcBase + "vpcs/vpc-none", nil, "NOT_FOUND"},
		"SubnetInUse":  {"a subnet with interfaces stays", "DELETE", vpcBase + "subnets/" + used, nil, "FAILED_PRECONDITION"},
		"SubnetOut":    {"subnets are inside", "POST", vpcBase + "subnets/", map[string]any{"vpcId": vpcID, "subnetName": "s", "addressPrefix": "10.9.0.0/24"}, "INVALID_ARGUMENT"},
		"SubnetOver":   {"subnets do not overlap", "POST", vpcBase + "subnets/", map[string]any{"vpcId": vpcID, "subnetName": "s", "addressPrefix": "10.0.1.0/24"}, "ALREADY_EXISTS"},
		"SubnetNoVpc":  {"the vpc must exist", "POST", vpcBase + "subnets/", map[string]any{"vpcId": "vpc-none", "subnetName": "s", "addressPrefix": "10.0.0.0/24"}, "NOT_FOUND"},
		"SubnetOdd":    {"a network has no host bits", "POST", vpcBase + "subnets/", map[string]any{"vpcId": vpcID, "subnetName": "s", "addressPrefix": "10.0.200.1/24"}, "INVALID_ARGUMENT"},
		"DefaultGroup": {"the default group stays", "DELETE", vpcBase + "networkSecurityGroups/" + group, nil, "FAILED_PRECONDITION"},
		"NoGroup":      {"a group must exist", "GET", vpcBase + "networkSecurityGroups/sg-none", nil, "NOT_FOUND"},
		"NoRules":      {"rules are needed", "POST", addPath, map[string]any{}, "INVALID_ARGUMENT"},
		"BadProtocol":  {"protocols are numbered", "POST", addPath, rules(map[string]any{"protocol": 7}), "INVALID_ARGUMENT"},
		"BadDirection": {"in or out", "POST", addPath, rules(map[string]any{"direction": 2}), "OUT_OF_RANGE"},
		"BadPorts":     {"ports come in order", "POST", addPath, rules(map[string]any{"fromPort": 9}), "INVALID_ARGUMENT"},
		"BadPriority":  {"priorities are bounded", "POST", addPath, rules(map[string]any{"priority": 101}), "OUT_OF_RANGE"},
		"BadSource":    {"a source is a network", "POST", addPath, rules(map[string]any{"addressPrefix": "x"}), "INVALID_ARGUMENT"},
		"NoRule":       {"a rule must exist", "POST", vpcBase + "networkSecurityGroups/" + group + ":removeNetworkSecurityGroupRules", map[string]any{"ruleIds": []string{"sgr-none"}}, "NOT_FOUND"},
		"ChangeNoRule": {"a rule must exist to change", "POST", vpcBase + "networkSecurityGroups/" + group + ":modifyNetworkSecurityGroupRules", map[string]any{"modifySecurityGroupRuleSpecs": []any{map[string]any{"ruleId": "sgr-none"}}}, "NOT_FOUND"},
		"EIPProvider":  {"a provider is needed", "POST", vpcBase + "elasticIps/", map[string]any{"maxCount": 1, "elasticIpSpec": map[string]any{"bandwidthMbps": 1}}, "INVALID_ARGUMENT"},
		"EIPTraffic": {"by traffic up to 200", "POST", vpcBase + "elasticIps/", map[string]any{"maxCount": 1, "elasticIpSpec": map[string]any{
			"bandwidthMbps": 201, "provider": "bgp", "chargeSpec": map[string]any{"chargeMode": "postpaid_by_usage"},
		}}, "OUT_OF_RANGE"},
		"NoEIP":     {"an address must exist", "GET", vpcBase + "elasticIps/fip-none", nil, "NOT_FOUND"},
		"NatStatus": {"there are no NAT gateways", "POST", vpcBase + "natGateways/nat-1:setElasticIpStatus", map[string]any{}, "NOT_FOUND"},
		"NoNIC":     {"an interface must exist", "PATCH", vpcBase + "networkInterfaces/port-none", map[string]any{}, "NOT_FOUND"},
		"SmallPage": {"ten rows at least", "GET", vpcBase + "vpcs/?pageSize=9", nil, "OUT_OF_RANGE"},
		"BigPage":   {"a hundred rows at most", "GET", vpcBase + "vpcs/?pageSize=101", nil, "OUT_OF_RANGE"},
		"Exponent":  {"numbers may come as the SDK writes them", "GET", vpcBase + "vpcs/?pageSize=1e%2B02", nil, "OK"},
		"BadFilter": {"filters have names", "GET", vpcBase + "vpcs/?filters.1.name=x&filters.1.values.1=y", nil, "INVALID_ARGUMENT"},
		"Gap":       {"lists are numbered from 1", "GET", vpcBase + "vpcs/?filters.2.name=vpcIds", nil, "INVALID_ARGUMENT"},
		"OtherPath": {"the path's fields may not differ in the body", "PATCH", vpcBase + "vpcs/" + vpcID, map[string]any{"vpcId": "vpc-else"}, "INVALID_ARGUMENT"},
		"SamePath":  {"they may be repeated", "PATCH", vpcBase + "vpcs/" + vpcID, map[string]any{"vpcId": vpcID, "regionId": region, "vpcName": nil}, "OK"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.call("vpc", c.method, c.path, c.body); r.status() != c.want {
				t.Errorf("%s: got %s (%+v), want %s", c.reason, r.status(), r.Error, c.want)
			}
		})
	}
}

// A page of vpc beyond the end is the last page again; vm's is empty.
func TestPagesBeyondTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 12 {
		w.ok("vpc", "POST", vpcBase+"vpcs/", map[string]any{"vpcName": fmt.Sprintf("v-%d", i)})
	}
	far := w.ok("vpc", "GET", vpcBase+"vpcs/?pageNumber=9&pageSize=10", nil)
	if got := len(far.list("vpcs")); got != 3 || fmt.Sprint(far.Result["totalCount"]) != "13" {
		t.Errorf("the last page again: %d rows of %v", got, far.Result["totalCount"])
	}
	w.running(nil)
	if got := len(w.ok("vm", "GET", vmPath+"?pageNumber=2&pageSize=10", nil).list("instances")); got != 0 {
		t.Errorf("a page of instances beyond the end has %d rows", got)
	}
}

func TestAddressLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxEIPs = 2 })
	one, two := w.running(nil), w.running(nil)
	eip := w.ok("vpc", "POST", vpcBase+"elasticIps/", map[string]any{
		"maxCount": 1, "elasticIpSpec": map[string]any{"bandwidthMbps": 5, "provider": "bgp"}, "userTags": []any{map[string]any{"key": "order", "value": "o-1"}},
	}).first("elasticIpIds")
	at := func(id, verb string) string { return vmPath + "/" + id + ":" + verb }
	body := map[string]any{"elasticIpId": eip}
	w.refused("FAILED_PRECONDITION", "vm", "POST", at(one, "associateElasticIp"), body)
	w.advance(time.Second)
	w.ok("vm", "POST", at(one, "associateElasticIp"), body)
	w.advance(time.Second)
	w.refused("FAILED_PRECONDITION", "vm", "POST", at(two, "associateElasticIp"), body)
	w.refused("FAILED_PRECONDITION", "vm", "POST", at(two, "disassociateElasticIp"), body)
	w.refused("FAILED_PRECONDITION", "vpc", "DELETE", vpcBase+"elasticIps/"+eip, nil)
	if got := w.ok("vm", "GET", vmPath+"/"+one, nil).text("instance", "elasticIpId"); got != eip {
		t.Errorf("the instance shows %q", got)
	}
	if got := w.ok("vpc", "GET", vpcBase+"elasticIps/?tags.1.key=order&tags.1.values.1=o-1", nil).list("elasticIps"); len(got) != 1 {
		t.Errorf("by tag: %d", len(got))
	}
	dry := w.ok("vpc", "POST", vpcBase+"elasticIps/", map[string]any{"maxCount": 1, "dryRun": true, "elasticIpSpec": map[string]any{"bandwidthMbps": 5, "provider": "bgp"}})
	if len(dry.list("elasticIpIds")) != 0 || w.Report(1).EIPs != 1 {
		t.Errorf("a dry run made something: %+v", dry.Result)
	}
	w.refused("QUOTA_EXCEEDED", "vpc", "POST", vpcBase+"elasticIps/", map[string]any{"maxCount": 2, "elasticIpSpec": map[string]any{"bandwidthMbps": 5, "provider": "bgp"}})
	w.ok("vm", "DELETE", vmPath+"/"+one+"?deletePrimaryNetworkInterfaceAllElasticIp=true", nil)
	w.advance(time.Second)
	if got := w.Report(1).EIPs; got != 0 {
		t.Errorf("%d addresses after the deletion, want 0", got)
	}
}

// Resources of one account or region are unknown in another.
func TestForeignResources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	two := &world{Cloud: w.Cloud, url: w.url, t: t, key: "access-two", secret: "secret-two"}
	two.refused("NOT_FOUND", "vm", "GET", vmPath+"/"+id, nil)
	two.refused("NOT_FOUND", "vm", "DELETE", vmPath+"/"+id, nil)
	two.refused("HTTP_FORBIDDEN", "partner", "GET", "/v1/regions/cn-north-1/getPartnerUserList", nil)
	w.refused("NOT_FOUND", "vm", "GET", "/v1/regions/cn-east-2/instances/"+id, nil)
	if got := len(two.ok("vm", "GET", vmPath, nil).list("instances")); got != 0 {
		t.Errorf("another account sees %d instances", got)
	}
}
