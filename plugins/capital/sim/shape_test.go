package sim_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEnvelopes holds the keys around Data against the vendor's samples.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	price := args{"AvailableZoneCode": edgeZone, "Cpu": 1, "Ram": 1, "BillingMethod": "0", "SystemDiskInfo": args{"DiskFeature": "ssd", "Size": 24}}
	cases := map[string]struct {
		got  map[string]any
		want string
	}{
		"DescribeRegions":        {w.get(ecs, "DescribeRegions", nil), "Code Data Msg RequestId"},
		"DescribeInstanceList":   {w.get(ecs, "DescribeInstanceList", nil), "CodeMsg Data Message PageNumber PageSize RequestId TotalCount code"},
		"DescribeInstance":       {w.get(ecs, "DescribeInstance", args{"EcsId": id}), "CodeMsg Data Message code"},
		"DescribeInstanceStatus": {w.post(ecs, "DescribeInstanceStatus", args{"EcsIds": []string{id}}), "Code Data Message"},
		"DescribePrice":          {w.post(ecs, "DescribePrice", price), "Code CodeMsg Data Msg"},
		"CreateInstance":         {w.post(ecs, "CreateInstance", order(n, edgeZone, nil)), "Code Data Msg"},
		"OperateInstance":        {w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": "restart_ecs"}), "CodeMsg Data Message code"},
		"ModifyInstanceName":     {w.post(ecs, "ModifyInstanceName", args{"EcsId": id, "Name": "x"}), "Code Data Msg RequestId"},
		"DescribeImages":         {w.post(ecs11, "DescribeImages", nil), "Code Data Msg PageNumber PageSize RequestId TotalCount"},
		"DescribeDiskQuota":      {w.get(ebs, "DescribeDiskQuota", args{"AvailableZoneCode": edgeZone}), "Code Data Msg RequestId"},
		"DescribeDiskList":       {w.get(ebs, "DescribeDiskList", nil), "Code Data Msg PageNumber PageSize TotalCount"},
		"DescribeVPC":            {w.post(vpcs, "DescribeVPC", nil), "Code Data Message"},
		"DeleteVirtualGateWay":   {w.post(vpcs, "DeleteVirtualGateWay", args{"VirtualGateWayId": n.gateway}), "Code Data Message TaskId"},
		"DescribeSecurityGroups": {w.get(sg, "DescribeSecurityGroups", nil), "Code Data Message PageNumber PageSize RequestId TotalCount"},
		"DescribeSubjects":       {w.post(subjects, "DescribeSubjects", nil), "Code Data Msg RequestId"},
	}
	w.advance(time.Second)
	for name, c := range cases {
		if got := strings.Join(slices.Sorted(maps.Keys(c.got)), " "); got != c.want {
			t.Errorf("%s answers %s, want %s", name, got, c.want)
		}
	}
	if got := cases["DeleteVirtualGateWay"].got["Data"]; got == nil {
		t.Error("beside a task Data is an empty object")
	}
}
