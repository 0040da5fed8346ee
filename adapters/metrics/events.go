package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/userfarm/userfarm/domain"
)

// What becomes of an acquire.
const (
	granted = "granted"
	refused = "refused"
	gaveUp  = "gave_up"
)

type waitKey struct {
	pool    poolName
	outcome string
}

type holdKey struct {
	pool poolName
	end  domain.EventKind
}

// kinds are the kinds of events. They are counted from 0, so that the first event of a kind is seen as an increase.
var kinds = []domain.EventKind{
	domain.UserCreated, domain.UserChanged, domain.UserAcquired, domain.UserRenewed, domain.UserReleased, domain.UserExpired,
	domain.UserForced, domain.UserQuarantined, domain.UserRestored, domain.UserRemoved, domain.ClaimGaveUp,
	domain.APIKeyCreated, domain.APIKeyRevoked, domain.ProjectNamed,
}

func (m *Metrics) measureEvents() {
	m.waits.in(m.registry, prometheus.NewHistogramVec(histogram("acquire_wait_seconds",
		"How long acquires waited in line, by what became of them: granted, gave_up (the caller left and did not ask again in time), or refused "+
			"at once (with 0 seconds: it was not to wait, or there is no such user). A lease of several users counts once, in the pool of the "+
			"first. An acquire whose users are removed while it waits counts as gave_up and as refused. A label is empty if the request left it open. "+
			"Locks of the legacy routes are not counted. Each replica counts its own: use sum.",
		[]float64{0, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800},
	), append(poolLabels, "outcome")), func(k waitKey) []string { return k.pool.labels(k.outcome) })

	m.holds.in(m.registry, prometheus.NewHistogramVec(histogram("hold_seconds",
		"How long users were held, by how that ended: released, expired (the lease was over before it was released), or forced (an admin "+
			"ended it). Each replica counts what it has ended: use sum.",
		[]float64{1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400},
	), append(poolLabels, "end")), func(k holdKey) []string { return k.pool.labels(string(k.end)) })

	m.events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "events_total",
		Help: "Events that this replica has written to the history, by their kind. A key_created or key_revoked counts once for each project of the key. " +
			"Each replica counts its own: use sum.",
	}, []string{"kind"})
	for _, kind := range kinds {
		m.events.WithLabelValues(string(kind))
	}

	m.commitSeconds = prometheus.NewHistogram(histogram("commit_seconds",
		"How long it took to write and to commit one transaction that changes users or the line. A store in memory commits nothing.",
		[]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5},
	))
	m.commitOperations = prometheus.NewHistogram(histogram("commit_operations",
		"How many requests shared one such transaction. Under load it is more than one.",
		[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
	))
	m.registry.MustRegister(m.events, m.commitSeconds, m.commitOperations)
}

// Recorded implements [ports.Observer].
func (m *Metrics) Recorded(events []domain.Event) {
	for i := range events {
		e := &events[i]
		m.events.WithLabelValues(string(e.Kind)).Inc()
		switch e.Kind {
		case domain.UserAcquired:
			if pool := m.pools.ofUser(e.Pool); len(e.Want) > 0 { // the first user of a lease
				m.waits.of(waitKey{pool, granted}).Observe(e.Waited.Seconds())
			}
		case domain.ClaimGaveUp:
			if len(e.Want) > 0 {
				m.waits.of(waitKey{m.pools.ofWant(e.Pool), gaveUp}).Observe(e.Waited.Seconds())
			}
		case domain.UserReleased, domain.UserExpired, domain.UserForced:
			m.holds.of(holdKey{m.pools.ofUser(e.Pool), e.Kind}).Observe(e.Held.Seconds())
		default:
		}
	}
}

// Committed implements [ports.Observer].
func (m *Metrics) Committed(operations int, took time.Duration) {
	m.commitSeconds.Observe(took.Seconds())
	if operations > 0 { // else it only kept the line up to date
		m.commitOperations.Observe(float64(operations))
	}
}
