package main

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// BenchmarkOverhead compares reading a server through the plugin, behind gRPC,
// with the vendor's SDK at the same simulator: one caller for the time of a
// call, 64 for how many there are in a second. The cloud takes no time, then a
// real one's.
func BenchmarkOverhead(b *testing.B) {
	for _, ms := range []int{0, 20} {
		b.Run(strconv.Itoa(ms)+"ms", func(b *testing.B) { overhead(b, ms) })
	}
}

func overhead(b *testing.B, ms int) {
	b.Helper()
	w := newWorld(b)
	id := w.server(b, "tok-1")
	req := provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: id}
	w.faults(b, sim.Fault{Kind: sim.KindLatency, DelayMS: ms, Actions: []string{"GetInstanceDetail"}})
	pool := newTransport()
	b.Cleanup(pool.CloseIdleConnections)
	for name, caller := range map[string]func(*testing.B) func(){
		"plugin": func(b *testing.B) func() {
			return func() {
				if _, err := w.Get(b.Context(), req); err != nil {
					b.Error(err)
				}
			}
		},
		"sdk": func(b *testing.B) func() { // a client for each caller, since they are not safe to share
			k, err := bcc.NewClient(access, hidden, w.url)
			if err != nil {
				b.Fatal(err)
			}
			k.Config.Retry, k.HTTPClient = bce.NewNoRetryPolicy(), &http.Client{Transport: pool}
			return func() {
				if _, err := k.GetInstanceDetail(id); err != nil {
					b.Error(err)
				}
			}
		},
	} {
		b.Run(name+"/one", func(b *testing.B) { oneCaller(b, caller(b)) })
		b.Run(name+"/crowd", func(b *testing.B) { manyCallers(b, caller) })
	}
}

func oneCaller(b *testing.B, do func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
}

func manyCallers(b *testing.B, caller func(*testing.B) func()) {
	b.Helper()
	each := max(b.N/crowd, 1)
	var all sync.WaitGroup
	began := time.Now()
	for range crowd {
		do := caller(b)
		all.Go(func() {
			for range each {
				do()
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(each*crowd)/time.Since(began).Seconds(), "calls/s")
}
