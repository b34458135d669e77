package api

import (
	"strconv"

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
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
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

func (s *Server) measure(c *fiber.Ctx) error {
	start := s.clock.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	if err := c.Next(); err != nil {
		if err := s.onError(c, err); err != nil {
			return err
		}
	}
	route, method := c.Route().Path, c.Method()
	took := s.clock.Now().Sub(start)
	s.metrics.requests.WithLabelValues(method, route, strconv.Itoa(c.Response().StatusCode())).Inc()
	s.metrics.seconds.WithLabelValues(method, route).Observe(took.Seconds())
	s.logRequest(c, route, took)
	return nil
}

func (s *Server) exposeMetrics(g prometheus.Gatherer) {
	// Without a timeout of its own: that one's goroutine would look at the request
	// after its end. All collectors read memory and /proc alone.
	h := promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
	s.app.Get("/metrics", s.needMetricsRight, adaptor.HTTPHandler(h))
}
