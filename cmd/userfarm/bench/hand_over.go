package bench

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	handOvers = 100 // in a round, at most

	// handOverPause is how long a waiter that was served has to come to the line again, before the next hand-over.
	handOverPause = 10 * time.Millisecond
)

// handed is a hand-over: a user is released, and a waiter for that user gets it. The mutex of the line protects it.
type handed struct {
	user int
	at   chan time.Time // nil unless a hand-over is measured
}

// arrive records that a waiter got a user.
func (h *handed) arrive(user int, at time.Time) {
	if h.at != nil && h.user == user {
		h.at <- at
		h.at = nil
	}
}

// handOver hands over one user after the other, for as long as a round measures. It records the time from before the release is sent
// until the waiter has its answer. The number of waiters stays the same, because a waiter that was served comes to the line again.
func (l *line) handOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.length)
	defer cancel()
	holder := l.project.farm.newCaller()
	order := rand.Perm(len(l.users)) //nolint:gosec // no place in the line is better than others, and it need not be unpredictable
	for i := 0; i < handOvers && sleep(ctx, handOverPause); i++ {
		l.handOverUser(holder, order[i%len(order)])
	}
}

func (l *line) handOverUser(holder *caller, user int) {
	arrived := make(chan time.Time, 1)
	l.mu.Lock()
	leaseID := l.leases[user]
	if leaseID != "" {
		l.leases[user] = ""
		l.handed = handed{user: user, at: arrived}
	}
	l.mu.Unlock()
	if leaseID == "" {
		return
	}
	began := time.Now()
	if err := holder.release(leaseID); err != nil {
		l.tally.fail(err)
		return
	}
	select {
	case at := <-arrived:
		l.tally.handOvers.record(at.Sub(began))
	case <-time.After(requestTimeout):
		l.tally.fail(&failure{kind: kindNotHandedOver, text: "a user was released, and its waiter did not get it in time"})
	}
}
