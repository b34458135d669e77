package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "tradewind.example/sdk/wire/providerv1"
)

func methods(f *inFlight) []string {
	var out []string
	for _, c := range f.calls() {
		out = append(out, c.Method)
	}
	return out
}

func TestCallsAtWork(t *testing.T) {
	t.Parallel()
	var f inFlight
	a := f.begin("/tradewind.provider.v1.A/A", &pb.RegionsRequest{Call: &pb.Call{Org: "o"}})
	b := f.begin("/tradewind.provider.v1.B/B", nil)
	c := f.begin("C", nil)
	f.sent(b, &pb.RegionsRequest{Call: &pb.Call{Region: "r"}})
	f.sent(b, &pb.RegionsRequest{})
	if diff := cmp.Diff([]string{"A/A", "B/B", "C"}, methods(&f)); diff != "" {
		t.Errorf("oldest first (-want +got):\n%s", diff)
	}
	if got := f.calls()[1].Input; len(got) != 1 || got[0] != "call.region string(1)" {
		t.Errorf("a stream's request is its first message, got %q", got)
	}
	f.end(b)
	f.end(b)
	if diff := cmp.Diff([]string{"A/A", "C"}, methods(&f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.end(c)
	f.end(a)
	f.end(a)
	if got := methods(&f); got != nil {
		t.Errorf("%q are left", got)
	}
}

func TestCallsAtWorkAreBounded(t *testing.T) {
	t.Parallel()
	var f inFlight
	for i := range 100 {
		f.begin(fmt.Sprint(i), nil)
	}
	if got := methods(&f); len(got) != maxCalls || got[maxCalls-1] != "99" {
		t.Errorf("got %q", got)
	}
}

// TestCallsInAnyOrder: whichever ends first, exactly those at work are left.
func TestCallsInAnyOrder(t *testing.T) {
	t.Parallel()
	var f inFlight
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			var mine []*work
			for range 2000 {
				if len(mine) > 0 && r.IntN(2) == 0 {
					j := r.IntN(len(mine))
					f.end(mine[j])
					mine = append(mine[:j], mine[j+1:]...)
					continue
				}
				mine = append(mine, f.begin("m", nil))
			}
			for _, w := range mine {
				f.end(w)
			}
		})
	}
	all.Wait()
	if f.first != nil {
		t.Error("calls are left")
	}
}

func TestCallsLeaveWithTheirContext(t *testing.T) {
	t.Parallel()
	var f inFlight
	ctx, cancel := context.WithCancel(t.Context())
	w := f.begin("m", nil)
	gone := make(chan struct{})
	f.follow(ctx, w)
	context.AfterFunc(ctx, func() { close(gone) })
	cancel()
	<-gone
	for len(methods(&f)) > 0 { // AfterFuncs run in goroutines of their own
		if t.Context().Err() != nil {
			t.Fatal("the call is still listed")
		}
	}
}
