package sim_test

import (
	"net/http"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

func TestDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, args{"DataDisk": []args{{"DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 0}, {"DiskFeature": "ssd", "Size": 24}}})[0]
	conf := dig(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "Disk")
	if text(conf, "SystemDiskConf", "DiskId") == "" || text(conf, "DataDiskConf", 0, "Id") == "" || text(conf, "DataDiskConf", 0, "ReleaseWithInstance") != "0" {
		t.Errorf("the system disk has a DiskId, data disks an Id: %v", conf)
	}
	made := w.post(ebs, "CreateDisk", args{"AvailableZoneCode": edgeZone, "DiskFeature": "SSD", "Size": 64, "Number": 2, "DiskName": "data"})
	event, id := text(made, "Data", "EventId"), text(made, "Data", "DiskIdSet", 0)
	w.advance(time.Second)
	if r := w.try(http.MethodGet, ecs, "DescribeEvent", args{"EventId": event}); r.status != 404 || r.code() != "InvalidEvent.NotFound" {
		t.Errorf("ecs does not know the events of ebs: %s", r.raw)
	}
	e := w.get(ebs, "DescribeEvent", args{"EventId": event})
	if text(e, "Data", "EventStatus") != "success" || text(e, "Data", "TaskList", 1, "ResourceType") != "disk" || text(e, "Data", "TaskList", 0, "EndTime") == "" {
		t.Errorf("an event has a task for each disk: %v", e)
	}
	w.post(ebs, "AttachDisk", args{"DiskIds": []string{id}, "EcsId": ins})
	w.advance(time.Second)
	if got := dig(w.get(ebs, "DescribeDisk", args{"DiskId": id}), "Data", "DiskInfo"); text(got, "EcsId") != ins || text(got, "Status") != "running" {
		t.Errorf("it is attached: %v", got)
	}
	if got, _ := dig(w.get(ebs, "DescribeEcsAttachDisks", args{"InstanceId": ins}), "Data", "DiskList").([]any); len(got) != 4 {
		t.Errorf("the instance has %d disks, want 4", len(got))
	}
	w.post(ebs, "ExtendDisk", args{"DiskId": id, "ExtendedSize": 80})
	w.advance(time.Second)
	w.post(ebs, "DetachDisk", args{"DiskIds": []string{id}})
	w.advance(time.Second)
	if got := dig(w.get(ebs, "DescribeDisk", args{"DiskId": id}), "Data", "DiskInfo"); text(got, "Status") != "waiting" || text(got, "Size") != "80" || text(got, "EcsId") != "" {
		t.Errorf("it is larger and loose: %v", got)
	}
	quota := w.get(ebs, "DescribeDiskQuota", args{"AvailableZoneCode": edgeZone})
	if text(quota, "Data", "QuotaList", 0, "UsedQuota") != "256" {
		t.Errorf("40+48+24+80+64 GB are used: %v", quota)
	}
	w.post(ebs, "DeleteDisk", args{"DiskIds": []string{id}})
	w.post(ecs, "DeleteInstance", args{"EcsIds": []string{ins}})
	w.advance(time.Second)
	list := w.post(ebs, "DescribeDiskList", args{"AvailableZoneCode": edgeZone})
	if text(list, "TotalCount") != "2" || text(list, "Data", "DiskList", 0, "Status") != "waiting" {
		t.Errorf("the disk that does not follow its instance stays, and the second new one: %v", list)
	}
	// 48 GB are 1.44 a day and 64 GB 1.92: 0.06 and 0.08 an hour.
	if got := w.spend(func() { w.advance(10 * time.Hour) }); got != 140 {
		t.Errorf("disks that are left are charged by themselves: %v", got)
	}
	one := w.get(ebs, "DescribeDiskList", args{"DiskIds": `["` + text(list, "Data", "DiskList", 0, "DiskId") + `"]`})
	if text(one, "TotalCount") != "1" {
		t.Errorf("ids come as the text of a JSON array: %v", one)
	}
}

func TestDiskRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.DiskGB = 200 })
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, nil)[0]
	system := text(w.get(ecs, "DescribeInstance", args{"EcsId": ins}), "Data", "Disk", "SystemDiskConf", "DiskId")
	loose := text(w.post(ebs, "CreateDisk", args{"AvailableZoneCode": "CN_Suqian_A", "DiskFeature": "SSD", "Size": 24}), "Data", "DiskIdSet", 0)
	w.advance(time.Second)
	buy := func(change args) args {
		a := args{"AvailableZoneCode": edgeZone, "DiskFeature": "SSD", "Size": 64}
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
		"Feature":   {"ebs writes SSD", "CreateDisk", buy(args{"DiskFeature": "ssd"}), 400, "InvalidParameter"},
		"Small":     {"24 GB at least", "CreateDisk", buy(args{"Size": 16}), 400, "MinDiskSizeLess"},
		"Odd":       {"multiples of 8", "CreateDisk", buy(args{"Size": 25}), 400, "InvalidDiskSize.ValueNotSupported"},
		"Monthly":   {"disks are paid on demand", "CreateDisk", buy(args{"BillingMethod": "1"}), 400, "InvalidParameter"},
		"Quota":     {"the quota of the zone", "CreateDisk", buy(args{"Number": 3}), 400, "Quota.Exceeded"},
		"OtherZone": {"disk and instance share the zone", "CreateDisk", buy(args{"AvailableZoneCode": "CN_Suqian_A", "InstanceId": ins}), 403, "InvalidOperation.AzMismatch"},
		"AttachFar": {"disk and instance share the zone", "AttachDisk", args{"DiskIds": []string{loose}, "InstanceId": ins}, 403, "InvalidOperation.AzMismatch"},
		"System":    {"a system disk stays", "DetachDisk", args{"DiskIds": []string{system}}, 403, "InvalidOperation"},
		"InUse":     {"an attached disk is not deleted", "DeleteDisk", args{"DiskIds": []string{system}}, 403, "InvalidOperation"},
		"Shrink":    {"disks only grow", "ExtendDisk", args{"DiskId": system, "ExtendedSize": 32}, 400, "InvalidDiskSize.ValueNotSupported"},
		"Unknown":   {"the disk exists", "ExtendDisk", args{"DiskId": "disk-none", "ExtendedSize": 32}, 404, "InvalidResourceId.NotFound"},
		"Many":      {"lists are bounded", "DeleteDisk", args{"DiskIds": make([]string, 201)}, 400, "InvalidParameter"},
		"NoList":    {"ids are required", "DeleteDisk", args{}, 400, "MissingParameter"},
		"Attached":  {"a disk can be bought for an instance", "CreateDisk", buy(args{"InstanceId": ins}), 200, "Success"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.try(http.MethodPost, ebs, c.action, c.a); r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %s, want %d %s", c.reason, r.status, r.raw, c.status, c.code)
			}
		})
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	ins := w.create(n, edgeZone, nil)[0]
	made := w.post(ecs, "CreateImage", args{"EcsId": ins, "Name": "mine", "IsOptimized": 1})
	id := text(made, "Data", "ImageId")
	if got := w.status(ins); got != "creating_image" {
		t.Errorf("meanwhile the instance is %s", got)
	}
	if r := w.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, args{"ImageId": id})); r.code() != "InvalidImage.NotFound" {
		t.Errorf("an image under way can not be used: %s", r.raw)
	}
	w.advance(time.Second)
	w.create(n, edgeZone, args{"ImageId": "mine"})
	w.post(ecs, "SyncImage", args{"ImageId": id, "AvailableZoneCodes": []string{"CN_Suqian_A"}})
	w.advance(time.Second)
	list := w.post(ecs11, "DescribeImages", args{"ImageIds": []string{id}})
	if text(list, "TotalCount") != "2" || text(list, "Data", "ImageList", 0, "TemplateType") != "private" || text(list, "Data", "ImageList", 1, "Status") != "running" {
		t.Errorf("the image is in two zones: %v", list)
	}
	if r := w.get(ecs11, "DescribeImages", args{"AvailableZoneCode": edgeZone, "ImageIds": `["` + id + `"]`}); text(r, "TotalCount") != "1" {
		t.Errorf("GET carries a list as text: %v", r)
	}
	if r := w.try(http.MethodPost, ecs, "SyncImage", args{"ImageId": id, "AvailableZoneCodes": []string{"CN_Suqian_A"}}); r.code() != "InvalidOperation" {
		t.Errorf("it is there already: %s", r.raw)
	}
	w.post(ecs, "DeleteImage", args{"ImageIds": []string{id}, "AvailableZoneCode": edgeZone})
	w.advance(time.Second)
	if r := w.post(ecs11, "DescribeImages", args{"ImageIds": []string{id}}); text(r, "TotalCount") != "1" {
		t.Errorf("it is deleted in one zone: %v", r)
	}
	w.post(ecs, "DeleteImage", args{"ImageIds": []string{id}})
	w.advance(time.Second)
	if r := w.try(http.MethodPost, ecs, "DeleteImage", args{"ImageIds": []string{id}}); r.status != 404 || r.code() != "InvalidImage.NotFound" {
		t.Errorf("then in all: %s", r.raw)
	}
}
