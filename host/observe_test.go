package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tradewind.example/host"
	"tradewind.example/host/crash"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
	"tradewind.example/host/observe"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// reports waits for the plugin's crash reports and returns the newest of kind.
func report(t *testing.T, h *host.Host, kind crash.Kind) crash.Report {
	t.Helper()
	var found crash.Report
	hosttest.Eventually(t, "there is a crash report of kind "+string(kind), func() bool {
		all, err := h.CrashReports("fake")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(r crash.Report) bool { return r.Kind == kind })
		if i < 0 {
			return false
		}
		got, err := h.CrashReport("fake", all[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		found = got
		return true
	})
	return found
}

// TestCrashReport: a process that ends unasked leaves its last words, the method
// at work and the shape of its input, and no value.
func TestCrashReport(t *testing.T) {
	t.Parallel()
	h, p, book := started(t, dev())
	call := settings("do", "die", "color", "hunter2-value")
	call.Account.Credentials = credentials("key", "hunter2-secret")
	if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); err == nil {
		t.Fatal("the plugin lives")
	}
	r := report(t, h, crash.KindExit)
	if r.Status != 2 || r.Plugin != "fake" || r.PID == 0 || len(r.SHA256) != 64 || r.Uptime <= 0 || r.ResidentBytes < 1<<20 {
		t.Errorf("report is %+v", r)
	}
	if r.Message != "panic: asked to die with ******" || len(r.Trace) < 3 || !strings.Contains(strings.Join(r.Trace, "\n"), "goroutine ") {
		t.Errorf("last words are %q and %q", r.Message, r.Trace)
	}
	if len(r.Calls) != 1 || r.Calls[0].Method != "RegionsService/Regions" || !slices.Contains(r.Calls[0].Input, "call.account.settings.color string(13)") {
		t.Errorf("calls are %+v", r.Calls)
	}
	if text := fmt.Sprintf("%+v", r) + book.String(); strings.Contains(text, "hunter2") {
		t.Error("a value is told")
	}
	if st := status(h); st.Crashes != 1 {
		t.Errorf("%d crashes are counted", st.Crashes)
	}
}

// TestCaughtPanicsAreReported: the process lives on, and the report is the same.
func TestCaughtPanicsAreReported(t *testing.T) {
	t.Parallel()
	h, p, book := started(t, dev())
	pid := status(h).PID
	for range 3 {
		if _, err := ask(t.Context(), p, "do", "panic", "color", "hunter2-value"); !fault.Is(err, fault.ClassInternal) {
			t.Fatalf("got %v", err)
		}
	}
	r := report(t, h, crash.KindPanic)
	if r.PID != pid || r.Message != "panic: asked to panic" || !strings.Contains(strings.Join(r.Trace, "\n"), "misbehave") {
		t.Errorf("report is %+v", r)
	}
	if len(r.Calls) != 1 || r.Calls[0].Method != "RegionsService/Regions" || !slices.Contains(r.Calls[0].Input, "call.account.settings.color string(13)") {
		t.Errorf("calls are %+v", r.Calls)
	}
	if strings.Contains(fmt.Sprintf("%+v", r)+book.String(), "hunter2") {
		t.Error("a value is told")
	}
}

// TestStoppedPluginsLeaveNoReport: an end that was asked for is no crash.
func TestStoppedPluginsLeaveNoReport(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"well", "ignores-shutdown"} {
		cfg := dev(mode)
		cfg.Policy.StopTimeout = 200 * time.Millisecond
		h, _, _ := started(t, cfg)
		if err := h.Stop(t.Context(), "fake"); err != nil {
			t.Fatal(err)
		}
		if all, err := h.CrashReports("fake"); err != nil || len(all) != 0 {
			t.Errorf("%s: %d reports, %v", mode, len(all), err)
		}
	}
}

