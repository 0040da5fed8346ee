package app

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

const (
	mostExplained = 3 // selectors of a refusal
	mostFields    = 8 // of these selectors together
)

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
