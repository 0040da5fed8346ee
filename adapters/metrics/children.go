package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// children are the histograms of one metric by their labels. A lookup costs less than Prometheus' own, which hashes every label, and
// allocates nothing.
type children[K comparable] struct {
	make func(K) prometheus.Observer

	mu    sync.RWMutex
	known map[K]prometheus.Observer
}

// in registers a metric, and says which labels a key has.
func (c *children[K]) in(registry *prometheus.Registry, metric *prometheus.HistogramVec, labels func(K) []string) {
	registry.MustRegister(metric)
	c.known = make(map[K]prometheus.Observer)
	c.make = func(key K) prometheus.Observer { return metric.WithLabelValues(labels(key)...) }
}

func (c *children[K]) of(key K) prometheus.Observer {
	c.mu.RLock()
	child, known := c.known[key]
	c.mu.RUnlock()
	if known {
		return child
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	child = c.make(key)
	c.known[key] = child
	return child
}