func TestFailedStartsAreReported(t *testing.T) {
	t.Parallel()
	cfg := dev("fails")
	cfg.Lazy, cfg.Policy.Backoff = true, time.Hour
	h, _ := open(t, cfg)
	err := h.Start(t.Context(), "fake")
	for _, text := range []string{"in phase handshake", "verify ", "exec ", "handshake ", "ended with status 3", "cannot start: password=******"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not tell %q: %v", text, err)
		}
	}
	r := report(t, h, crash.KindStart)
	if r.Status != 3 || r.Message != "ended with status 3" || !slices.Contains(r.Output, "cannot start: password=****** is wrong") {
		t.Errorf("report is %+v", r)
	}
}

func TestCrashReportsOfUnknownThings(t *testing.T) {
	t.Parallel()
	h, _ := open(t, dev())
	if _, err := h.CrashReports("none"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := h.CrashReport("fake", "../../x"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestOneTraceAcrossTheProcess: request, plugin call, the plugin's handling of
// it, a span of the plugin's own and its request to the cloud are one tree.
func TestOneTraceAcrossTheProcess(t *testing.T) {
	t.Parallel()
	cloud := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer cloud.Close()
	out := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(out), sdktrace.WithIDGenerator(observe.IDs{}))
	defer func() { _ = tracer.Shutdown(context.Background()) }()
	cfg := dev()
	cfg.Tracer = tracer
	_, p, _ := started(t, cfg)
	out.Reset()

	ctx, request := tracer.Tracer("test").Start(t.Context(), "GET /v1/regions")
	if _, err := ask(ctx, p, "do", "fetch", "url", cloud.URL+"/?Signature=hunter2"); err != nil {
		t.Fatal(err)
	}
	request.End()
	order := []string{"GET /v1/regions", "plugin RegionsService/Regions", "RegionsService/Regions", "fetch", "HTTP GET"}
	hosttest.Eventually(t, "all spans have come", func() bool { return len(out.GetSpans()) >= len(order) })
	byName := map[string]tracetest.SpanStub{}
	for _, s := range out.GetSpans() {
		byName[s.Name] = s
	}
	for i, name := range order[1:] {
		child, parent := byName[name], byName[order[i]]
		if !child.SpanContext.IsValid() || child.SpanContext.TraceID() != parent.SpanContext.TraceID() || child.Parent.SpanID() != parent.SpanContext.SpanID() {
			t.Errorf("%q is not below %q: %+v", name, order[i], child)
		}
		if child.StartTime.Before(parent.StartTime) || child.EndTime.After(byName[order[0]].EndTime.Add(time.Second)) {
			t.Errorf("%q lies outside of %q", name, order[i])
		}
	}
	if strings.Contains(fmt.Sprint(out.GetSpans()), "hunter2") {
		t.Error("the cloud's query is in a span")
	}
}

// TestStreamsAreTraced: the plugin's span of a stream is below the call's.
func TestStreamsAreTraced(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(out), sdktrace.WithIDGenerator(observe.IDs{}))
	defer func() { _ = tracer.Shutdown(context.Background()) }()
	cfg := dev()
	cfg.Tracer = tracer
	_, p, _ := started(t, cfg)
	rows := 0
	err := p.Offerings(t.Context(), provider.OfferingsRequest{Call: settings("rows", "300")}, func(provider.Offering) error { rows++; return nil })
	if err != nil || rows != 300 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	find := func(name string) (s tracetest.SpanStub) {
		for _, s := range out.GetSpans() {
			if s.Name == name {
				return s
			}
		}
		return s
	}
	hosttest.Eventually(t, "the plugin's span has come", func() bool { return find("OfferingsService/Offerings").Name != "" })
	if inner, outer := find("OfferingsService/Offerings"), find("plugin OfferingsService/Offerings"); inner.Parent.SpanID() != outer.SpanContext.SpanID() {
		t.Errorf("%+v is not below %+v", inner, outer)
	}
}

// TestLogLevelAtRunTime: the plugin is told, what it prints all the same is
// hidden, and a very long line keeps its level.
func TestLogLevelAtRunTime(t *testing.T) {
	t.Parallel()
	h, p, book := started(t, dev())
	call := settings("do", "log")
	call.RequestID, call.Org = "req-77", "org-88"
	say := func() {
		t.Helper()
		if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); err != nil {
			t.Fatal(err)
		}
	}
	say()
	hosttest.Eventually(t, "the log has come", func() bool { return book.Has("long xxx") })
	text := book.String()
	for _, want := range []string{"said at info", "request_id=req-77", "org=org-88", "plugin=fake", "pid="} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if strings.Contains(text, "said at debug") || !strings.Contains(text, `level=ERROR msg="{\"@level\":\"error\",\"@message\":\"long xxx`) {
		t.Error("levels are lost")
	}
	if err := h.SetLogLevel(t.Context(), "fake", slog.LevelDebug); err != nil {
		t.Fatal(err)
	}
	say()
	hosttest.Eventually(t, "debug is shown", func() bool { return book.Has("said at debug") })
	if err := h.SetLogLevel(t.Context(), "fake", slog.LevelError); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "all has come", func() bool { return strings.Count(book.String(), "long xxx") == 2 })
	before := strings.Count(book.String(), "said at warn")
	say()
	hosttest.Eventually(t, "errors are shown", func() bool { return strings.Count(book.String(), "long xxx") == 3 })
	if n := strings.Count(book.String(), "said at warn"); n != before {
		t.Errorf("%d warnings more are shown", n-before)
	}
	if level, set, err := h.LogLevel("fake"); level != slog.LevelError || !set || err != nil {
		t.Errorf("level is %s, %v, %v", level, set, err)
	}
	if err := h.SetLogLevel(t.Context(), "fake", 17); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestMetricsOfARunningPlugin: what the collector shows is plausible, and calls
