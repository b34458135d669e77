package observe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/host/guard"
	"tradewind.example/host/observe"
	"tradewind.example/host/procfs"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// plugins is a Source with one plugin.
type plugins struct{ list []observe.Plugin }

func (p plugins) Plugins() []observe.Plugin { return p.list }

func (plugins) States() []string { return []string{"ready", "stopped"} }

func (plugins) BreakerStates() []string { return []string{"open"} }

// gathered returns all series as "name{label=value,…}" with their values; of a
// histogram the count.
func gathered(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if h := m.GetHistogram(); h != nil {
				v = float64(h.GetSampleCount())
			}
			out[fmt.Sprintf("%s{%s}", strings.TrimPrefix(f.GetName(), "tradewind_plugin_"), strings.Join(labels, ","))] = v
		}
	}
	return out
}

// call passes one call that ends with err through the stage.
func call(t *testing.T, s guard.MessageStage, method string, err error) {
	t.Helper()
	c := &guard.Call{Plugin: "fake", Method: method, Begun: time.Now()}
	ctx, begun := s.Begin(t.Context(), c)
	if begun != nil {
		t.Fatal(begun)
	}
	s.Message(ctx, c, guard.ToPlugin, &pb.RegionsRequest{Call: &pb.Call{Org: "0123456789"}})
	if err == nil {
		s.Message(ctx, c, guard.FromPlugin, &pb.RegionsResponse{})
	}
	s.End(ctx, c, err)
}

func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	m := observe.NewMetrics()
	s := m.Stage("fake")
	const regions = pb.RegionsService_Regions_FullMethodName
	call(t, s, regions, nil)
	call(t, s, regions, nil)
	call(t, s, regions, fault.Throttled(time.Second, "slow"))
	call(t, s, regions, convert.StatusFromFault(fault.NotFound("a", "b")))
	call(t, s, regions, status.Error(codes.Unavailable, "gone"))
	call(t, s, regions, status.Error(codes.Canceled, "left"))
	call(t, s, regions, context.Canceled)
	call(t, s, "/tradewind.provider.v1.NewerService/Unheard", nil)
	got := gathered(t, observe.NewCollector(m, plugins{}))
	const r = "method=RegionsService/Regions,plugin=fake"
	want := map[string]float64{
		"calls_total{class=ok," + r + "}": 2, "calls_total{class=throttled," + r + "}": 1, "calls_total{class=not_found," + r + "}": 1,
		"calls_total{class=unavailable," + r + "}": 1, "calls_total{class=cancelled," + r + "}": 2,
		"call_seconds{" + r + "}": 7, "sent_bytes_total{" + r + "}": 7 * 14, "received_bytes_total{" + r + "}": 0,
		"calls_total{class=ok,method=other,plugin=fake}": 1, "call_seconds{method=other,plugin=fake}": 1,
		"sent_bytes_total{method=other,plugin=fake}": 14, "received_bytes_total{method=other,plugin=fake}": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLabelsAreBounded: whatever is called, and whoever calls, the number of
// series has an end.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := observe.NewMetrics()
	s := m.Stage("fake")
	for i := range 2000 {
		call(t, s, fmt.Sprintf("/tradewind.provider.v1.S%d/M%d", i, i), errors.New(fmt.Sprint("org-", i)))
	}
	if got := gathered(t, observe.NewCollector(m, plugins{})); len(got) != 4 {
		t.Errorf("%d series: %v", len(got), got)
	}
}

func TestCountingConcurrently(t *testing.T) {
	t.Parallel()
	m := observe.NewMetrics()
	s := m.Stage("fake")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				call(t, s, pb.RegionsService_Regions_FullMethodName, nil)
			}
		})
	}
	all.Wait()
	if got := gathered(t, observe.NewCollector(m, plugins{}))["calls_total{class=ok,method=RegionsService/Regions,plugin=fake}"]; got != 4000 {
		t.Errorf("%v calls, want 4000", got)
	}
}

func TestPluginsAreShown(t *testing.T) {
	t.Parallel()
	source := plugins{[]observe.Plugin{{
		Name: "fake", State: "ready", Restarts: 2, Crashes: 1, InFlight: 3, Waiting: 4, Slots: 5, Breakers: map[string]int{"open": 6},
		Processes: []procfs.Figures{
			{ResidentBytes: 10, CPU: time.Second, OpenFiles: 7, Threads: 8}, {ResidentBytes: 5, CPU: time.Second, OpenFiles: 1, Threads: 1},
		},
		EndedCPU: 500 * time.Millisecond, LinesForwarded: 9, LinesDropped: 10, LinesHidden: 11, SpansLost: 12,
	}}}
	want := map[string]float64{
		"state{plugin=fake,state=ready}": 1, "state{plugin=fake,state=stopped}": 0, "restarts_total{plugin=fake}": 2, "crashes_total{plugin=fake}": 1,
		"calls_in_flight{plugin=fake}": 3, "calls_waiting{plugin=fake}": 4, "slots{plugin=fake}": 5, "breakers{plugin=fake,state=open}": 6,
		"processes{plugin=fake}": 2, "resident_bytes{plugin=fake}": 15, "cpu_seconds_total{plugin=fake}": 2.5, "open_files{plugin=fake}": 8, "threads{plugin=fake}": 9,
		"log_lines_total{fate=forwarded,plugin=fake}": 9, "log_lines_total{fate=dropped,plugin=fake}": 10, "log_lines_total{fate=hidden,plugin=fake}": 11,
		"spans_lost_total{plugin=fake}": 12,
	}
	if diff := cmp.Diff(want, gathered(t, observe.NewCollector(observe.NewMetrics(), source))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	s := observe.NewMetrics().Stage("fake")
	c := &guard.Call{Method: pb.RegionsService_Regions_FullMethodName, Begun: time.Now()}
	msg, ctx := &pb.RegionsRequest{Call: &pb.Call{Org: "org"}}, t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Begin(ctx, c); err != nil {
			t.Error(err)
		}
		s.Message(ctx, c, guard.ToPlugin, msg)
		s.End(ctx, c, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
