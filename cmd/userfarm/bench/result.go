package bench

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Result is the result of a measurement. Its JSON form is stable: members may be added, but none is renamed or removed, and every
// result contains all of them.
type Result struct {
	URL       string       `json:"url"`        // of the farm
	Clients   int          `json:"clients"`    // that worked at the same time
	Users     int          `json:"users"`      // that they shared
	Pools     int          `json:"pools"`      // of the users
	LabelSets int          `json:"label_sets"` // of the users of each pool
	Want      string       `json:"want"`       // of an acquire: one of the sets of labels, or the label that they share (shared)
	Hold      Milliseconds `json:"hold_ms"`    // of every user by its client
	Rounds    int          `json:"rounds"`     // that were measured

	Work

	// Overlaps counts the pairs of holds of one user that overlapped. A hold lasts from when a client has the answer to its acquire
	// until it sends its release. Any number but 0 shows a bug of the farm.
	Overlaps int64 `json:"overlaps"`
	// FencesOutOfOrder counts the holds whose fence was not higher than those of earlier holds of the user. Any number but 0 shows a
	// bug of the farm.
	FencesOutOfOrder int64 `json:"fences_out_of_order"`
	// FirstOverlap describes the first overlap or fence out of order, or is empty.
	FirstOverlap string `json:"first_overlap"`

	// Waiters were in line during the measurement.
	Waiters Waiters `json:"waiters"`

	// Plain is what the same clients did in one pool of as many users, without labels and while the line is empty, in turn with the
	// measurement. If the two are not compared, all is 0.
	Plain Work `json:"plain"`
	// Ratio divides the pairs per second of a round by those of the plain pool in that round.
	Ratio Spread `json:"ratio"`
}

// Work is what the clients did in all rounds.
type Work struct {
	// Elapsed is the time from the start until the last client had its last answer, without the time between rounds.
	Elapsed Milliseconds `json:"elapsed_ms"`
	// Pairs counts the acquires that were granted and, after the whole hold, released.
	Pairs          int64   `json:"pairs"`
	PairsPerSecond float64 `json:"pairs_per_second"`
	// PairsPerSecondOfRounds says how different the rounds were.
	PairsPerSecondOfRounds Spread `json:"pairs_per_second_of_rounds"`
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
}

// Waiters says how the acquires fared that waited in line. All is 0 or empty if there were none.
type Waiters struct {
	Count int    `json:"count"`
	Want  string `json:"want"` // different users, or all the same user (alike)
	// InLine is how many were in line when the clients began, in the round with the fewest. It may be wrong if other acquires waited
	// in the farm.
	InLine int `json:"in_line"`
	// Errors counts failures by kind, as for the clients. The kind of a user that no waiter got within 10 seconds of its release is
	// not_handed_over.
	Errors     map[string]int64 `json:"errors"`
	FirstError string           `json:"first_error"` // or empty
	// HandOver says how long hand-overs took, from before the release of a user was sent until the waiter for that user had read its
	// answer. There was one hand-over at a time, and no other load.
	HandOver Latency `json:"hand_over"`
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

func (b *bench) result() Result {
	r := Result{
		URL:       b.cfg.URL,
		Clients:   b.cfg.Clients,
		Users:     b.cfg.Users,
		Pools:     b.cfg.Pools,
		LabelSets: b.cfg.LabelSets,
		Want:      b.cfg.Want,
		Hold:      milliseconds(b.cfg.Hold),
		Rounds:    len(b.measured.rates),
		Work:      newWork(b.measured),
		Waiters:   newWaiters(b.cfg, b.line),
		Plain:     newWork(b.plain),
	}
	r.addHolds(b.measured.holds)
	if b.plain != nil {
		r.Ratio = newRatios(b.measured.rates, b.plain.rates)
		if b.plain.holds != b.measured.holds {
			r.addHolds(b.plain.holds)
		}
	}
	return r
}

func (r *Result) addHolds(h *holds) {
	r.Overlaps += h.overlaps.Load()
	r.FencesOutOfOrder += h.fences.Load()
	r.FirstOverlap = cmp.Or(r.FirstOverlap, h.firstWrong())
}

// newWork returns what the clients did. The load may be nil.
func newWork(l *load) Work {
	if l == nil {
		return Work{Errors: map[string]int64{}}
	}
	byKind, first := l.tally.errors()
	pairs := l.tally.pairs.Load()
	return Work{
		Elapsed:                milliseconds(l.elapsed),
		Pairs:                  pairs,
		PairsPerSecond:         rate(pairs, l.elapsed),
		PairsPerSecondOfRounds: newSpread(l.rates),
		Refusals:               l.tally.refusals.Load(),
		Errors:                 byKind,
		FirstError:             first,
		Acquire:                newLatency(&l.tally.acquires),
		Release:                newLatency(&l.tally.releases),
		Requests:               newLatency(&l.tally.requests),
	}
}

// newWaiters returns how the waiters fared. The line may be nil.
func newWaiters(cfg Config, l *line) Waiters {
	if l == nil {
		return Waiters{Errors: map[string]int64{}}
	}
	byKind, first := l.tally.errors()
	return Waiters{
		Count:      cfg.Waiters,
		Want:       cfg.WaitersWant,
		InLine:     max(l.inLine, 0),
		Errors:     byKind,
		FirstError: first,
		HandOver:   newLatency(&l.tally.handOvers),
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
