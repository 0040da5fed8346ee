package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// askFor is how long the farm is asked to wait at once. It can't see that a program has gone, so a program that is to end first
	// waits for the answer. Otherwise the farm could give users to nobody.
	askFor = 5 * time.Second

	lookEvery = time.Second // for the place in line

	// giveBackWithin is how long it may take to release users that nobody uses.
	giveBackWithin = 5 * time.Second
)

// queue acquires users, and tells people why that takes long.
type queue struct {
	farm   ports.Farm
	want   []domain.Selector
	terms  domain.Terms
	notice *notice
}

// acquire waits for users until ctx ends. Then it leaves the line, and returns the cause.
func (q *queue) acquire(ctx context.Context) (domain.Lease, error) {
	key, err := domain.NewIdempotencyKey(rand.Text())
	if err != nil {
		return domain.Lease{}, err
	}
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(askFor, cancel) })
	defer stop()
	defer q.notice.end()

	terms, deadline := q.terms, time.Now().Add(q.terms.Wait)
	for terms.Wait = 0; ; {
		lease, err := q.farm.Acquire(asking, q.want, terms, key)
		left := time.Until(deadline)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				q.giveBack(ctx, lease)
			}
			return domain.Lease{}, context.Cause(ctx)
		case err == nil || !domain.MayPass(err) || left <= 0:
			return lease, err
		case terms.Wait == 0:
			q.notice.begin(occupancyOf(err))
			looking, end := context.WithCancel(asking)
			defer end()
			go q.look(looking)
		default:
			q.notice.occupied(occupancyOf(err))
		}
		terms.Wait = min(left, askFor)
	}
}

// giveBack releases users that came too late.
func (q *queue) giveBack(ctx context.Context, lease domain.Lease) {
	releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	_ = q.farm.Release(releasing, lease.ID) //nolint:errcheck // its time to live ends soon
}

// look looks for the place in line, and shows it, until ctx ends.
func (q *queue) look(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
		line, _, _ := q.farm.Line(ctx, mostInLine) //nolint:errcheck // the place is then not known
		q.notice.show(q.place(line))
	}
}

// mostInLine is how far this program looks for itself.
const mostInLine = 1000

// place returns the place among the claims that could get the same users; 0 if this one is not in line.
func (q *queue) place(line []domain.Waiter) int {
	place := 1
	for _, waiter := range line {
		if waiter.Owner == q.terms.Owner && waiter.Note == q.terms.Note {
			return place
		}
		if competes(waiter.Want, q.want) {
			place++
		}
	}
	return 0
}

func competes(a, b []domain.Selector) bool {
	for _, s := range a {
		for _, o := range b {
			if s.Overlaps(o) {
				return true
			}
		}
	}
	return false
}

// occupancyOf returns what a refusal says about who has the users; the zero value if it does not.
func occupancyOf(refusal error) domain.Occupancy {
	var occupancy *domain.Occupancy
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](refusal); ok {
		occupancy = unmatched.Occupancy
	} else if named, ok := errors.AsType[*domain.SelectorError](refusal); ok {
		occupancy = named.Occupancy
	}
	if occupancy == nil {
		return domain.Occupancy{}
	}
	return *occupancy
}
