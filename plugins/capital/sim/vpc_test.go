package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

func TestNetworksLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	list := w.post(vpcs, "DescribeVPC", args{"RegionCode": edge, "Keyword": "net"})
	if text(list, "Data", "VPCList", 0, "VPCNmae") != "net" || text(list, "Data", "VPCList", 0, "Status") != "ok" || text(list, "Data", "Total") != "1" {
		t.Errorf("the list has the vendor's misspelling: %v", list)
	}
	sub := w.post(vpcs, "DescribeSubnet", args{"RegionCode": edge, "VPCId": n.vpc})
	if text(sub, "Data", "SubnetList", 0, "UsedIPNum") != "4" || text(sub, "Data", "SubnetList", 0, "SubnetId") != n.subnet {
		t.Errorf("four addresses of a subnet are always used: %v", sub)
	}
	gate := w.post(vpcs, "DescribeVirtualGateWay", args{"RegionCode": edge, "AvailableZoneCode": edgeZone})
	if text(gate, "Data", "VirtualGateWayList", 0, "Type") != "电信" {
		t.Errorf("a gateway shows the line's name: %v", gate)
	}
	made := w.post(vpcs, "CreateSubnet", args{"VPCId": n.vpc, "SubnetList": []args{{"AvailableZoneCode": edgeZone, "SubnetName": "b", "SubnetSegment": "10.15.3.0/24"}}})
	task := text(made, "Data", "TaskIdList", 0)
	states := []string{}
	for range 3 {
		states = append(states, text(w.get(vpcs, "DescribeTask", args{"TaskId": task}), "Data", "TaskStatus"))
		w.advance(160 * time.Millisecond)
	}
	if fmt.Sprint(states) != "[init doing success]" {
		t.Errorf("a task's states: %v", states)
	}
	if r := w.try(http.MethodPost, vpcs, "DeleteVPC", args{"VPCId": n.vpc}); r.code() != "Resource.InUse" {
		t.Errorf("a vpc with subnets stays: %s", r.raw)
	}
	for _, id := range []string{n.subnet, text(made, "Data", "SubnetIdList", 0)} {
		if text(w.post(vpcs, "DeleteSubnet", args{"SubnetId": id}), "TaskId") == "" {
			t.Error("a delete has a task beside Data")
		}
	}
	w.post(vpcs, "DeleteVirtualGateWay", args{"VirtualGateWayId": n.gateway})
	w.advance(time.Second)
	w.post(vpcs, "DeleteVPC", args{"VPCId": n.vpc})
	w.advance(time.Second)
	if got := text(w.post(vpcs, "DescribeVPC", nil), "Data", "Total"); got != "0" {
		t.Errorf("%s vpcs are left", got)
	}
}

func TestNetworkRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	flat := w.network(cloudRegion, cloudZone)
	subnet := func(zone, cidr string) []args {
		return []args{{"AvailableZoneCode": zone, "SubnetName": "s", "SubnetSegment": cidr}}
	}
	vpc := func(change args) args {
		a := args{
			"RegionCode": edge, "VPCName": "x", "VPCSegment": "10.16.0.0/16", "VPCSegmentType": "manual",
			"BandwidthType": "Bandwidth_CMCC", "SubnetList": subnet(edgeZone, "10.16.1.0/24"),
		}
		for k, v := range change {
			a[k] = v
		}
		return a
	}
	gate := func(id, line, cidr string) args {
		return args{"VPCId": id, "VirtualGateWayList": []args{{"AvailableZoneCode": edgeZone, "VirtualGateWayName": "g", "VirtualGateWaySegment": cidr, "Type": line}}}
	}
	cases := map[string]struct {
		reason, action string
		a              args
		status         int
		code           string
	}{
		"NoName":      {"a vpc has a name", "CreateVPC", vpc(args{"VPCName": ""}), 400, "InvalidParameter"},
		"NoRegion":    {"an unknown region is not found", "CreateVPC", vpc(args{"RegionCode": "CN_None"}), 404, "Resource.NotFound"},
		"NoLine":      {"edge nodes want a line", "CreateVPC", vpc(args{"BandwidthType": nil}), 400, "InvalidParameter"},
		"NoSubnet":    {"a vpc has at least one subnet", "CreateVPC", vpc(args{"SubnetList": []args{}}), 400, "InvalidParameter"},
		"FlatSubnet":  {"the subnet is in a list", "CreateVPC", vpc(args{"SubnetList": args{"SubnetName": "s"}}), 400, "InvalidParameter"},
		"PublicCIDR":  {"networks are private", "CreateVPC", vpc(args{"VPCSegment": "8.8.0.0/16"}), 400, "InvalidParameter"},
		"HostBits":    {"networks have no host bits", "CreateVPC", vpc(args{"VPCSegment": "10.16.0.1/16"}), 400, "InvalidParameter"},
		"Outside":     {"a subnet is within the vpc", "CreateVPC", vpc(args{"SubnetList": subnet(edgeZone, "10.17.1.0/24")}), 400, "Cidr.Conflict"},
		"Overlap":     {"vpcs of a region do not overlap", "CreateVPC", vpc(args{"VPCSegment": "10.15.0.0/16", "SubnetList": subnet(edgeZone, "10.15.9.0/24")}), 400, "Cidr.Conflict"},
		"OtherZone":   {"a subnet is in the region", "CreateVPC", vpc(args{"SubnetList": subnet(cloudZone, "10.16.1.0/24")}), 400, "InvalidParameter"},
		"SameSubnet":  {"subnets do not overlap", "CreateSubnet", args{"VPCId": n.vpc, "SubnetList": subnet(edgeZone, "10.15.1.0/25")}, 400, "Cidr.Conflict"},
		"NoVPC":       {"a subnet's vpc exists", "CreateSubnet", args{"VPCId": "none", "SubnetList": subnet(edgeZone, "10.15.4.0/24")}, 404, "Resource.NotFound"},
		"LineName":    {"a gateway wants the line's code", "CreateVirtualGateWay", gate(n.vpc, "联通", "10.15.4.0/24"), 400, "InvalidParameter"},
		"Platform":    {"platform nodes have no gateways", "CreateVirtualGateWay", gate(flat.vpc, "Bandwidth_Multi_ISP_BGP", "10.15.4.0/24"), 403, "InvalidOperation"},
		"WrongSort":   {"a gateway is no subnet", "DeleteSubnet", args{"SubnetId": n.gateway}, 404, "Resource.NotFound"},
		"ListRegion":  {"subnets are listed by region", "DescribeSubnet", nil, 400, "InvalidParameter"},
		"IPType":      {"the sort of network is told", "DescribeIPInfo", args{"NetId": n.subnet, "IPType": "x"}, 400, "InvalidParameter"},
		"IPSort":      {"a subnet is no gateway", "DescribeIPInfo", args{"NetId": n.subnet, "IPType": "virtual_gateway"}, 404, "Resource.NotFound"},
		"PageZero":    {"pages count from 1", "DescribeVPC", args{"PageNumber": 0}, 400, "InvalidParameter"},
		"UnknownNet":  {"the net exists", "NetEIPInfo", args{"NetIdList": []string{"none"}}, 404, "Resource.NotFound"},
		"TextList":    {"a list is a list", "NetEIPInfo", args{"NetIdList": "none"}, 400, "InvalidParameter"},
		"LineOfCloud": {"only edge nodes change their line", "UpdateVPCBandwidthType", args{"VPCID": flat.vpc, "BandwidthType": "Bandwidth_Multi_ISP_BGP"}, 403, "InvalidOperation"},
		"NewLine":     {"an edge node changes its line", "UpdateVPCBandwidthType", args{"VPCID": n.vpc, "BandwidthType": "Bandwidth_CMCC"}, 200, "Success"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.try(http.MethodPost, vpcs, c.action, c.a); r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %s, want %d %s", c.reason, r.status, r.raw, c.status, c.code)
			}
		})
	}
}

func TestVPCPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.VPCNotFound = "50002" })
	for n := range 12 {
		w.post(vpcs, "CreateVPC", args{
			"RegionCode": cloudRegion, "VPCName": fmt.Sprintf("v%d", n), "VPCSegment": fmt.Sprintf("10.%d.0.0/16", n), "VPCSegmentType": "auto",
			"SubnetList": []args{{"AvailableZoneCode": cloudZone, "SubnetName": "s", "SubnetSegment": fmt.Sprintf("10.%d.1.0/24", n)}},
		})
	}
	for page, rows := range map[int]int{1: 10, 2: 2, 3: 0} {
		r := w.post(vpcs, "DescribeVPC", args{"PageNumber": page})
		list, _ := dig(r, "Data", "VPCList").([]any)
		if len(list) != rows || text(r, "Data", "Total") != "12" {
			t.Errorf("page %d has %d rows, want %d: %v", page, len(list), rows, r)
		}
	}
	if r := w.try(http.MethodPost, vpcs, "DeleteVPC", args{"VPCId": "none"}); r.status != 404 || r.code() != "50002" {
		t.Errorf("the code of what is not found can be the one a client of the vendor knows: %s", r.raw)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, args{"SubnetInfo": args{"SubnetId": n.subnet, "IpAddress": []string{"10.15.1.40"}}})
	info := w.post(vpcs, "DescribeIPInfo", args{"NetId": n.subnet, "IPType": "subnet"})
	block := dig(info, "Data", "SegmentList", 0)
	if text(block, "NetSignal") != "10.15.1.*" || text(block, "IPList", 0, "IPStatus") != "1" || text(block, "IPList", 4, "IPAddress") != "10.15.1.5" || text(block, "IPList", 4, "IPStatus") != "0" {
		t.Errorf("blocks of addresses: %.300v", block)
	}
	if free, ok := dig(block, "IPList", 4).(map[string]any); !ok || free["IPUsage"] != nil {
		t.Errorf("a free address has no usage: %v", free)
	}
	use := w.post(vpcs, "DescribeSubnetIp", args{"NetId": n.subnet})
	if text(use, "Data", "UsedNum") != "5" || text(use, "Data", "UnusedNum") != "249" || text(use, "Data", "UsedList", 3, "IP") != "10.15.1.40" {
		t.Errorf("four fixed addresses and one machine: %v", dig(use, "Data", "UsedList"))
	}
	if r := w.try(http.MethodPost, vpcs, "DeleteSubnet", args{"SubnetId": n.subnet}); r.code() != "Resource.InUse" {
		t.Errorf("a subnet with machines stays: %s", r.raw)
	}
	w.post(ecs, "DeleteInstance", args{"EcsIds": ins})
	w.advance(time.Second)
	w.post(vpcs, "DeleteSubnet", args{"SubnetId": n.subnet})
}
