package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics of the edge. Names carry their unit; routes are templates, never
// paths with ids in them.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge

	mu    sync.RWMutex
	kinds map[answered]series
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		kinds: map[answered]series{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tradewind_http_requests_total", Help: "Answered requests by route and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tradewind_http_request_seconds", Help: "Time from the first byte read to the answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tradewind_http_requests_in_flight", Help: "Requests being served.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// answered is a kind of answer; there are as many as routes have statuses.
type answered struct {
	method, route string
	status        int
}

// series are the metrics of one kind of answer.
type series struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

// of returns the metrics of a kind of answer, found by their labels once.
func (m *metrics) of(kind answered) series {
	m.mu.RLock()
	s, known := m.kinds[kind]
	m.mu.RUnlock()
	if known {
		return s
	}
	s = series{
		count:   m.requests.WithLabelValues(kind.method, kind.route, strconv.Itoa(kind.status)),
		seconds: m.seconds.WithLabelValues(kind.method, kind.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kinds[kind] = s
	return s
}

func (s *Server) measure(c *fiber.Ctx) error {
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	if err := c.Next(); err != nil {
		if err := s.onError(c, err); err != nil {
			return err
		}
	}
	route, method := c.Route().Path, c.Method()
	took := time.Since(requestOf(c.UserContext()).began)
	kind := s.metrics.of(answered{method: method, route: route, status: c.Response().StatusCode()})
	kind.count.Inc()
	kind.seconds.Observe(took.Seconds())
	s.logRequest(c, route, took)
	return nil
}

func (s *Server) exposeMetrics(g prometheus.Gatherer) {
	// Without a timeout of its own: that one's goroutine would look at the request
	// after its end. All collectors read memory and /proc alone.
	h := promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
	s.app.Get("/metrics", s.needMetricsRight, adaptor.HTTPHandler(h))
}
