package sim_test

import (
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
)

const diskPath = "/v1/regions/cn-north-1/disks"

func (w *world) disk(token string, change map[string]any) reply {
	w.t.Helper()
	spec := map[string]any{"az": zone, "name": "vol", "diskType": "ssd.gp1", "diskSizeGB": 100}
	for k, v := range change {
		spec[k] = v
	}
	return w.call("disk", "POST", diskPath, map[string]any{"diskSpec": spec, "maxCount": 1, "clientToken": token})
}

func TestDiskRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason, token string
		change        map[string]any
		want          string
	}{
		"Sound":      {"a disk", "t-0", nil, "OK"},
		"NoToken":    {"the token is required", "", nil, "INVALID_ARGUMENT"},
		"NoZone":     {"an az is required", "t-1", map[string]any{"az": ""}, "INVALID_ARGUMENT"},
		"BadZone":    {"the az belongs to the region", "t-2", map[string]any{"az": "cn-east-2a"}, "INVALID_ARGUMENT"},
		"NoName":     {"a name is required", "t-3", map[string]any{"name": ""}, "INVALID_ARGUMENT"},
		"BadType":    {"the type must exist", "t-4", map[string]any{"diskType": "tape"}, "INVALID_ARGUMENT"},
		"Odd":        {"steps of ten", "t-5", map[string]any{"diskSizeGB": 105}, "INVALID_ARGUMENT"},
		"Small":      {"twenty at least", "t-6", map[string]any{"diskSizeGB": 10}, "OUT_OF_RANGE"},
		"NoSnapshot": {"a snapshot must exist", "t-7", map[string]any{"snapshotId": "snapshot-none"}, "NOT_FOUND"},
		"ByUsage":    {"disks are not charged by usage", "t-8", map[string]any{"charge": map[string]any{"chargeMode": "postpaid_by_usage"}}, "INVALID_ARGUMENT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.disk(c.token, c.change); r.status() != c.want {
				t.Errorf("%s: got %s (%+v), want %s", c.reason, r.status(), r.Error, c.want)
			}
		})
	}
}

func TestDiskLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.running(nil)
	id := w.disk("t", nil).first("diskIds")
	status := func() string { return w.ok("disk", "GET", diskPath+"/"+id, nil).text("disk", "status") }
	attach := func(want string) {
		t.Helper()
		w.refused(want, "vm", "POST", vmPath+"/"+host+":attachDisk", map[string]any{"diskId": id})
	}
	attach("FAILED_PRECONDITION") // it is being created
	w.advance(time.Second)
	attach("OK")
	attach("FAILED_PRECONDITION")
	w.advance(time.Second)
	if got := status(); got != "in-use" {
		t.Errorf("status %q", got)
	}
	w.refused("FAILED_PRECONDITION", "disk", "DELETE", diskPath+"/"+id, nil)
	w.refused("INVALID_ARGUMENT", "disk", "POST", diskPath+"/"+id+":extend", map[string]any{"diskSizeGB": 100})
	w.ok("disk", "POST", diskPath+"/"+id+":extend", map[string]any{"diskSizeGB": 200})
	if got := status(); got != "extending" {
		t.Errorf("status %q", got)
	}
	w.advance(time.Second)
	w.ok("vm", "POST", vmPath+"/"+host+":detachDisk", map[string]any{"diskId": id})
	w.advance(time.Second)
	w.ok("disk", "DELETE", diskPath+"/"+id, nil)
	w.advance(time.Second)
	w.refused("NOT_FOUND", "disk", "GET", diskPath+"/"+id, nil)
}

// A disk that was attached by hand outlives its instance.
func TestDisksAfterTheInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.running(map[string]any{"dataDisks": []any{map[string]any{
		"diskCategory": "cloud", "cloudDiskSpec": map[string]any{"diskType": "ssd.gp1", "diskSizeGB": 100},
	}}})
	id := w.disk("t", nil).first("diskIds")
	w.advance(time.Second)
	w.ok("vm", "POST", vmPath+"/"+host+":attachDisk", map[string]any{"diskId": id})
	w.advance(time.Second)
	w.ok("vm", "DELETE", vmPath+"/"+host, nil)
	w.advance(time.Second)
	if got := w.Report(1).Disks; got != 1 {
		t.Errorf("%d disks are left, want 1", got)
	}
	if got := w.ok("disk", "GET", diskPath+"/"+id, nil).text("disk", "status"); got != "available" {
		t.Errorf("status %q", got)
	}
}

func TestDiskTokenAndQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.MaxDisks = 1 })
	first, again := w.disk("t", nil).first("diskIds"), w.disk("t", nil).first("diskIds")
	if first != again || first == "" {
		t.Errorf("the same token: %q, %q", first, again)
	}
	if got := w.disk("t", map[string]any{"diskSizeGB": 200}).status(); got != "ABORTED" {
		t.Errorf("the token with other parameters: %s", got)
	}
	if got := w.disk("u", nil).status(); got != "QUOTA_EXCEEDED" {
		t.Errorf("a second disk: %s", got)
	}
}
