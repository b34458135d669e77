// Package observe measures what plugins are asked and what they take, and joins
// their calls to the traces of the requests that they are made for. It is
// stages of the guard's chain and a collector of Prometheus; it decides nothing
// about a call, exports nothing by itself and knows no server.
//
// # Labels
//
// Every label comes from a closed list: plugins of the catalogue, methods of
// the contract, classes of faults, states. Orgs, accounts and regions are never
// labels; traces and logs tell of those.
//
// # Concurrency
//
// All types are safe for concurrent use and start no goroutine. A stage costs a
// call a few atomic additions.
package observe

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/convert"
)

// Classes that calls have beside those of faults.
const (
	classOK        = "ok"
	classCancelled = "cancelled" // the caller went away
)

// otherMethod stands for methods that the contract of this host has not.
const otherMethod = "other"

// Metrics counts the calls of all plugins. Make it with [NewMetrics].
type Metrics struct {
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	sent     *prometheus.CounterVec
	received *prometheus.CounterVec
}

// NewMetrics makes metrics in which nothing was counted yet.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &Metrics{
		calls: counter("tradewind_plugin_calls_total",
			"Ended calls of plugins, by the class of their fault, or ok, or cancelled.", "plugin", "method", "class"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tradewind_plugin_call_seconds", Help: "Time of a call from its beginning, with its wait for a slot, to its end.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120},
		}, []string{"plugin", "method"}),
		sent:     counter("tradewind_plugin_sent_bytes_total", "Size of the messages sent to plugins.", "plugin", "method"),
		received: counter("tradewind_plugin_received_bytes_total", "Size of the messages received from plugins.", "plugin", "method"),
	}
}

func (m *Metrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.calls, m.seconds, m.sent, m.received}
}

// Stage returns the stage that counts the calls of one plugin.
func (m *Metrics) Stage(plugin string) guard.MessageStage {
	s := &counting{methods: map[string]*method{}, other: m.method(plugin, otherMethod)}
	for full := range guard.Rules() {
		s.methods[full] = m.method(plugin, (&guard.Call{Method: full}).Name())
	}
	return s
}

func (m *Metrics) method(plugin, name string) *method {
	return &method{metrics: m, plugin: plugin, name: name, classes: make([]atomic.Pointer[prometheus.Counter], len(classes()))}
}

// counting is the stage of one plugin.
type counting struct {
	methods map[string]*method // by full name; never changed
	other   *method
}

// method is what is counted of one method, found without a look at labels. Its
// series begin with its first call.
type method struct {
	metrics      *Metrics
	plugin, name string
	series       atomic.Pointer[series]
	classes      []atomic.Pointer[prometheus.Counter] // by classIndex
}

type series struct {
	seconds        prometheus.Observer
	sent, received prometheus.Counter
}

func (m *method) begun() *series {
	if s := m.series.Load(); s != nil {
		return s
	}
	s := &series{
		seconds: m.metrics.seconds.WithLabelValues(m.plugin, m.name),
		sent:    m.metrics.sent.WithLabelValues(m.plugin, m.name), received: m.metrics.received.WithLabelValues(m.plugin, m.name),
	}
	m.series.Store(s)
	return s
}

func (m *method) class(i int) prometheus.Counter {
	if c := m.classes[i].Load(); c != nil {
		return *c
	}
	c := m.metrics.calls.WithLabelValues(m.plugin, m.name, classes()[i])
	m.classes[i].Store(&c)
	return c
}

func (s *counting) of(c *guard.Call) *method {
	if m, ok := s.methods[c.Method]; ok {
		return m
	}
	return s.other
}

// Begin lets the call go on.
func (s *counting) Begin(ctx context.Context, _ *guard.Call) (context.Context, error) {
	return ctx, nil
}

// End counts the call.
func (s *counting) End(_ context.Context, c *guard.Call, err error) {
	m := s.of(c)
	m.begun().seconds.Observe(time.Since(c.Begun).Seconds())
	m.class(classIndex(err)).Inc()
}

// Message counts the message's size.
func (s *counting) Message(_ context.Context, c *guard.Call, d guard.Direction, msg any) {
	pm, ok := msg.(proto.Message)
	if !ok {
		return
	}
	begun := s.of(c).begun()
	size := float64(proto.MarshalOptions{UseCachedSize: d == guard.ToPlugin}.Size(pm)) // cached since it was sent
	if d == guard.ToPlugin {
		begun.sent.Add(size)
	} else {
		begun.received.Add(size)
	}
}

// classes lists all classes that a call can end with; classIndex finds one.
func classes() []string {
	list := []string{classOK, classCancelled}
	for _, c := range fault.Classes() {
		list = append(list, c.String())
	}
	return list
}

func classIndex(err error) int {
	if err == nil {
		return 0
	}
	class, cancelled := classOf(err)
	if cancelled {
		return 1
	}
	return 1 + int(class) // the first class is 1
}

// classOf is the class of a failed call, or that its caller went away.
func classOf(err error) (c fault.Class, cancelled bool) {
	if f, ok := convert.FaultFromStatus(err); ok {
		return f.Class, false
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Class, false
	}
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return 0, true
	}
	if status.Code(err) == codes.Unimplemented {
		return fault.ClassUnsupported, false
	}
	return fault.ClassUnavailable, false
}
