package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// occupancy returns why the users of selectors are not free. It looks at the first selectors that differ.
func (f *Farm) occupancy(ctx context.Context, want []domain.Selector, selectors []int) (found domain.Occupancy, err error) {
	var explained []domain.Selector
	var indexes []int
	for _, i := range selectors {
		selector := want[i].In(f.caller.Scope)
		if len(explained) < mostExplained && !slices.ContainsFunc(explained, selector.Equal) {
			explained, indexes = append(explained, selector), append(indexes, i)
		}
	}
	if found.Waiting, err = f.store.CountWaiting(ctx, explained); err != nil {
		return found, err
	}
	holders := make(map[domain.UserID]domain.Holder)
	for at, selector := range explained {
		held, err := f.holders(ctx, selector, holders)
		if err != nil {
			return found, err
		}
		if held {
			continue
		}
		free, err := f.anyFree(ctx, selector)
		if err != nil {
			return found, err
		}
		if !free {
			found.Quarantined = append(found.Quarantined, indexes[at])
		}
	}
	for _, holder := range holders {
		found.HeldBy = append(found.HeldBy, holder)
	}
	slices.SortFunc(found.HeldBy, func(a, b domain.Holder) int {
		return cmp.Or(domain.CompareExpiries(a.ExpiresAt, b.ExpiresAt), cmp.Compare(a.Login, b.Login))
	})
	found.HeldBy = found.HeldBy[:min(len(found.HeldBy), domain.MostHolders)]
	return found, nil
}

// holders adds who holds users that a selector matches. held is false if none is held.
func (f *Farm) holders(ctx context.Context, want domain.Selector, holders map[domain.UserID]domain.Holder) (held bool, err error) {
	var users []*domain.User
	var now time.Time
	if want.UserID.IsZero() {
		users, now, err = f.store.Holders(ctx, want, domain.MostHolders)
	} else {
		users, now, err = f.named(ctx, want)
	}
	for _, u := range users {
		view := u.View(now)
		if lock := view.Lock; lock != nil && view.Status == domain.Locked {
			holders[view.ID] = domain.Holder{Login: view.Login, Owner: lock.Owner, Note: lock.Note, ExpiresAt: lock.ExpiresAt}
			held = true
		}
	}
	return held, err
}

// anyFree reports whether a user that a selector matches is free.
func (f *Farm) anyFree(ctx context.Context, want domain.Selector) (bool, error) {
	if want.UserID.IsZero() {
		page, err := f.store.List(ctx, ports.Query{
			Scope: want.Scope(), ProjectID: want.ProjectID, Env: want.Env, Domain: want.Domain, Labels: want.Labels,
			Status: domain.Free, Limit: 1,
		})
		return len(page.Users) > 0, err
	}
	users, now, err := f.named(ctx, want)
	return slices.ContainsFunc(users, func(u *domain.User) bool { return u.CheckFree(now) == nil }), err
}

// named returns the user that a selector names, if it is there.
func (f *Farm) named(ctx context.Context, want domain.Selector) ([]*domain.User, time.Time, error) {
	users, now, err := f.store.Find(ctx, ports.ByUser(want.UserID))
	if errors.Is(err, domain.ErrUserNotFound) {
		return nil, time.Time{}, nil
	}
	return slices.DeleteFunc(users, func(u *domain.User) bool { return !want.Matches(u) }), now, err
}