// for whomever add no series.
func TestMetricsOfARunningPlugin(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(h.Collector()); err != nil {
		t.Fatal(err)
	}
	series := func() (n int, named map[string]float64) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		named = map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				n++
				named[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		return n, named
	}
	for i := range 50 {
		call := settings()
		call.Org, call.RootOrg, call.Account.ID = fmt.Sprint("org-", i), "root", fmt.Sprint("acc-", i)
		if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); err != nil {
			t.Fatal(err)
		}
	}
	before, got := series()
	if got["tradewind_plugin_calls_total"] != 50 || got["tradewind_plugin_resident_bytes"] < 1<<20 || got["tradewind_plugin_threads"] < 2 ||
		got["tradewind_plugin_open_files"] < 4 || got["tradewind_plugin_processes"] != 1 || got["tradewind_plugin_state"] != 1 {
		t.Errorf("metrics are %v", got)
	}
	call := settings()
	call.Org = "one more"
	if _, err := p.Regions(t.Context(), provider.RegionsRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	if after, _ := series(); after != before {
		t.Errorf("an org adds %d series", after-before)
	}
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if _, ended := series(); ended["tradewind_plugin_processes"] != 0 || ended["tradewind_plugin_cpu_seconds_total"] < got["tradewind_plugin_cpu_seconds_total"] {
		t.Errorf("after the end: %v", ended)
	}
}

// TestIsolationShowsInTheStatus: the entry's bounds win over the host's, and
// what cannot hold is told.
func TestIsolationShowsInTheStatus(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Isolation = launch.Isolation{OpenFiles: 200, MaxProcesses: 500}
	cfg.Plugins[0].Isolation = &launch.Isolation{OpenFiles: 100, MemoryBytes: 256 << 20}
	cfg.Cgroup = filepath.Join(t.TempDir(), "none")
	h, _, book := started(t, cfg)
	got := status(h).Runs[0].Process
	want := launch.Isolation{OpenFiles: 100, MemoryBytes: 256 << 20, MaxProcesses: 500}
	if got.Isolation.Isolation != want || len(got.Isolation.Missing) == 0 || got.Isolation.Cgroup != "" {
		t.Errorf("isolation is %+v", got.Isolation)
	}
	if got.Figures.ResidentBytes < 1<<20 || len(got.StartTimes) != 5 {
		t.Errorf("process is %+v", got)
	}
	if !book.Has("plugins run without cgroups") {
		t.Error("the missing cgroup is not told")
	}
	cfg = dev()
	cfg.Isolation.OpenFiles = 1
	cfg.Dir = hosttest.ShortDir(t)
	if _, err := host.Open(t.Context(), cfg); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a wrong isolation gives %v", err)
	}
}
