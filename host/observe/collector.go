package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/host/procfs"
)

// Plugin is what is known of one plugin beside its calls, at one moment.
type Plugin struct {
	Name     string
	State    string
	Restarts int // starts after the first one of each run
	Crashes  int64

	InFlight, Waiting, Slots int
	Breakers                 map[string]int // how many are in which state

	Processes []procfs.Figures // one for each process that runs
	EndedCPU  time.Duration    // of the processes that have ended

	LinesForwarded, LinesDropped, LinesHidden, SpansLost int64
}

// Source tells of all plugins.
type Source interface {
	Plugins() []Plugin
	// States lists the states that a plugin can be in, BreakerStates those of a
	// breaker.
	States() []string
	BreakerStates() []string
}

// Collector shows the metrics and the source's plugins to Prometheus. What the
// source tells is read when it is asked for.
type Collector struct {
	metrics *Metrics
	source  Source
	descs   descs
}

// NewCollector makes a collector.
func NewCollector(m *Metrics, s Source) *Collector {
	return &Collector{metrics: m, source: s, descs: newDescs()}
}

var _ prometheus.Collector = (*Collector)(nil)

type descs struct {
	state, restarts, crashes, inFlight, waiting, slots, breakers *prometheus.Desc
	processes, resident, cpu, files, threads                     *prometheus.Desc
	lines, lost                                                  *prometheus.Desc
}

func newDescs() descs {
	d := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("tradewind_plugin_"+name, help, append([]string{"plugin"}, more...), nil)
	}
	return descs{
		state:     d("state", "1 for the state that the plugin is in, 0 for all others.", "state"),
		restarts:  d("restarts_total", "Starts of the plugin's processes after the first one."),
		crashes:   d("crashes_total", "Reported crashes: processes that ended unasked and calls that panicked."),
		inFlight:  d("calls_in_flight", "Calls at work."),
		waiting:   d("calls_waiting", "Calls waiting for a slot."),
		slots:     d("slots", "Calls that may be at work at once."),
		breakers:  d("breakers", "Circuit breakers by state.", "state"),
		processes: d("processes", "Running processes of the plugin."),
		resident:  d("resident_bytes", "Resident memory of the plugin's processes."),
		cpu:       d("cpu_seconds_total", "Processor time of the plugin's processes, ended ones included."),
		files:     d("open_files", "Open descriptors of the plugin's processes."),
		threads:   d("threads", "Threads of the plugin's processes."),
		lines:     d("log_lines_total", "Log lines of the plugin by what became of them.", "fate"),
		lost:      d("spans_lost_total", "Spans of the plugin that were dropped."),
	}
}

func (d descs) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		d.state, d.restarts, d.crashes, d.inFlight, d.waiting, d.slots, d.breakers,
		d.processes, d.resident, d.cpu, d.files, d.threads, d.lines, d.lost,
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, v := range c.metrics.vectors() {
		v.Describe(out)
	}
	for _, d := range c.descs.all() {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	for _, v := range c.metrics.vectors() {
		v.Collect(out)
	}
	for _, p := range c.source.Plugins() {
		c.plugin(out, p)
	}
}

func (c *Collector) plugin(out chan<- prometheus.Metric, p Plugin) {
	gauge := func(d *prometheus.Desc, v float64, more ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{p.Name}, more...)...)
	}
	counter := func(d *prometheus.Desc, v float64, more ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, append([]string{p.Name}, more...)...)
	}
	for _, s := range c.source.States() {
		is := 0.0
		if s == p.State {
			is = 1
		}
		gauge(c.descs.state, is, s)
	}
	for _, s := range c.source.BreakerStates() {
		gauge(c.descs.breakers, float64(p.Breakers[s]), s)
	}
	counter(c.descs.restarts, float64(p.Restarts))
	counter(c.descs.crashes, float64(p.Crashes))
	gauge(c.descs.inFlight, float64(p.InFlight))
	gauge(c.descs.waiting, float64(p.Waiting))
	gauge(c.descs.slots, float64(p.Slots))
	sum := total(p.Processes)
	gauge(c.descs.processes, float64(len(p.Processes)))
	gauge(c.descs.resident, float64(sum.ResidentBytes))
	counter(c.descs.cpu, (sum.CPU + p.EndedCPU).Seconds())
	gauge(c.descs.files, float64(sum.OpenFiles))
	gauge(c.descs.threads, float64(sum.Threads))
	counter(c.descs.lines, float64(p.LinesForwarded), "forwarded")
	counter(c.descs.lines, float64(p.LinesDropped), "dropped")
	counter(c.descs.lines, float64(p.LinesHidden), "hidden")
	counter(c.descs.lost, float64(p.SpansLost))
}

func total(all []procfs.Figures) procfs.Figures {
	var sum procfs.Figures
	for _, f := range all {
		sum.ResidentBytes += f.ResidentBytes
		sum.CPU += f.CPU
		sum.OpenFiles += f.OpenFiles
		sum.Threads += f.Threads
	}
	return sum
}
