package sim_test

import (
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
)

func TestInstanceLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(nil)
	one := vmPath + "/" + id
	expect := func(want string) {
		t.Helper()
		if got := w.state(id); got != want {
			t.Fatalf("state %q, want %q", got, want)
		}
	}
	expect("pending")
	w.refused("FAILED_PRECONDITION", "vm", "POST", one+":stopInstance", nil)
	w.advance(time.Second)
	expect("running")
	w.refused("FAILED_PRECONDITION", "vm", "POST", one+":startInstance", nil)
	w.ok("vm", "POST", one+":rebootInstance", nil)
	expect("rebooting")
	w.advance(time.Second)
	w.ok("vm", "POST", one+":stopInstance", map[string]any{"chargeOnStopped": "stopCharging"})
	expect("stopping")
	w.advance(time.Second)
	expect("stopped")
	w.refused("FAILED_PRECONDITION", "vm", "POST", one+":rebootInstance", nil)
	w.refused("FAILED_PRECONDITION", "vm", "GET", one+"/vnc", nil)
	w.ok("vm", "POST", one+":resizeInstance", map[string]any{"instanceType": "g.n2.xlarge"})
	expect("resizing")
	w.advance(time.Second)
	expect("stopped")
	w.ok("vm", "POST", one+":rebuildInstance", map[string]any{"imageId": "img-debian12", "password": password})
	expect("rebuilding")
	w.advance(time.Second)
	w.ok("vm", "POST", one+":startInstance", nil)
	expect("starting")
	w.advance(time.Second)
	expect("running")
	w.ok("vm", "DELETE", one, nil)
	expect("deleting")
	w.advance(time.Second)
	expect("gone")
	if r := w.Report(10); r.Hosts != 0 || r.Disks != 0 {
		t.Errorf("nothing is left: %+v", r)
	}
}

func TestPasswordComesWithTheNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	one := vmPath + "/" + id
	w.ok("vm", "POST", one+":modifyInstancePassword", map[string]any{"password": "Other-horse-9"})
	w.refused("FAILED_PRECONDITION", "vm", "POST", one+":rebootInstance", nil)
	w.advance(time.Second)
	if !w.PasswordIs(id, password) {
		t.Error("the old password is good until the reboot")
	}
	w.ok("vm", "POST", one+":rebootInstance", nil)
	if !w.PasswordIs(id, "Other-horse-9") {
		t.Error("the new password is good after the reboot")
	}
	w.refused("INVALID_ARGUMENT", "vm", "POST", one+":modifyInstancePassword", map[string]any{"password": "weak"})
}

func TestCreateValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nic := func(m map[string]any) map[string]any {
		return map[string]any{"primaryNetworkInterface": map[string]any{"networkInterface": m}}
	}
	disk := func(m map[string]any) map[string]any {
		return map[string]any{"systemDisk": map[string]any{"diskCategory": "cloud", "cloudDiskSpec": m}}
	}
	data := func(m map[string]any) map[string]any {
		return map[string]any{"dataDisks": []any{map[string]any{"diskCategory": "cloud", "cloudDiskSpec": m}}}
	}
	subnet := w.subnet()
	cases := map[string]struct {
		reason string
		change map[string]any
		want   string
	}{
		"Sound":        {"the base request is accepted", nil, "OK"},
		"NoName":       {"a name is required", map[string]any{"name": ""}, "INVALID_ARGUMENT"},
		"ShortName":    {"a name has two characters", map[string]any{"name": "a"}, "INVALID_ARGUMENT"},
		"BadZone":      {"the az belongs to the region", map[string]any{"az": "cn-east-2a"}, "INVALID_ARGUMENT"},
		"BadType":      {"the type must exist", map[string]any{"instanceType": "x.y"}, "INVALID_ARGUMENT"},
		"BadImage":     {"the image must exist", map[string]any{"imageId": "img-none"}, "NOT_FOUND"},
		"WrongArch":    {"image and type have one architecture", map[string]any{"imageId": "img-ubuntu2204arm"}, "INVALID_ARGUMENT"},
		"WeakPassword": {"passwords have three classes", map[string]any{"password": "abcdefgh1"}, "INVALID_ARGUMENT"},
		"BannedWord":   {"some words are banned", map[string]any{"password": "Cloud-horse-7"}, "INVALID_ARGUMENT"},
		"NoPassword":   {"without a password one is made", map[string]any{"password": nil}, "OK"},
		"NoNetwork":    {"the interface is required", map[string]any{"primaryNetworkInterface": nil}, "INVALID_ARGUMENT"},
		"BadSubnet":    {"the subnet must exist", nic(map[string]any{"subnetId": "subnet-none"}), "NOT_FOUND"},
		"BadGroup":     {"groups must exist", nic(map[string]any{"subnetId": subnet, "securityGroups": []string{"sg-none"}}), "NOT_FOUND"},
		"ManyGroups":   {"five groups at most", nic(map[string]any{"subnetId": subnet, "securityGroups": []string{"a", "b", "c", "d", "e", "f"}}), "INVALID_ARGUMENT"},
		"BadIP":        {"the address belongs to the subnet", nic(map[string]any{"subnetId": subnet, "primaryIpAddress": "192.168.0.1"}), "INVALID_ARGUMENT"},
		"LocalDisk":    {"a local system disk", map[string]any{"systemDisk": nil}, "OK"},
		"SmallDisk":    {"the disk holds the image", disk(map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 30}), "INVALID_ARGUMENT"},
		"OddDisk":      {"sizes come in steps", disk(map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 45}), "INVALID_ARGUMENT"},
		"BadDisk":      {"the disk type must exist", disk(map[string]any{"diskType": "tape", "diskSizeGB": 40}), "INVALID_ARGUMENT"},
		"OtherZone":    {"disks are where the instance is", disk(map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 40, "az": "cn-north-1b"}), "INVALID_ARGUMENT"},
		"Data":         {"a data disk", data(map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 100, "az": "", "name": ""}), "OK"},
		"DataCharge": {"disks are charged as the instance", data(map[string]any{
			"diskType": "ssd.gp1", "diskSizeGB": 100, "charge": monthly,
		}), "INVALID_ARGUMENT"},
		"BadCharge": {"an instance is not charged by usage", map[string]any{"charge": map[string]any{"chargeMode": "postpaid_by_usage"}}, "INVALID_ARGUMENT"},
		"TenMonths": {"nine months at most", map[string]any{"charge": map[string]any{
			"chargeMode": "prepaid_by_duration", "chargeUnit": "month", "chargeDuration": 10,
		}}, "OUT_OF_RANGE"},
		"EIP":      {"an address comes with it", map[string]any{"elasticIp": map[string]any{"bandwidthMbps": 5, "provider": "bgp"}}, "OK"},
		"BigEIP":   {"bandwidth is bounded", map[string]any{"elasticIp": map[string]any{"bandwidthMbps": 1001, "provider": "bgp"}}, "OUT_OF_RANGE"},
		"Script":   {"a launch script is base64", map[string]any{"userdata": []any{map[string]any{"key": "launch-script", "value": "***"}}}, "INVALID_ARGUMENT"},
		"ManyTags": {"ten tags at most", map[string]any{"userTags": elevenTags()}, "INVALID_ARGUMENT"},
		"NoKey":    {"a key pair must exist", map[string]any{"keyNames": []string{"none"}}, "NOT_FOUND"},
		"Null":     {"null is absent", map[string]any{"keyNames": nil, "hostname": nil}, "OK"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.call("vm", "POST", vmPath, map[string]any{"instanceSpec": w.spec(c.change), "regionId": region, "clientToken": nil})
			if r.status() != c.want {
				t.Errorf("%s: got %s (%+v), want %s", c.reason, r.status(), r.Error, c.want)
			}
		})
	}
}

