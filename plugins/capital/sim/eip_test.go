package sim_test

import (
	"net/http"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

// eips buys addresses and waits until they are there.
func (w *world) eips(zone string, change args) []string {
	w.t.Helper()
	a := args{"RegionCode": edge, "AvailableZoneCode": zone, "BandwidthType": "Bandwidth_China_Telecom", "BillScheme": "BandwIdth", "Qos": 5, "Size": 1, "Description": "mine"}
	for k, v := range change {
		a[k] = v
		if v == nil {
			delete(a, k)
		}
	}
	made := w.post(vpcs, "CreateEIP", a)
	if made["TaskId"] != nil {
		w.t.Error("a new address has no task")
	}
	ids := []string{}
	for n := 0; text(made, "Data", n, "EIPId") != ""; n++ {
		ids = append(ids, text(made, "Data", n, "EIPId"))
	}
	w.advance(time.Second)
	return ids
}

// eip is an address as DescribeEIP shows it.
func (w *world) eip(id string) map[string]any {
	w.t.Helper()
	a := args{"RegionCode": edge, "AvailableZoneCode": edgeZone, "Keyword": id}
	row, _ := dig(w.post(vpcs, "DescribeEIP", a), "Data", "EIPList", 0).(map[string]any)
	return row
}

func TestAddressOnAnEdgeNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	pair := w.eips(edgeZone, args{"Size": 2})
	id, other := pair[0], pair[1]
	bind := args{"EIPId": id, "NetId": n.gateway, "IP": "10.15.2.9"}
	w.post(vpcs, "BindEIP", bind)
	if got := w.eip(id); got["IsBind"] != false || got["BindResourceInfo"] != nil {
		t.Errorf("a bind takes time: %v", got)
	}
	if r := w.try(http.MethodPost, vpcs, "DeleteEIP", args{"EIPId": id}); r.code() != "Resource.InUse" {
		t.Errorf("meanwhile nothing else is done to it: %s", r.raw)
	}
	rival := w.try(http.MethodPost, vpcs, "BindEIP", args{"EIPId": other, "NetId": n.gateway, "IP": "10.15.2.9"})
	if rival.code() != "Resource.InUse" {
		t.Errorf("a private address is claimed by a bind under way: %s", rival.raw)
	}
	w.advance(time.Second)
	got := w.eip(id)
	if got["IsBind"] != true || text(got, "BindResourceInfo", "SubnetId") != n.gateway || text(got, "BindResourceInfo", "SubnetIP") != "10.15.2.9" {
		t.Errorf("it is bound to the gateway: %v", got)
	}
	net := w.post(vpcs, "NetEIPInfo", args{"NetIdList": []string{n.gateway}})
	if text(net, "Data", 0, "EIP_INFO_LIST", 0, "ReginCode") != edge || text(net, "Data", 0, "NetType") != "vir" {
		t.Errorf("the gateway tells its addresses, with the vendor's misspelling: %v", net)
	}
	if r := w.try(http.MethodPost, vpcs, "DeleteEIP", args{"EIPId": id}); r.code() != "Resource.InUse" {
		t.Errorf("a bound address stays: %s", r.raw)
	}
	w.post(vpcs, "UpdateEIP", args{"EIPId": id, "Description": "other", "Qos": 9})
	w.advance(time.Second)
	if got := w.eip(id); got["Description"] != "other" || text(got, "BandwidthInfo", "Qos") != "9" {
		t.Errorf("note and bandwidth have changed: %v", got)
	}
	w.post(vpcs, "UnbindEIP", bind)
	w.advance(time.Second)
	if r := w.post(vpcs, "DeleteEIP", args{"EIPId": id}); r["Data"] != nil || r["TaskId"] != nil {
		t.Errorf("a delete is done at once: %v", r)
	}
	if w.eip(id) != nil {
		t.Error("the address is still there")
	}
}

func TestAddressOnAPlatformNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(cloudRegion, cloudZone)
	ins := w.create(n, cloudZone, nil)[0]
	ip := text(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "Pipe", "PrivateNet")
	id := w.eips(cloudZone, args{"RegionCode": cloudRegion, "AvailableZoneCode": nil, "BandwidthType": "Bandwidth_Multi_ISP_BGP"})[0]
	free := args{"EIPId": id, "NetId": n.subnet, "IP": "10.15.1.200"}
	if r := w.try(http.MethodPost, vpcs, "BindEIP", free); r.code() != "InvalidParameter" {
		t.Errorf("nobody has that private address: %s", r.raw)
	}
	w.post(vpcs, "BindEIP", args{"EIPId": id, "NetId": n.subnet, "IP": ip})
	w.advance(time.Second)
	pipe := dig(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "Pipe")
	if text(pipe, "EipInfo", ip, "EipIp") == "" || text(pipe, "EipInfo", ip, "CurrentUseQos") != "5" {
		t.Errorf("the instance shows its public address: %v", pipe)
	}
	w.post(ecs, "DeleteInstance", args{"EcsIds": []string{ins}})
	w.advance(time.Second)
	list := w.post(vpcs, "DescribeEIP", args{"RegionCode": cloudRegion})
	if dig(list, "Data", "EIPList", 0, "IsBind") != false {
		t.Errorf("without DeleteEip the address outlives the instance: %v", list)
	}
}

func TestInstanceWithPublicAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	old := w.eips(edgeZone, args{"Size": 2})
	ids := w.create(n, edgeZone, args{"Number": 2, "PubnetInfo": []args{
		{"SubnetId": n.gateway, "IpType": "virtual", "EipIds": old},
		{"SubnetId": n.gateway, "IpType": "default_gateway", "BandwidthType": "Traffic", "Qos": 100},
	}})
	row := dig(w.get(ecs, "DescribeInstanceList", args{"EcsIds": ids[1]}), "Data", "EcsList", 0)
	virtual, pub := text(row, "VirtualNet", 0), text(row, "PubNet")
	if text(row, "EipInfo", virtual, "EipIp") != text(w.eip(old[1]), "IP") || text(row, "EipInfo", pub, "ConfName") != "电信" {
		t.Errorf("an existing and a new address: %v", row)
	}
	w.post(ecs, "OperateInstance", args{"EcsIds": ids[:1], "OpType": "free_shutdown_ecs"})
	w.post(ecs, "DeleteInstance", args{"EcsIds": ids[1:], "DeleteEip": 1})
	w.advance(time.Second)
	if got := w.Report(1).EIPs; got != 0 {
		t.Errorf("a stop without charges releases the addresses unless told not to, a delete if told to: %d are left", got)
	}
	if got := text(w.get(ecs, "DescribeInstance", args{"EcsId": ids[0]}), "Data", "NoChargeForShutdown"); got != "1" {
		t.Errorf("NoChargeForShutdown is %s", got)
	}
}

func TestReserveAndBind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ids := w.eips(edgeZone, args{"Size": 2})
	public := []string{text(w.eip(ids[0]), "IP"), text(w.eip(ids[1]), "IP")}
	entry := args{"NetId": n.gateway, "AddressList": []string{"10.15.2.50", "10.15.2.51"}, "EIPList": public, "Description": "kept"}
	flat := args{"AvailableZoneCode": edgeZone}
	for k, v := range entry {
		flat[k] = v
	}
	if r := w.try(http.MethodPost, vpcs, "ReserveIPAndBindEIP", flat); r.code() != "InvalidParameter" {
		t.Errorf("the addresses are inside Ips: %s", r.raw)
	}
	twice := args{"AvailableZoneCode": edgeZone, "Ips": []args{entry, entry}}
	if r := w.try(http.MethodPost, vpcs, "ReserveIPAndBindEIP", twice); r.code() != "InvalidParameter" {
		t.Errorf("no address is given twice: %s", r.raw)
	}
	r := w.post(vpcs, "ReserveIPAndBindEIP", args{"AvailableZoneCode": edgeZone, "Ips": []args{entry}})
	if _, ok := r["Data"]; ok || r["TaskId"] != nil {
		t.Errorf("there is nothing to poll: %v", r)
	}
	w.advance(time.Second)
	if got := w.eip(ids[1]); text(got, "BindResourceInfo", "SubnetIP") != "10.15.2.51" {
		t.Errorf("pairs go in order: %v", got)
	}
	if r := w.try(http.MethodPost, vpcs, "ReserveIPAndBindEIP", args{"AvailableZoneCode": edgeZone, "Ips": []args{entry}}); r.code() != "Resource.InUse" {
		t.Errorf("the addresses are taken: %s", r.raw)
	}
}

