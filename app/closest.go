package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Refusals of many failing tests must not slow down those that succeed. So few are explained at one time, and one that can't
// be explained soon stays without an explanation.
const (
	explainAtOnce = 2
	explainWithin = 500 * time.Millisecond

	mostExplained = 3 // selectors of a refusal
	mostFields    = 8 // of these selectors together
)

// explain adds to a refusal for [domain.ErrNoMatch] which users come closest to the selectors. It returns any other error as
// it is, and a refusal too if the store does not tell soon.
func (f *Farm) explain(ctx context.Context, want []domain.Selector, refusal error) error {
	unmatched, ok := errors.AsType[*domain.UnmatchedError](refusal)
	if !ok || !errors.Is(unmatched, domain.ErrNoMatch) {
		return refusal
	}
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	select {
	case f.explaining <- struct{}{}:
	case <-ctx.Done():
		return refusal
	}
	defer func() { <-f.explaining }()
	closest, err := f.closest(ctx, want, unmatched.Selectors)
	if err != nil {
		return refusal
	}
	explained := *unmatched
	explained.Closest = closest
	return &explained
}

// closest returns how users in the caller's scope miss selectors, of which it explains the first.
func (f *Farm) closest(ctx context.Context, want []domain.Selector, unmatched []int) ([]domain.NearMiss, error) {
	var closest []domain.NearMiss
	var explained []domain.Selector
	fields := mostFields
	for _, i := range unmatched {
		selector := want[i]
		if slices.ContainsFunc(explained, selector.Equal) {
			continue // it has the same explanation
		}
		if len(explained) == mostExplained {
			break
		}
		explained = append(explained, selector)
		missed := len(closest)
		for _, field := range selector.Fields() {
			if fields == 0 {
				return closest, nil
			}
			fields--
			counts, err := f.store.CountValues(ctx, selector.Without(field).In(f.caller.Scope), field)
			if err != nil {
				return nil, err
			}
			if miss, ok := selector.MissedBy(field, i, counts); ok {
				closest = append(closest, miss)
			}
		}
		if len(closest) > missed {
			continue
		}
		all := domain.Selector{ProjectID: selector.ProjectID}.In(selector.Scope()).In(f.caller.Scope)
		counts, err := f.store.CountValues(ctx, all, domain.FieldEnv)
		if err != nil {
			return nil, err
		}
		closest = append(closest, selector.MissedByAll(i, counts))
	}
	return closest, nil
}
