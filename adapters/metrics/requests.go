package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type requestKey struct {
	route, method string
	status        int
}

func (m *Metrics) measureRequests() {
	m.requests.in(m.registry, prometheus.NewHistogramVec(histogram("http_request_duration_seconds",
		"How long requests took, the wait of an acquire included, and of a stream the time until it began. The route is the pattern of openapi.yaml, or none: "+
			"the path is unknown, or the request was rejected before it was read. Each replica counts its own: use sum.",
		[]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
	), []string{"route", "method", "status"}), func(k requestKey) []string {
		return []string{k.route, k.method, strconv.Itoa(k.status)}
	})
}

// Request notes a request that was answered. The route is a registered pattern, never a path, and there are few of them and of methods.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	m.requests.of(requestKey{route, method, status}).Observe(took.Seconds())
}
