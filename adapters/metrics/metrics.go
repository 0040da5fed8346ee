// Package metrics measures a farm for Prometheus. A [Metrics] has all metrics of one process. It hears from the store what was written
// ([ports.Observer]), from the server how long requests took ([Metrics.Request]), and from a gate which acquires were refused
// ([Metrics.Gate]). It asks the store for counts when somebody reads the page ([Metrics.Page]).
//
// No label has an owner, a login, a lease id or a path. The number of pools that are told apart is limited by [MostPools].
package metrics

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/userfarm/userfarm/ports"
)

// namespace begins the names of the metrics that are userfarm's own.
const namespace = "userfarm"

// poolLabels name a pool.
var poolLabels = []string{"project_id", "env", "domain"}

// Metrics are the metrics of one process. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	pools    knownPools
	waits    children[waitKey]
	holds    children[holdKey]
	requests children[requestKey]

	events           *prometheus.CounterVec
	commitSeconds    prometheus.Histogram
	commitOperations prometheus.Histogram
}

var _ ports.Observer = (*Metrics)(nil)

// New returns metrics in a registry of their own. revision is the revision of the source that the program was built from; if it is empty,
// it is the one that the Go command has recorded.
func New(revision string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.measureEvents()
	m.measureRequests()
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(revision),
	)
	return m
}

// buildInfo returns a metric that is always 1, and whose labels say which program runs.
func buildInfo(revision string) prometheus.Collector {
	version := ""
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				revision = cmp.Or(revision, setting.Value)
			}
		}
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help: "Always 1. The labels say which version of userfarm runs, and with which version of Go it was built.",
		ConstLabels: prometheus.Labels{
			"version": cmp.Or(version, "unknown"), "revision": cmp.Or(revision, "unknown"), "goversion": runtime.Version(),
		},
	})
	info.Set(1)
	return info
}

// histogram returns the options of a histogram: one with these buckets, and a native one for a Prometheus that asks for that.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}
