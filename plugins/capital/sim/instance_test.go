package sim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/capital/sim"
)

func TestInstanceLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	made := w.post(ecs, "CreateInstance", order(n, edgeZone, args{"Number": 2, "StartNumber": 5}))
	id, event := text(made, "Data", "EcsIdSet", 0), text(made, "Data", "EventId")
	want := []string{"init", "doing", "success"}
	got := []string{}
	for range 3 {
		got = append(got, text(w.get(ecs, "DescribeEvent", args{"EventId": event}), "Data", "EventStatus"))
		if s := w.status(id); (s == "building") != (got[len(got)-1] != "success") {
			t.Errorf("the instance is %s while the event is %s", s, got[len(got)-1])
		}
		w.advance(160 * time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an event's states (-want +got):\n%s", diff)
	}
	list := w.get(ecs, "DescribeInstanceList", args{"SearchInfo": "web"})
	if list["code"] != "Success" || list["Code"] != nil || text(list, "TotalCount") != "2" || text(list, "Data", "EcsList", 1, "EcsName") != "web6" {
		t.Errorf("the list has its own envelope and numbered names: %v", list)
	}
	steps := []struct{ op, during, after string }{
		{"shutdown_ecs", "shutting_down", "shutdown"},
		{"start_up_ecs", "starting_up", "running"},
		{"restart_ecs", "restarting", "running"},
		{"hard_shutdown_ecs", "shutting_down", "shutdown"},
	}
	for _, s := range steps {
		w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": s.op})
		if got := w.status(id); got != s.during {
			t.Errorf("%s: %s, want %s", s.op, got, s.during)
		}
		w.advance(time.Second)
		if got := w.status(id); got != s.after {
			t.Errorf("%s: %s, want %s", s.op, got, s.after)
		}
	}
	w.post(ecs, "DeleteInstance", args{"EcsIds": []string{id}})
	w.advance(time.Second)
	if r := w.try(http.MethodGet, ecs, "DescribeInstance", args{"EcsId": id}); r.status != 404 || r.code() != "InvalidResourceId.NotFound" {
		t.Errorf("a deleted instance is gone: %s", r.raw)
	}
	if r := w.Report(10); r.Hosts != 1 || r.Disks != 1 {
		t.Errorf("its disk went with it: %d instances, %d disks", r.Hosts, r.Disks)
	}
}

func TestStock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	if err := w.SetLimits(sim.Limits{Stock: []sim.Stock{{Zone: edgeZone, MachineType: fam, Count: 2}}}); err != nil {
		t.Fatal(err)
	}
	id := w.create(n, edgeZone, nil)[0]
	if r := w.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, args{"Number": 2})); r.code() != "Resource.SoldOut" {
		t.Errorf("one is left, not two: %s", r.raw)
	}
	w.create(n, edgeZone, nil)
	sale := func() string {
		return text(w.get(ecs, "DescribeZoneInstanceType", args{"AvailableZoneCode": edgeZone}), "Data", 0, "SpecList", 0, "Status")
	}
	if got := sale(); got != "SELLOUT" {
		t.Errorf("the last one is sold: %s", got)
	}
	w.post(ecs, "DeleteInstance", args{"EcsIds": []string{id}})
	w.advance(time.Second)
	if got := sale(); got != "SELL" {
		t.Errorf("a deleted one can be sold again: %s", got)
	}
}

func TestCreateValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits = sim.Limits{MaxHosts: 50, Stock: []sim.Stock{{Zone: edgeZone, MachineType: "优化型M2", Count: 0}}}
	})
	n := w.network(edge, edgeZone)
	other := w.network("CN_Qingyang", "CN_Qingyang_A")
	cases := map[string]struct {
		reason string
		change args
		status int
		code   string
	}{
		"Sound":       {"the base order is accepted", nil, 200, "Success"},
		"NoZone":      {"the zone is required", args{"AvailableZoneCode": nil}, 400, "MissingParameter"},
		"BadZone":     {"the zone must exist", args{"AvailableZoneCode": "CN_None_A"}, 404, "InvalidAvailableZone.NotFound"},
		"BadFamily":   {"the family must exist", args{"EcsFamilyName": "x"}, 400, "InvalidInstanceType.ValueNotSupported"},
		"BadSpec":     {"the size must exist", args{"Cpu": 3}, 400, "InvalidInstanceSpec.ValueNotSupported"},
		"TextNumber":  {"numbers are JSON numbers", args{"Cpu": "2"}, 400, "ParamParseError"},
		"MethodInt":   {"the billing method is text", args{"BillingMethod": 0}, 400, "ParamParseError"},
		"BadMethod":   {"the billing method is 0, 1 or 3", args{"BillingMethod": "2"}, 400, "InvalidParameter"},
		"TooMany":     {"an order has at most 100", args{"Number": 101}, 400, "InvalidParameter"},
		"Quota":       {"the account's quota", args{"Number": 60}, 400, "MaxEcsCountExceed"},
		"SoldOut":     {"nothing is left of the family", args{"EcsFamilyName": "优化型M2"}, 403, "Resource.SoldOut"},
		"NoPassword":  {"a password is required", args{"Password": nil}, 400, "MissingParameter"},
		"WeakOne":     {"a password has rules", args{"Password": "short"}, 400, "InvalidParameter"},
		"BadImage":    {"the image must exist", args{"ImageId": "none"}, 404, "InvalidImage.NotFound"},
		"GPUImage":    {"an image for cards wants cards", args{"ImageId": "Windows 10 64位-GPU-Geforce"}, 400, "InvalidParameter"},
		"SmallDisk":   {"the disk holds the image", args{"SystemDisk": args{"DiskFeature": "ssd", "Size": 16}}, 400, "MinDiskSizeLess"},
		"OddDisk":     {"sizes are multiples of 8", args{"SystemDisk": args{"DiskFeature": "ssd", "Size": 41}}, 400, "InvalidDiskSize.ValueNotSupported"},
		"HugeDisk":    {"disks are bounded", args{"SystemDisk": args{"DiskFeature": "ssd", "Size": 32008}}, 400, "MaxDiskSizeExceed"},
		"Mixed":       {"local and cloud disks do not mix", args{"DataDisk": []args{{"DiskFeature": "local", "Size": 48}}}, 400, "UnSupportedMixingLocalAndEbs"},
		"OneDisk":     {"the sample's object is taken for a list", args{"DataDisk": args{"DiskFeature": "ssd", "Size": 48}}, 200, "Success"},
		"NoVPC":       {"the vpc must exist", args{"VpcInfo": args{"VpcId": "none"}}, 404, "InvalidVpc.NotFound"},
		"OtherVPC":    {"the subnet is of the vpc", args{"VpcInfo": args{"VpcId": other.vpc}}, 403, "InvalidOperation.VpcMismatch"},
		"OtherZone":   {"the subnet is in the zone", args{"VpcInfo": args{"VpcId": other.vpc}, "SubnetInfo": args{"SubnetId": other.subnet}}, 403, "InvalidOperation.AzMismatch"},
		"TakenIP":     {"fixed addresses are not given away", args{"SubnetInfo": args{"SubnetId": n.subnet, "IpAddress": []string{"10.15.1.254"}}}, 400, "InvalidParameter"},
		"ChosenIP":    {"an address can be chosen", args{"SubnetInfo": args{"SubnetId": n.subnet, "IpAddress": []string{"10.15.1.77"}}}, 200, "Success"},
		"BadDuration": {"13 months do not exist", args{"BillingMethod": "1", "Duration": 13}, 400, "InvalidParameter"},
		"NoGroup":     {"security groups must exist", args{"SecurityGroups": []args{{"SecurityGroupId": "sg-none"}}}, 404, "InvalidResourceId.NotFound"},
		"NoFund":      {"the test account must exist", args{"TestAccount": "none"}, 404, "InvalidAccount.NotFound"},
		"Fund":        {"a test account of the account", args{"TestAccount": "trial"}, 200, "Success"},
		"OneDNS":      {"name servers come in pairs", args{"DnsList": []string{"192.0.2.1"}}, 400, "InvalidParameter"},
		"MonthlyBW":   {"monthly instances want monthly bandwidth", args{"BillingMethod": "1", "PubnetInfo": []args{{"SubnetId": n.gateway, "BandwidthType": "Bandwidth", "Qos": 5}}}, 400, "InvalidParameter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, c.change))
			if r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %s, want %d %s", c.reason, r.status, r.raw, c.status, c.code)
			}
		})
	}
}
