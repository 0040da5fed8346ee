package bunstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// claimPatience is how long a claim goes on after users whose rows rivals keep, within the operation's time.
const claimPatience = operationTimeout - time.Second

var (
	// errContended says that the free users whose rows nobody else keeps did not suffice.
	errContended = errors.New("too few rows of free users were to be had without waiting")
	// errTaken says that users which were chosen are not free anymore.
	errTaken = errors.New("the chosen users were taken")
)

// Claim implements [ports.Users].
//
// It first tries with the free users whose rows it gets without waiting. If they do not suffice, rivals may keep just the
// rows that it needs, for claims which they may yet undo: that is no reason to refuse. So it looks at what is committed at
// one moment. If that does not suffice either, it refuses. If it does, it chooses users, waits for their rows, and begins
// anew should they be taken by then, which means that a rival got one. It gives up when its patience is at an end: whoever
// asks again later does better than one who queues for a database that answers, but has no user to give.
func (s *Store) Claim(ctx context.Context, want []domain.Selector, decide ports.Decide) ([]*domain.User, error) {
	var users []*domain.User
	var chosen []string
	err := s.bounded(ctx, "claim", func(ctx context.Context) error {
		patient, cancel := context.WithTimeout(ctx, claimPatience)
		defer cancel()
		for {
			err := s.transact(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
				users, err = s.claimAtOnce(ctx, tx, want, decide)
				return err
			})
			if !errors.Is(err, errContended) {
				return err
			}
			err = s.snapshot(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
				chosen, err = s.choose(ctx, tx, want)
				return err
			})
			if err != nil {
				return err
			}
			err = s.transact(patient, func(ctx context.Context, tx bun.Tx) (err error) {
				users, err = s.claimChosen(ctx, tx, want, chosen, decide)
				return err
			})
			taken := errors.Is(err, errTaken)
			switch outOfPatience := patient.Err() != nil && ctx.Err() == nil; {
			case outOfPatience && (taken || err != nil && !isRefusal(err)):
				_, all := domain.Assign(want, nil)
				return refuse(&domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Selectors: all})
			case !taken:
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

// claimAtOnce claims among the free users whose rows it gets without waiting. It refuses with errContended.
func (s *Store) claimAtOnce(
	ctx context.Context, tx bun.Tx, want []domain.Selector, decide ports.Decide,
) ([]*domain.User, error) {
	candidates := found{before: make(map[domain.UserID]*domain.User)}
	for _, selector := range distinct(want) {
		// A subquery: the clock is volatile, and a range of an index has one end.
		now := bun.SafeQuery("(SELECT ?)", s.dialect.Clock())
		search := mostRested(s.matching(tx.NewSelect(), selector), now, len(want))
		free, err := s.load(ctx, tx, search, s.dialect.SkipLocked)
		if err != nil {
			return nil, err
		}
		candidates.add(free)
	}
	users, missing := domain.Assign(want, candidates.users)
	if len(missing) > 0 {
		return nil, refuse(errContended)
	}
	return users, s.settle(ctx, tx, candidates, users, decide)
}

// choose returns the ids of users, one for each selector, that are free by what is committed. It refuses with the errors
// of [domain.Refusal].
func (s *Store) choose(ctx context.Context, tx bun.Tx, want []domain.Selector) ([]string, error) {
	now, err := s.clock(ctx, tx)
	if err != nil {
		return nil, err
	}
	matches := found{before: make(map[domain.UserID]*domain.User)}
	for _, selector := range distinct(want) {
		free := mostRested(s.matching(tx.NewSelect(), selector), micros(now), len(want))
		inAnyState := s.matching(tx.NewSelect(), selector).Limit(int64(len(want)))
		for _, search := range []*bun.SelectQuery{free, inAnyState} {
			some, err := s.load(ctx, tx, search, "")
			if err != nil {
				return nil, err
			}
			matches.add(some)
		}
	}
	if err := domain.Refusal(now, want, matches.users); err != nil {
		return nil, refuse(err)
	}
	users, _ := domain.Assign(want, freeOf(matches.users, now))
	chosen := make([]string, len(users))
	for i, u := range users {
		chosen[i] = u.ID().String()
	}
	return chosen, nil
}

// claimChosen waits for the rows of users and claims them. It refuses with errTaken.
func (s *Store) claimChosen(
	ctx context.Context, tx bun.Tx, want []domain.Selector, ids []string, decide ports.Decide,
) ([]*domain.User, error) {
	search := tx.NewSelect().Where("u.user_id IN (?)", bun.List(ids)).Order("u.user_id")
	chosen, err := s.load(ctx, tx, search, s.dialect.LockRows)
	if err != nil {
		return nil, err
	}
	users, missing := domain.Assign(want, freeOf(chosen.users, chosen.now))
	if len(missing) > 0 {
		return nil, refuse(errTaken)
	}
	return users, s.settle(ctx, tx, chosen, users, decide)
}

// distinct returns the selectors that differ: what is the same is searched once.
func distinct(want []domain.Selector) []domain.Selector {
	var selectors []domain.Selector
	for _, selector := range want {
		if !slices.ContainsFunc(selectors, selector.Equal) {
			selectors = append(selectors, selector)
		}
	}
	return selectors
}

func freeOf(users []*domain.User, now time.Time) []*domain.User {
	var free []*domain.User
	for _, u := range users {
		if u.CheckFree(now) == nil {
			free = append(free, u)
		}
	}
	return free
}
