package host

import (
	"testing"

	"tradewind.example/sdk/wire/client"
)

// TestRoutingCostsNothing: finding the run of a call takes no memory, however
// many orgs are pinned, and no lock: the table is only read.
func TestRoutingCostsNothing(t *testing.T) {
	table, route := bigTable()
	var found *run
	if n := testing.AllocsPerRun(1000, func() { found, _ = table.peek(route, true) }); n != 0 {
		t.Errorf("%v allocations for each call", n)
	}
	if found == nil || found == table.active {
		t.Errorf("found %p, the active one is %p", found, table.active)
	}
}

func bigTable() (*routes, client.Route) {
	table := &routes{active: &run{}, pins: map[string]pinned{}, private: map[string]*run{}}
	to := pinned{run: &run{}}
	for i := range 4096 {
		table.pins["root"+string(rune('a'+i%26))+string(rune(i))] = to
	}
	table.pins["root"] = to
	return table, client.Route{RootOrg: "root", Org: "org"}
}

func BenchmarkRouting(b *testing.B) {
	table, route := bigTable()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := table.peek(route, true); !ok {
			b.Fatal("no run")
		}
	}
}
