package bench

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// tally counts the requests of all clients.
type tally struct {
	pairs    atomic.Int64
	refusals atomic.Int64
	failures atomic.Int64

	acquires latencies // that were granted
	releases latencies // that were carried out
	requests latencies // all of them

	handOvers latencies // to a waiter

	mu     sync.Mutex
	byKind map[string]int64
	first  string
}

func newTally() *tally { return &tally{byKind: map[string]int64{}} }

// time calls request and records how long it took; in succeeded, too, if it succeeded.
func (t *tally) time(succeeded *latencies, request func() error) error {
	began := time.Now()
	err := request()
	took := time.Since(began)
	t.requests.record(took)
	if err == nil {
		succeeded.record(took)
	}
	return err
}

// fail counts a failure that is not a refusal.
func (t *tally) fail(err error) {
	t.failures.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byKind) == 0 {
		t.first = err.Error()
	}
	t.byKind[kindOf(err)]++
}

func (t *tally) errors() (byKind map[string]int64, first string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.byKind), t.first
}