func elevenTags() []any {
	var out []any
	for range 11 {
		out = append(out, map[string]any{"key": "k", "value": "v"})
	}
	return out
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := map[string]any{"instanceSpec": w.spec(nil), "maxCount": 2, "clientToken": "token-1"}
	first := w.ok("vm", "POST", vmPath, body)
	again := w.ok("vm", "POST", vmPath, body)
	if first.first("instanceIds") != again.first("instanceIds") || len(again.list("instanceIds")) != 2 {
		t.Errorf("the same token answers the same ids: %v, %v", first.Result, again.Result)
	}
	body["maxCount"] = 3
	w.refused("ABORTED", "vm", "POST", vmPath, body)
	if r := w.Report(10); r.Hosts != 2 || r.Bought["instance.token"]["token-1"] != (sim.Bought{Orders: 1, Resources: 2}) {
		t.Errorf("bought once: %+v", r)
	}
	w.refused("INVALID_ARGUMENT", "vm", "POST", vmPath, map[string]any{"clientToken": string(make([]byte, 65)), "instanceSpec": w.spec(nil)})
}

func TestInstallFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arm(sim.Fault{Kind: sim.KindInstallFail})
	id := w.create(map[string]any{"charge": monthly})
	w.advance(400 * time.Millisecond)
	if got := w.state(id); got != "error" {
		t.Errorf("state %q, want error", got)
	}
	w.advance(time.Second)
	if got := w.state(id); got != "gone" {
		t.Errorf("state %q, want gone", got)
	}
	if b := w.Report(1).Accounts["one"]; b.Spent != 0 {
		t.Errorf("a failed instance is not billed: %+v", b)
	}
}

func TestPartOfABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits = sim.Limits{MaxHosts: 6, Stock: []sim.Stock{{Zone: zone, MachineType: flavor, Count: 2}}}
	})
	buy := func(n int) reply {
		return w.call("vm", "POST", vmPath, map[string]any{"instanceSpec": w.spec(map[string]any{"name": "web-[007]"}), "maxCount": n})
	}
	if got := len(buy(3).list("instanceIds")); got != 2 {
		t.Errorf("short stock delivers %d, want 2", got)
	}
	if got := buy(1).status(); got != "FAILED_PRECONDITION" {
		t.Errorf("no stock: %s", got)
	}
	if err := w.SetLimits(sim.Limits{MaxHosts: 5}); err != nil {
		t.Fatal(err)
	}
	if got := buy(4).status(); got != "QUOTA_EXCEEDED" {
		t.Errorf("over the quota: %s", got)
	}
	w.arm(sim.Fault{Kind: sim.KindFewer})
	if got := len(buy(3).list("instanceIds")); got != 2 {
		t.Errorf("one fewer: %d", got)
	}
	names := map[string]bool{}
	for _, v := range w.ok("vm", "GET", vmPath, nil).list("instances") {
		m, _ := v.(map[string]any)
		name, _ := m["instanceName"].(string)
		names[name] = true
	}
	if !names["web-007"] || !names["web-008"] {
		t.Errorf("batch names count up: %v", names)
	}
}
