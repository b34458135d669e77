package sim_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestManyCallers: no two machines get one address, and nothing is sold beyond the balance's books.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 4 {
				if r := w.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, nil)); r.code() != "Success" {
					t.Errorf("creating: %s", r.raw)
				}
				w.try(http.MethodGet, ecs, "DescribeInstanceList", nil)
				if err := w.Advance(time.Minute); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	list, _ := dig(w.get(ecs, "DescribeInstanceList", nil), "Data", "EcsList").([]any)
	for _, row := range list {
		if ip := text(row, "PrivateNet"); seen[ip] {
			t.Errorf("%s is given twice", ip)
		} else {
			seen[ip] = true
		}
	}
	if len(list) != 64 {
		t.Errorf("%d instances, want 64", len(list))
	}
	if got := w.Counts()["CreateInstance"]; got.OK != 64 {
		t.Errorf("counted %+v", got)
	}
}
