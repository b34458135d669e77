package sim_test

import (
	"sync"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
)

// Many callers with one token buy once; with a token each they buy once each.
func TestParallelCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subnet := w.subnet()
	spec := map[string]any{
		"az": zone, "instanceType": flavor, "imageId": linux, "name": "web", "charge": monthly,
		"primaryNetworkInterface": map[string]any{"networkInterface": map[string]any{"subnetId": subnet}},
	}
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			token := "shared"
			if i%2 == 0 {
				token = "own-" + string(rune('a'+i))
			}
			if r := w.call("vm", "POST", vmPath, map[string]any{"instanceSpec": spec, "clientToken": token}); r.status() != "OK" {
				t.Errorf("caller %d: %+v", i, r.Error)
			}
			w.call("vm", "GET", vmPath, nil)
			w.Report(10)
		})
	}
	group.Wait()
	r := w.Report(100)
	if r.Hosts != 17 || r.Bought["instance.token"]["shared"] != (sim.Bought{Orders: 1, Resources: 1}) {
		t.Errorf("%d instances, the shared token bought %+v", r.Hosts, r.Bought["instance.token"]["shared"])
	}
	if want := sim.Fen(17 * 252_00); r.Accounts["one"].Spent != want {
		t.Errorf("spent %v, want %v", r.Accounts["one"].Spent, want)
	}
}
