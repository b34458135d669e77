package host

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/host/crash"
	"tradewind.example/host/guard"
	"tradewind.example/host/launch"
	"tradewind.example/host/observe"
	"tradewind.example/host/procfs"
	"tradewind.example/host/session"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/trace"
)

// crashFolder is where the reports of crashes are, in [Config.Dir].
const crashFolder = "crashes"

// observer is what the host remembers of one plugin over all its processes.
type observer struct {
	host    *Host
	plugin  string
	logging *session.Logging
	tracing *observe.Tracing // nil: calls are not traced
	crashes atomic.Int64
	cpu     atomic.Int64 // nanoseconds of the processes that have ended
}

func (h *Host) newObserver(plugin string) *observer {
	o := &observer{host: h, plugin: plugin, logging: session.NewLogging()}
	if level, set := h.levels.of(plugin); set {
		o.logging.SetLevel(level)
	}
	if h.cfg.Tracer != nil {
		o.tracing = observe.NewTracing(plugin, h.cfg.Tracer)
	}
	return o
}

// stages puts the plugin's measuring stages into the chain before its calls.
func (o *observer) stages(cfg guard.Config) guard.Config {
	cfg.Metrics = o.host.metrics.Stage(o.plugin)
	if o.tracing != nil {
		cfg.Trace = o.tracing
	}
	return cfg
}

// session lets a session tell what it sees. ctx gives values to spans.
func (o *observer) session(ctx context.Context, cfg session.Config) session.Config {
	cfg.Logging, cfg.OnCrash, cfg.OnEnd = o.logging, o.crashed, o.ended
	if o.tracing != nil {
		ctx := context.WithoutCancel(ctx)
		cfg.Stamp = o.tracing.Stamp
		cfg.OnSpan = func(f trace.Finished, pid int) bool { return o.tracing.Join(ctx, f, pid) }
	}
	return cfg
}

func (o *observer) crashed(r crash.Report) {
	o.crashes.Add(1)
	id, err := o.host.crashes.Save(r)
	if err != nil {
		o.host.log.Error("a crash report is lost", "plugin", o.plugin, "kind", r.Kind, "message", r.Message, "error", err)
		return
	}
	o.host.log.Error("plugin crashed", "plugin", o.plugin, "version", r.Version, "pid", r.PID, "kind", r.Kind, "message", r.Message, "report", id)
}

func (o *observer) ended(e launch.End) { o.cpu.Add(int64(e.CPU)) }

// isolation is what a process of the entry may take.
func (h *Host) isolation(own *launch.Isolation) launch.Isolation {
	if own == nil {
		return h.cfg.Isolation
	}
	return own.Over(h.cfg.Isolation)
}

// CrashReports returns the plugin's kept reports of crashes, newest first.
func (h *Host) CrashReports(name string) ([]crash.Report, error) {
	if _, err := h.Plugin(name); err != nil {
		return nil, err
	}
	return h.crashes.List(name)
}

// CrashReport returns one of them; a not_found fault when there is none of
// that id.
func (h *Host) CrashReport(name, id string) (crash.Report, error) {
	if _, err := h.Plugin(name); err != nil {
		return crash.Report{}, err
	}
	return h.crashes.Get(name, id)
}

// LogLevel returns the least level of the plugin's log that is shown; not set
// while the plugin itself decides.
func (h *Host) LogLevel(name string) (level slog.Level, set bool, err error) {
	p, err := h.Plugin(name)
	if err != nil {
		return 0, false, err
	}
	level, set = p.observer.logging.Level()
	return level, set, nil
}

// SetLogLevel shows the plugin's log from level on: at once for what it prints,
// and its running processes are told to make no more than that. It lasts until
// it is set again, also in the next host on the same folder.
func (h *Host) SetLogLevel(ctx context.Context, name string, level slog.Level) error {
	p, err := h.Plugin(name)
	if err != nil {
		return err
	}
	switch level {
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default:
		return fault.Invalid("level", "must be debug, info, warn or error").From(fault.SourceHost)
	}
	if err := h.levels.put(name, level); err != nil {
		return err
	}
	p.observer.logging.SetLevel(level)
	for _, r := range p.every() {
		if s, ok := r.current(); ok {
			if err := s.Probe(ctx); err != nil {
				h.log.Warn("telling a plugin its log level failed; it is told again with the next probe", "plugin", name, "error", err)
			}
		}
	}
	return nil
}

// Collector returns what the metrics of all plugins are read from. Register it
// once, and not beyond the life of the host.
func (h *Host) Collector() prometheus.Collector {
	return observe.NewCollector(h.metrics, figures{h})
}

// observed is what a process tells of what it takes; a plugin that was attached
// for development tells nothing.
type observed interface {
	Isolation() launch.Applied
	Sample() (procfs.Figures, bool)
	StartTimes() []session.PhaseTime
}

// sample reads what the run's process takes now.
func (r *run) sample() (procfs.Figures, bool) {
	if s, ok := r.supervisor.Current(); ok {
		if o, ok := s.(observed); ok {
			return o.Sample()
		}
	}
	return procfs.Figures{}, false
}

// Process is what is known of the process of a run.
type Process struct {
	Figures    procfs.Figures      // zero when it does not run
	Isolation  launch.Applied      // what of its isolation holds
	StartTimes []session.PhaseTime // how long the phases of its start took
}

func (r *run) process() Process {
	s, ok := r.supervisor.Current()
	if !ok {
		return Process{}
	}
	o, ok := s.(observed)
	if !ok {
		return Process{}
	}
	out := Process{Isolation: o.Isolation(), StartTimes: o.StartTimes()}
	out.Figures, _ = o.Sample()
	return out
}

// figures shows a host to the collector.
type figures struct{ h *Host }

// States lists the states of a plugin.
func (figures) States() []string { return words(supervise.States()) }

// BreakerStates lists the states of a circuit breaker.
func (figures) BreakerStates() []string { return words(guard.Circuits()) }

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// Plugins tells of all plugins.
func (f figures) Plugins() []observe.Plugin {
	f.h.mu.RLock()
	all := slices.Collect(maps.Values(f.h.plugins))
	f.h.mu.RUnlock()
	out := make([]observe.Plugin, 0, len(all))
	for _, p := range all {
		out = append(out, p.figures())
	}
	return out
}

func (p *Plugin) figures() observe.Plugin {
	load, counts := p.bulkhead.Load(), p.observer.logging.Counts()
	out := observe.Plugin{
		Name: p.name, State: string(p.activeRun().supervisor.Status().State), Crashes: p.observer.crashes.Load(),
		InFlight: load.Busy, Waiting: load.Waiting, Slots: load.Limits.Concurrent, Breakers: map[string]int{},
		EndedCPU:       time.Duration(p.observer.cpu.Load()),
		LinesForwarded: counts.Forwarded, LinesDropped: counts.Dropped, LinesHidden: counts.Hidden, SpansLost: counts.LostSpans,
	}
	for state, n := range p.breakers.Counts() {
		out.Breakers[string(state)] = n
	}
	for _, r := range p.every() {
		out.Restarts += r.supervisor.Status().Restarts
		if fig, ok := r.sample(); ok {
			out.Processes = append(out.Processes, fig)
		}
	}
	return out
}
