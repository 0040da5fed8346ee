package app

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
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
		matching, err := f.countUpTo(ctx, selector.In(f.caller.Scope), "", domain.MaxLeaseUsers)
		if err != nil {
			return nil, err
		}
		if matching > 0 {
			closest = append(closest, selector.TooFew(i, matching))
		}
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

// countUpTo returns how many users match a selector of fields and are in a state, at most limit. An empty state is any.
func (f *Farm) countUpTo(ctx context.Context, want domain.Selector, state domain.Status, limit int) (int, error) {
	page, err := f.store.List(ctx, ports.Query{
		Scope: want.Scope(), ProjectID: want.ProjectID, Env: want.Env, Domain: want.Domain, Labels: want.Labels,
		Status: state, Limit: limit,
	})
	return len(page.Users), err
}
