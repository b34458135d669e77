package sim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/capital/sim"
)

// TestMappedActions holds the routes against the reference's table: every
// mapped action is there, with its verb, and nothing is there twice.
func TestMappedActions(t *testing.T) {
	t.Parallel()
	mapped := map[string][]string{
		"GET " + ecs: {
			"DescribeRegions", "DescribeEcsFamilyInfo", "DescribeInstanceList", "DescribeInstance", "DescribeEvent",
			"DescribeAccountSubject", "DescribeInstanceVncUrl", "DescribeZoneInstanceType",
		},
		"POST " + ecs: {
			"DescribePrice", "DescribeInstanceStatus", "DescribeInstanceMonitor", "CreateInstance", "OperateInstance", "DeleteInstance",
			"ModifyInstancePassword", "ModifyInstanceName", "CreateImage", "DeleteImage", "SyncImage", "ChangeInstanceConfigure",
		},
		"GET " + ecs11: {"DescribeImages"}, "POST " + ecs11: {"DescribeImages"},
		"GET " + ebs:  {"DescribeDiskQuota", "DescribeEvent", "DescribeDiskList", "DescribeDisk", "DescribeEcsAttachDisks"},
		"POST " + ebs: {"DescribeDiskList", "CreateDisk", "DeleteDisk", "AttachDisk", "DetachDisk", "ExtendDisk"},
		"GET " + sg:   {"DescribeSecurityGroups", "DescribeSecurityGroupPolicies", "DescribeSecurityGroupAssociationStatistics"},
		"POST " + sg: {
			"CreateSecurityGroup", "ModifySecurityGroupAttribute", "DeleteSecurityGroup", "CreateSecurityGroupPolicies", "DeleteSecurityGroupPolicies",
			"ModifySecurityGroupPolicies", "AssociateSecurityGroups", "DisassociateSecurityGroups", "ModifySecurityGroupsPriority",
		},
		"GET " + vpcs: {"DescribeTask"},
		"POST " + vpcs: {
			"DescribeVPC", "CreateVPC", "DeleteVPC", "DescribeSubnet", "CreateSubnet", "DeleteSubnet", "DescribeVirtualGateWay", "CreateVirtualGateWay",
			"DeleteVirtualGateWay", "DescribeEIP", "CreateEIP", "UpdateEIP", "DeleteEIP", "BindEIP", "UnbindEIP", "DescribeBandwidth", "CreateBandwidth",
			"UpdateBandwidth", "DeleteBandwidth", "BandwidthAddEIP", "BandwidthRemoveEIP", "DescribeIPInfo", "NetEIPInfo", "ReserveIPAndBindEIP",
			"DescribeSubnetIp", "VPCBandWidthBillingScheme", "VPCBandWidthUnitPrice", "UpdateVPCBandwidthType", "DescribeOneMinuteFlow",
		},
		"GET " + gcw: {"GetVpcBandwidth", "GetEipPrice"}, "GET " + subjects: {"DescribeSubjects"}, "POST " + subjects: {"DescribeSubjects"},
	}
	w := newWorld(t)
	have := map[string][]string{}
	for path, names := range sim.Routes() {
		for _, name := range names {
			for _, verb := range []string{http.MethodGet, http.MethodPost} {
				if r := w.try(verb, path, name, nil); r.code() != "UnsupportedHTTPMethod" {
					have[verb+" "+path] = append(have[verb+" "+path], name)
				}
			}
		}
	}
	for _, m := range []map[string][]string{mapped, have} {
		for k := range maps.Keys(m) {
			slices.Sort(m[k])
		}
	}
	if diff := cmp.Diff(mapped, have); diff != "" {
		t.Errorf("the routes (-mapped +there):\n%s", diff)
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: edgeZone, MachineType: fam, Count: 0}}
	})
	regions := w.get(ecs, "DescribeRegions", nil)
	if text(regions, "Data", 0, "RegionList", 1, "AzList", 1, "AvailableZoneCode") != edgeZone || text(regions, "Data", 1, "RegionList", 0, "RegionCode") != cloudRegion {
		t.Errorf("regions in their groups: %v", regions)
	}
	families := w.get(ecs, "DescribeEcsFamilyInfo", args{"AvailableZoneCode": edgeZone, "BillingMethod": "0"})
	if text(families, "Data", "EcsFamilyInfo", 2, "SpecList", 0, "SupportGpuDriver") != "Geforce" {
		t.Errorf("families and sizes: %v", families)
	}
	if r := w.try(http.MethodGet, ecs, "DescribeEcsFamilyInfo", args{"AvailableZoneCode": edgeZone}); r.code() != "MissingParameter" {
		t.Errorf("the billing method is required: %s", r.raw)
	}
	types := w.get(ecs, "DescribeZoneInstanceType", args{"AvailableZoneCode": edgeZone, "EcsFamilyName": fam, "Cpu": 2, "Ram": 4})
	if text(types, "Data", 0, "SpecList", 0, "Status") != "SELLOUT" || dig(types, "Data", 0, "SpecList", 1) != nil {
		t.Errorf("one size, sold out: %v", types)
	}
	funds := w.get(ecs, "DescribeAccountSubject", nil)
	if text(funds, "Data", 0, "Name") != "trial" || text(funds, "Data", 0, "Balance") != "1000.01" {
		t.Errorf("test funds: %v", funds)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Accounts[0].PricePercent = 90 })
	price := func(change args) args {
		a := args{
			"AvailableZoneCode": edgeZone, "EcsFamilyName": fam, "Cpu": 2, "Ram": 4, "BillingMethod": "0",
			"SystemDiskInfo": args{"DiskFeature": "ssd", "Size": 40},
		}
		maps.Copy(a, change)
		return w.post(ecs, "DescribePrice", a)
	}
	// A month is 2*30.00 + 4*12.00 + 40*0.60 = 132.00; a day costs a 20th of it.
	cases := map[string]struct {
		reason string
		change args
		unit   string
		want   string
	}{
		"Day":      {"on demand by the day, 6.60 less a tenth", nil, "天", "5.94"},
		"Two":      {"the number counts", args{"Number": 2}, "天", "11.88"},
		"DataDisk": {"data disks count", args{"DataDiskInfo": []args{{"DiskFeature": "ssd", "Size": 40}}}, "天", "7.02"},
		"Month":    {"a month", args{"BillingMethod": "1"}, "月", "118.80"},
		"Year":     {"a year costs ten months", args{"BillingMethod": "1", "Duration": 12}, "年", "1188.00"},
		"Spot":     {"two fifths of a day", args{"BillingMethod": "3"}, "天", "2.38"},
	}
	for name, c := range cases {
		r := price(c.change)
		if got := text(r, "Data", "TotalPrice"); got != c.want || text(r, "Data", "PriceUnit") != c.unit {
			t.Errorf("%s: %s: %s %s, want %s", name, c.reason, got, text(r, "Data", "PriceUnit"), c.want)
		}
		if r["CodeMsg"] != "success" {
			t.Errorf("%s: a price has its own envelope: %v", name, r)
		}
	}
	if r := price(args{"BillingMethod": "3"}); text(r, "Data", "DemandStdAmount") != "5.94" {
		t.Errorf("spot tells its highest price: %v", r)
	}
	site := text(w.get(ecs, "DescribeRegions", nil), "Data", 0, "RegionList", 1, "AzList", 1, "AzId")
	confs := w.get(gcw, "GetVpcBandwidth", args{"siteId": site})
	if text(confs, "Data", 0, "conf_id") != "101" || confs["Message"] != "" {
		t.Errorf("lines of a site: %v", confs)
	}
	ask := args{"size": "2", "bandwidthConfIdStr": "101", "siteId": site, "isMounth": "0", "qos": "10", "requestId": "r"}
	eips := w.get(gcw, "GetEipPrice", ask)
	if text(eips, "Data", "total_price", "price") != "60.17" || text(eips, "Data", "eip_price", "price_str") != "0.59" || text(eips, "Data", "bandwidth_price", "cycle") != "/天" {
		t.Errorf("20 Mbps at 3.31 and two addresses at 0.33, less a tenth: %v", eips)
	}
	unit := w.post(vpcs, "VPCBandWidthUnitPrice", args{
		"RegionCode": edge, "AvailableZoneCode": edgeZone, "BandwidthType": "Bandwidth_China_Telecom", "BillScheme": "BandwIdth", "Type": "Bandwidth",
	})
	if text(unit, "Data", "BandwidthPrice", "StdPriceStr") != "3.31" || text(unit, "Data", "BandwidthPrice", "Price") != "2.98" || text(unit, "Data", "BandwidthPrice", "Discount") != "0.90" {
		t.Errorf("unit prices: %v", unit)
	}
	plans := w.post(vpcs, "VPCBandWidthBillingScheme", args{"RegionCode": edge, "AvailableZoneCode": edgeZone, "Type": "Bandwidth_Shared"})
	if text(plans, "Data", 0, "BillingSchemeList", 0, "BillingScheme") != "BandwIdth_Shared" || dig(plans, "Data", 0, "BillingSchemeList", 3) != nil {
		t.Errorf("plans of shared bandwidth: %v", plans)
	}
}

func TestGCWRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, asString := range []bool{false, true} {
		if asString {
			w.arm(sim.Fault{Kind: sim.KindRetCodeString})
		}
		for code, a := range map[string]args{"10003": nil, "10006": {"siteId": "none"}} {
			r := w.try(http.MethodGet, gcw, "GetVpcBandwidth", a)
			_, isText := r.body["Code"].(string)
			if r.status != 200 || r.code() != code || isText != asString {
				t.Errorf("refusals are HTTP 200 with a number, or text when a fault says so: %d %s", r.status, r.raw)
			}
		}
	}
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, nil)[0]
	w.advance(2 * time.Hour)
	all := w.post(ecs, "DescribeInstanceMonitor", args{"EcsId": ins, "Indicators": []string{"Load", "NetworkRate", "DiskIops", "GpuUsage"}})
	for _, key := range []string{"Load1M", "Load5M", "Load15M", "NetworkInrate", "NetworkOutrate", "DiskReadIops", "DiskWriteIops"} {
		values, _ := dig(all, "Data", key, "Value").([]any)
		if times, _ := dig(all, "Data", key, "Time").([]any); len(values) != 12 || len(times) != 12 {
			t.Errorf("%s has %d points in an hour, want 12", key, len(values))
		}
	}
	if got, _ := dig(all, "Data", "GpuUsage", "Value").([]any); len(got) != 0 {
		t.Errorf("there is no card to measure: %v", got)
	}
	for name, a := range map[string]args{
		"Indicator": {"EcsId": ins, "Indicators": []string{"Mood"}},
		"Time":      {"EcsId": ins, "StartTime": "yesterday"},
		"Order":     {"EcsId": ins, "StartTime": "2026-06-10 10:00:00", "EndTime": "2026-06-10 09:00:00"},
	} {
		if r := w.try(http.MethodPost, ecs, "DescribeInstanceMonitor", a); r.code() != "InvalidParameter" {
			t.Errorf("%s: %s", name, r.raw)
		}
	}
	id := w.eips(edgeZone, nil)[0]
	band := text(w.eip(id), "BandwidthInfo", "Id")
	w.advance(time.Hour)
	flow := w.post(vpcs, "DescribeOneMinuteFlow", args{"CloudId": band, "StartTime": "2026-06-10 14:00:00", "EndTime": "2026-06-10 14:10:00"})
	if flow["Code"] != "OK" || text(flow, "Data", 0, "time") != "2026-06-10 14:00:00" {
		t.Errorf("the flow's code of success is OK: %.200v", flow)
	}
	w.create(n, edgeZone, nil)
	url := w.get(ecs, "DescribeInstanceVncUrl", args{"EcsId": ins})
	if text(url, "Data", "InstanceVncUrl") == "" {
		t.Errorf("no console: %v", url)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	w.create(n, edgeZone, args{"Number": 5, "StartNumber": 1})
	cases := map[string]struct {
		reason string
		a      args
		rows   int
		size   json.Number
	}{
		"All":    {"without a page it is everything", nil, 5, "5"},
		"Second": {"the second page", args{"PageNumber": 2, "PageSize": 3}, 2, "3"},
		"Beyond": {"a page beyond the end is empty", args{"PageNumber": 9, "PageSize": 3}, 0, "3"},
		"Zone":   {"another zone has none", args{"AvailableZoneCode": "CN_Suqian_A"}, 0, "0"},
		"Search": {"part of a name", args{"SearchInfo": "web3"}, 1, "1"},
		"VPC":    {"of a vpc", args{"VpcId": n.vpc}, 5, "5"},
	}
	for name, c := range cases {
		r := w.get(ecs, "DescribeInstanceList", c.a)
		list, _ := dig(r, "Data", "EcsList").([]any)
		if len(list) != c.rows || r["PageSize"] != c.size {
			t.Errorf("%s: %s: %d rows, page size %v", name, c.reason, len(list), r["PageSize"])
		}
	}
}
