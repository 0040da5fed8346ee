package bunstore

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// sight is what a look was for.
type sight struct {
	key    string // of the selector
	needed int
}

// look returns users that match a selector, to tell why too few were found: by what is committed, and by what the round
// made of those that it keeps. They have no passwords, and none of them is known to be unreadable.
func (r *round) look(ctx context.Context, want domain.Selector, needed int) ([]*domain.User, error) {
	if !findable(want) {
		return nil, nil
	}
	sight := sight{key: searchKey(want), needed: needed}
	if matching, seen := r.sights[sight]; seen {
		return matching, nil
	}
	// The round may have taken as many of those that look free as its searches were limited to.
	slack := r.store.unreadable.slack()
	rows, err := r.tx.Look(ctx, want, max(needed, r.shelves[sight.key].limit)+slack, needed+slack)
	if err != nil {
		return nil, err
	}
	var matching []*domain.User
	for _, row := range rows {
		if e, kept := r.entries[row.UserID]; kept {
			if e.err == nil {
				matching = append(matching, e.current)
			}
			continue
		}
		if r.store.unreadable.has(row.UserID) {
			continue
		}
		u, err := row.restoreBare()
		if err != nil {
			return nil, err
		}
		matching = append(matching, u)
	}
	r.sights[sight] = matching
	return matching, nil
}

// choose returns the ids of users, one for each selector, that are free by what is committed. It refuses with the errors
// of [domain.Refusal].
func (s *Store) choose(ctx context.Context, want []domain.Selector) (chosen []domain.UserID, err error) {
	err = s.retry(ctx, func() (bool, error) {
		tx, found, err := s.engine.Begin(ctx, Ask{OneMoment: true})
		if err != nil {
			return false, err
		}
		defer tx.Rollback()
		chosen, err = s.newRound(tx, Ask{}, found).choose(ctx, want)
		return false, err
	})
	return chosen, err
}

func (r *round) choose(ctx context.Context, want []domain.Selector) ([]domain.UserID, error) {
	var matching, free []*domain.User
	for _, selector := range distinct(want) {
		some, err := r.look(ctx, selector, len(want))
		if err != nil {
			return nil, err
		}
		matching = append(matching, some...)
	}
	if err := domain.Refusal(r.now, want, matching); err != nil {
		return nil, refuse(err)
	}
	for _, u := range matching {
		if u.CheckFree(r.now) == nil {
			free = append(free, u)
		}
	}
	users, _ := domain.Assign(want, free)
	chosen := make([]domain.UserID, len(users))
	for i, u := range users {
		chosen[i] = u.ID()
	}
	return chosen, nil
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
