package sim

import (
	"fmt"
	"testing"
)

// TestTheStateTellsWhatEnvironmentsConsistOf as the vendor's own lists do.
func TestTheStateTellsWhatEnvironmentsConsistOf(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	app, _, env := l.deployed()
	key := app + "/" + env
	if got := l.cloud.Report(10).Parts[key]; got == nil || len(got) != 0 {
		t.Errorf("before its first deploy it consists of %v", got)
	}
	order := l.ok("DeployApp", "EnvId", env, "Name", "r1", "TotalPartitions", "1").id("DeployOrderId")
	l.wait(1)
	l.ok("CreatePersistentVolumeClaim", "AppId", app, "EnvId", env, "Name", "data", "AccessModes", "ReadWriteOnce", "Capacity", "1Gi", "StorageClass", "nas")
	want := map[Part]bool{{"volume_claim", "data"}: true}
	for _, row := range l.ok("ListAppInstance", "AppId", app, "EnvId", env, "PageNumber", "1", "PageSize", "10").rows() {
		fields, _ := row.(map[string]any)
		id := fmt.Sprint(fields["AppInstanceId"])
		want[Part{"app_instance", id}], want[Part{"pod", order + "/" + id}] = true, true
	}
	got := l.cloud.Report(10).Parts[key]
	if len(got) != 9 || len(want) != 9 {
		t.Errorf("%d parts are told, the lists have %d", len(got), len(want))
	}
	for _, p := range got {
		if !want[p] {
			t.Errorf("%+v is in no list", p)
		}
	}
	l.deployed()
	if r := l.cloud.Report(1); len(r.Parts) != 1 || !r.Truncated {
		t.Errorf("the limit is 1, and %d environments are told, truncated %v", len(r.Parts), r.Truncated)
	}
}
