package sim_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/capital/sim"
)

// snapshot is everything a client can see.
func (w *world) snapshot(n network) map[string]any {
	w.t.Helper()
	return map[string]any{
		"list": dig(w.get(ecs, "DescribeInstanceList", nil), "Data"), "disks": dig(w.get(ebs, "DescribeDiskList", nil), "Data"),
		"eips":    dig(w.post(vpcs, "DescribeEIP", args{"RegionCode": edge, "AvailableZoneCode": edgeZone}), "Data"),
		"subnets": dig(w.post(vpcs, "DescribeSubnet", args{"RegionCode": edge}), "Data"),
		"ips":     dig(w.post(vpcs, "DescribeIPInfo", args{"NetId": n.gateway, "IPType": "virtual_gateway"}), "Data"),
		"groups":  dig(w.get(sg, "DescribeSecurityGroups", nil), "Data"), "images": dig(w.get(ecs11, "DescribeImages", nil), "Data"),
		"books": w.Report(1).Accounts["one"],
	}
}

func TestStateOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	keep := func(c *sim.Config) { c.StateFile = path }
	w := newWorld(t, keep)
	n := w.network(edge, edgeZone)
	g := w.group("kept")
	ids := w.create(n, edgeZone, args{
		"Number": 3, "SecurityGroups": []args{{"SecurityGroupId": g}}, "DataDisk": []args{{"DiskFeature": "ssd", "Size": 48, "ReleaseWithInstance": 0}},
		"PubnetInfo": []args{{"SubnetId": n.gateway, "BandwidthType": "Bandwidth", "Qos": 5}},
	})
	if r := w.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, args{"Number": 101})); r.status == 200 {
		t.Fatal("a refused call must come between")
	}
	w.arm(sim.Fault{Kind: sim.KindPartFail, Count: 1})
	w.create(n, edgeZone, args{"Number": 2, "Name": "half"})
	w.post(ecs, "ModifyInstancePassword", args{"EcsIds": ids, "Password": "Another8horse"})
	w.advance(time.Second)
	w.post(ecs, "CreateImage", args{"EcsId": ids[0], "Name": "img"})
	w.advance(26 * time.Hour)
	w.post(ecs, "DeleteInstance", args{"EcsIds": ids[2:]})
	w.post(ecs, "OperateInstance", args{"EcsIds": ids[:1], "OpType": "restart_ecs"})
	if err := w.Recharge("one", 12345); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Second)
	want := w.snapshot(n)
	text, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil || strings.Contains(string(text), "horse") || strings.Contains(string(text), "SKEXAMPLE") {
		t.Errorf("the file holds no secret: %v", err)
	}
	if err := os.WriteFile(path, append(text, []byte(`{"at":"`+strings.Repeat("2", 5000))...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, keep)
	if diff := cmp.Diff(want, again.snapshot(n)); diff != "" {
		t.Errorf("after a kill in the middle of a line (-before +after):\n%s", diff)
	}
	if !again.PasswordIs(ids[0], "Another8horse") {
		t.Error("the password is still known")
	}
	more := again.create(n, edgeZone, nil)[0]
	third := newWorld(t, keep)
	if third.status(more) != "running" {
		t.Error("what is bought after a restart is kept too")
	}
}

func TestStateOfAnotherConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	cases := map[string]string{
		"NotJSON":     "{\n",
		"Account":     `{"at":"2026-06-10T04:00:00Z","account":"none","service":"/sg/v1","action":"CreateSecurityGroup"}` + "\n",
		"Action":      `{"at":"2026-06-10T04:00:00Z","account":"one","service":"/sg/v1","action":"DescribeSecurityGroups"}` + "\n",
		"Refused":     `{"at":"2026-06-10T04:00:00Z","account":"one","service":"/sg/v1","action":"CreateSecurityGroup","values":{}}` + "\n",
		"Identifiers": `{"at":"2026-06-10T04:00:00Z","ids":9,"account":"one","service":"/sg/v1","action":"CreateSecurityGroup","values":{"RegionCode":"CN_Suqian","SecurityGroupName":"x"}}` + "\n",
	}
	for name, line := range cases {
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := config()
		cfg.StateFile = path
		if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: the line is named: %v", name, err)
		}
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	w := newWorld(t, func(c *sim.Config) {
		c.StateFile = path
		c.Now = func() time.Time { return epoch().Add(1000 * time.Hour) } // a fast clock
	})
	w.group("late")
	again := newWorld(t, func(c *sim.Config) { c.StateFile = path })
	if got := again.Now(); got.Before(epoch().Add(1000 * time.Hour)) {
		t.Errorf("it is %v", got)
	}
}

func TestClosedCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.StateFile = filepath.Join(t.TempDir(), "state") })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := w.try(http.MethodPost, sg, "CreateSecurityGroup", args{"RegionCode": edge, "SecurityGroupName": "x"}); r.status != 500 || r.code() != "InternalError" {
		t.Errorf("after Close nothing is sold: %s", r.raw)
	}
	if r := w.Report(1); r.Error == "" {
		t.Error("the report says why")
	}
}
