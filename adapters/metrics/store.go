package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// readAgain is how long counts are used again: many that read the page cost the store no more than one.
	readAgain = time.Second

	pingTimeout  = time.Second
	countTimeout = 5 * time.Second // of a store that works, and may have millions of users
)

// Store is what the metrics ask a store for.
type Store interface {
	ports.Health
	CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error)
	Line(ctx context.Context, scope domain.Scope, limit int) (line []domain.Waiter, total int, err error)
}

// Read adds what a store knows: how many users are in which state, and who waits. The store is asked when the page is read, at most once
// a second. While it does not answer, the page says so, and has no counts.
func (m *Metrics) Read(store Store, log *slog.Logger) {
	m.registry.MustRegister(&storeCollector{store: store, log: log})
}

var (
	storeUp = prometheus.NewDesc("userfarm_store_up",
		"1 if the store can read and write, as this replica sees it; 0 if it can't. Then the metrics of users and of the line are absent.", nil, nil)
	users = prometheus.NewDesc("userfarm_users",
		"Users by their pool and status. All replicas report the same: use max, not sum, over replicas. Of more than 200 pools, those with the "+
			"fewest users are added up in the pool other.", append(poolLabels, "status"), nil)
	waiting = prometheus.NewDesc("userfarm_waiting",
		"Acquires that wait in line, over all replicas. All replicas report the same: use max, not sum.", nil, nil)
	longestWait = prometheus.NewDesc("userfarm_longest_wait_seconds",
		"How long the acquire has waited that has waited longest; 0 if none waits. All replicas report the same: use max, not sum.", nil, nil)
	poolWaiting = prometheus.NewDesc("userfarm_pool_waiting",
		"Acquires that wait in line for a user of the pool. One that several pools could serve counts in each, so don't add up pools: see "+
			"userfarm_waiting. All replicas report the same: use max, not sum.", poolLabels, nil)
	poolLongestWait = prometheus.NewDesc("userfarm_pool_longest_wait_seconds",
		"How long the acquire has waited that has waited longest for a user of the pool; 0 if none waits. All replicas report the same: use max, "+
			"not sum.", poolLabels, nil)
)

// storeCollector asks a store when metrics are collected.
type storeCollector struct {
	store Store
	log   *slog.Logger

	mu     sync.Mutex
	readAt time.Time
	latest counts
	failed bool // pools could not be counted, although the store is up
}

// counts are what the store says.
type counts struct {
	up      bool
	pools   []domain.PoolCount // that are told apart
	others  *domain.PoolCount  // all the rest; nil if there is none
	waiting int
	counted bool // all but up is known
}

// Describe implements [prometheus.Collector].
func (*storeCollector) Describe(all chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{storeUp, users, waiting, longestWait, poolWaiting, poolLongestWait} {
		all <- desc
	}
}

// Collect implements [prometheus.Collector].
func (c *storeCollector) Collect(all chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	now := c.read()
	if !now.up {
		gauge(storeUp, 0)
		return
	}
	gauge(storeUp, 1)
	if !now.counted {
		return
	}
	longest := time.Duration(0)
	pool := func(name poolName, count domain.PoolCount) {
		gauge(users, float64(count.Free), name.labels(string(domain.Free))...)
		gauge(users, float64(count.Locked), name.labels(string(domain.Locked))...)
		gauge(users, float64(count.Quarantined), name.labels(string(domain.Quarantined))...)
		gauge(poolWaiting, float64(count.Waiting), name.labels()...)
		gauge(poolLongestWait, count.LongestWait.Seconds(), name.labels()...)
		longest = max(longest, count.LongestWait)
	}
	for _, count := range now.pools {
		pool(nameOf(count.Pool), count)
	}
	if now.others != nil {
		pool(others, *now.others)
	}
	gauge(waiting, float64(now.waiting))
	gauge(longestWait, longest.Seconds())
}

// read returns what the store says now, or said a moment ago.
func (c *storeCollector) read() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.readAt) >= readAgain || c.readAt.IsZero() {
		c.latest = c.ask()
		c.readAt = time.Now()
	}
	return c.latest
}

// ask asks the store. If it does not answer that it is up, nothing else is waited for.
func (c *storeCollector) ask() (now counts) {
	counting, stop := context.WithTimeout(context.Background(), countTimeout)
	defer stop()
	var counted sync.WaitGroup
	var pools []domain.PoolCount
	var inLine int
	var err error
	counted.Go(func() {
		if pools, err = c.store.CountPools(counting, domain.Scope{}); err == nil {
			_, inLine, err = c.store.Line(counting, domain.Scope{}, 1)
		}
	})
	pinging, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	now.up = c.store.Ping(pinging) == nil
	if !now.up {
		stop()
	}
	counted.Wait()
	if !now.up {
		return now
	}
	if err != nil && !c.failed {
		c.log.Warn("users could not be counted for the metrics; trying again whenever these are read", "error", err)
	}
	if c.failed = err != nil; c.failed {
		return now
	}
	now.counted, now.waiting = true, inLine
	now.pools, now.others = split(pools)
	return now
}

// split returns the pools with the most users, and the sum of the others.
func split(pools []domain.PoolCount) (largest []domain.PoolCount, rest *domain.PoolCount) {
	if len(pools) <= MostPools {
		return pools, nil
	}
	sorted := slices.Clone(pools)
	slices.SortStableFunc(sorted, func(a, b domain.PoolCount) int { return cmp.Compare(b.Total, a.Total) })
	rest = new(domain.PoolCount)
	for _, count := range sorted[MostPools:] {
		rest.Total += count.Total
		rest.Free += count.Free
		rest.Locked += count.Locked
		rest.Quarantined += count.Quarantined
		rest.Waiting += count.Waiting
		rest.LongestWait = max(rest.LongestWait, count.LongestWait)
	}
	return sorted[:MostPools], rest
}
