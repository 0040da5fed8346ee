package bench

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Result is the result of a measurement. Its JSON form is stable: members may be added, but none is renamed or removed, and every
// result contains all of them.
type Result struct {
	URL     string       `json:"url"`     // of the farm
	Clients int          `json:"clients"` // that worked at the same time
	Users   int          `json:"users"`   // in the pool that they shared
	Hold    Milliseconds `json:"hold_ms"` // of every user by its client

	// Elapsed is the time from the start until the last client had its last answer.
	Elapsed Milliseconds `json:"elapsed_ms"`
	// Pairs counts the acquires that were granted and, after the whole hold, released.
	Pairs          int64   `json:"pairs"`
	PairsPerSecond float64 `json:"pairs_per_second"`
	// Refusals counts the acquires that found no free user in the pool. They are not errors.
	Refusals int64 `json:"refusals"`
	// Errors counts the other failures by kind: the code of the farm's problem; connect, timeout or connection_lost if there was no
	// answer; unexpected_answer or http_<status> if the answer was not a farm's.
	Errors map[string]int64 `json:"errors"`
	// FirstError is the text of the first error, or empty.
	FirstError string `json:"first_error"`

	Acquire  Latency `json:"acquire"`  // the acquires that were granted
	Release  Latency `json:"release"`  // the releases that were carried out
	Requests Latency `json:"requests"` // all acquires and releases, including those that were refused or failed

	// Overlaps counts the pairs of holds of one user that overlapped. A hold lasts from when a client has the answer to its acquire
	// until it sends its release. Any number but 0 shows a bug of the farm.
	Overlaps int64 `json:"overlaps"`
	// FencesOutOfOrder counts the holds whose fence was not higher than those of earlier holds of the user. Any number but 0 shows a
	// bug of the farm.
	FencesOutOfOrder int64 `json:"fences_out_of_order"`
	// FirstOverlap describes the first overlap or fence out of order, or is empty.
	FirstOverlap string `json:"first_overlap"`
}

// Latency says how long requests took, from sending the request until the answer was read. Percentiles are never too low and less than
// 1% too high; Max is exact. All are 0 if Count is 0.
type Latency struct {
	Count int64        `json:"count"`
	P50   Milliseconds `json:"p50_ms"`
	P95   Milliseconds `json:"p95_ms"`
	P99   Milliseconds `json:"p99_ms"`
	Max   Milliseconds `json:"max_ms"`
}

// Milliseconds is a duration in milliseconds, rounded to the microsecond.
type Milliseconds float64

func milliseconds(d time.Duration) Milliseconds {
	return Milliseconds(float64(d.Round(time.Microsecond)/time.Microsecond) / 1000)
}

func (m Milliseconds) duration() time.Duration {
	return time.Duration(float64(m) * float64(time.Millisecond)).Round(time.Microsecond)
}

func newResult(cfg Config, elapsed time.Duration, t *tally, h *holds) Result {
	byKind, first := t.errors()
	pairs := t.pairs.Load()
	return Result{
		URL:              cfg.URL,
		Clients:          cfg.Clients,
		Users:            cfg.Users,
		Hold:             milliseconds(cfg.Hold),
		Elapsed:          milliseconds(elapsed),
		Pairs:            pairs,
		PairsPerSecond:   math.Round(10*float64(pairs)/elapsed.Seconds()) / 10,
		Refusals:         t.refusals.Load(),
		Errors:           byKind,
		FirstError:       first,
		Acquire:          newLatency(&t.acquires),
		Release:          newLatency(&t.releases),
		Requests:         newLatency(&t.requests),
		Overlaps:         h.overlaps.Load(),
		FencesOutOfOrder: h.fences.Load(),
		FirstOverlap:     h.firstWrong(),
	}
}

func newLatency(l *latencies) Latency {
	return Latency{
		Count: l.count(),
		P50:   milliseconds(l.percentile(50)),
		P95:   milliseconds(l.percentile(95)),
		P99:   milliseconds(l.percentile(99)),
		Max:   milliseconds(l.max()),
	}
}

// fault returns an error if the result shows that the farm is broken.
func (r Result) fault() error {
	if r.Overlaps > 0 || r.FencesOutOfOrder > 0 {
		return fmt.Errorf("the farm shared users: %d overlapping holds and %d fences out of order; first, %s",
			r.Overlaps, r.FencesOutOfOrder, r.FirstOverlap)
	}
	if r.Pairs == 0 && r.FirstError != "" {
		return errors.New("no pair succeeded; the first error was: " + r.FirstError)
	}
	return nil
}