func TestSharedBandwidth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ids := w.eips(edgeZone, args{"Size": 2})
	buy := args{
		"RegionCode": edge, "AvailableZoneCode": edgeZone, "Name": "pipe", "BandwidthType": "Bandwidth_China_Telecom",
		"BillScheme": "BandwIdthMonth_Shared", "Qos": 10, "NETID": n.gateway, "SubjectId": 7,
	}
	id := text(w.post(vpcs, "CreateBandwidth", buy), "Data", 0, "BandwidthId")
	w.advance(time.Second)
	w.post(vpcs, "BandwidthAddEIP", args{"BandwidthId": id, "EIPIdList": ids})
	w.advance(time.Second)
	if got := w.eip(ids[0]); text(got, "BandwidthInfo", "Name") != "pipe" || text(got, "BandwidthInfo", "Id") != id {
		t.Errorf("the address runs over the shared bandwidth: %v", got)
	}
	if got := w.spend(func() { w.advance(10 * time.Hour) }); got != 2*10*2 {
		t.Errorf("only the two addresses are charged by the hour, their bandwidth is not: %v", got)
	}
	w.post(vpcs, "UpdateBandwidth", args{"BandwidthId": id, "Qos": 20})
	w.advance(time.Second)
	if got := text(w.post(vpcs, "DescribeBandwidth", args{"Keyword": "pipe"}), "Data", "BandwidthList", 0, "Qos"); got != "20" {
		t.Errorf("the bandwidth has %s Mbps", got)
	}
	for name, c := range map[string]struct {
		action string
		a      args
		code   string
	}{
		"InUse":      {"DeleteBandwidth", args{"BandwidthId": id}, "Resource.InUse"},
		"SharedQos":  {"UpdateEIP", args{"EIPId": ids[0], "Qos": 3}, "Resource.InUse"},
		"Twice":      {"BandwidthAddEIP", args{"BandwidthId": id, "EIPIdList": ids[:1]}, "InvalidParameter"},
		"NoDelete":   {"BandwidthRemoveEIP", args{"EIPIdList": ids}, "InvalidParameter"},
		"NoNewOne":   {"BandwidthRemoveEIP", args{"EIPIdList": ids, "Delete": false}, "InvalidParameter"},
		"WrongWords": {"CreateBandwidth", args{"BillScheme": "BandwIdth"}, "InvalidParameter"},
	} {
		a := args{}
		if c.action == "CreateBandwidth" {
			for k, v := range buy {
				a[k] = v
			}
		}
		for k, v := range c.a {
			a[k] = v
		}
		if r := w.try(http.MethodPost, vpcs, c.action, a); r.code() != c.code {
			t.Errorf("%s: %s, want %s", name, r.raw, c.code)
		}
	}
	w.post(vpcs, "BandwidthRemoveEIP", args{
		"EIPIdList": ids[:1], "Delete": false, "RegionCode": edge, "AvailableZoneCode": edgeZone,
		"BandwidthType": "Bandwidth_China_Telecom", "BillScheme": "Traffic", "Qos": 7,
	})
	w.post(vpcs, "BandwidthRemoveEIP", args{"EIPIdList": ids[1:], "Delete": true})
	w.advance(time.Second)
	if got := w.eip(ids[0]); text(got, "BandwidthInfo", "BillScheme") != "Traffic" || w.eip(ids[1]) != nil {
		t.Errorf("one address has its own bandwidth again, the other is gone: %v", got)
	}
	w.post(vpcs, "DeleteBandwidth", args{"BandwidthId": id})
}

func TestAddressRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxEIPs = 3 })
	n := w.network(edge, edgeZone)
	id := w.eips(edgeZone, nil)[0]
	other := w.eips(edgeZone, args{"BandwidthType": "Bandwidth_CMCC"})[0]
	buy := func(change args) args {
		a := args{"RegionCode": edge, "AvailableZoneCode": edgeZone, "BandwidthType": "Bandwidth_CMCC", "BillScheme": "Traffic", "Qos": 5, "Size": 1}
		for k, v := range change {
			a[k] = v
		}
		return a
	}
	cases := map[string]struct {
		reason, action string
		a              args
		status         int
		code           string
	}{
		"NoZone":    {"edge nodes want a zone", "CreateEIP", buy(args{"AvailableZoneCode": nil}), 400, "InvalidParameter"},
		"Spelling":  {"the I is a capital one", "CreateEIP", buy(args{"BillScheme": "Bandwidth"}), 400, "InvalidParameter"},
		"Shared":    {"shared words are of bandwidths", "CreateEIP", buy(args{"BillScheme": "Traffic_Shared"}), 400, "InvalidParameter"},
		"NoQos":     {"a bandwidth is needed", "CreateEIP", buy(args{"Qos": nil}), 400, "InvalidParameter"},
		"NoFund":    {"the test fund exists", "CreateEIP", buy(args{"SubjectId": 8}), 404, "Resource.NotFound"},
		"Quota":     {"the quota of addresses", "CreateEIP", buy(args{"Size": 2}), 400, "Quota.Exceeded"},
		"ListZone":  {"edge nodes list by zone", "DescribeEIP", args{"RegionCode": edge}, 400, "InvalidParameter"},
		"NoEIP":     {"the address exists", "BindEIP", args{"EIPId": "none", "NetId": n.gateway, "IP": "10.15.2.9"}, 404, "Resource.NotFound"},
		"Subnet":    {"edge nodes bind to gateways", "BindEIP", args{"EIPId": id, "NetId": n.subnet, "IP": "10.15.1.9"}, 400, "InvalidParameter"},
		"OtherLine": {"the line fits", "BindEIP", args{"EIPId": other, "NetId": n.gateway, "IP": "10.15.2.9"}, 400, "InvalidParameter"},
		"FixedIP":   {"fixed addresses are not bound", "BindEIP", args{"EIPId": id, "NetId": n.gateway, "IP": "10.15.2.1"}, 400, "InvalidParameter"},
		"NotBound":  {"only what is bound is unbound", "UnbindEIP", args{"EIPId": id, "NetId": n.gateway, "IP": "10.15.2.9"}, 400, "InvalidParameter"},
		"NoChange":  {"an update says what", "UpdateEIP", args{"EIPId": id}, 400, "InvalidParameter"},
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
