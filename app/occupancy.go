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
	for _, i := range selectors {
		if len(explained) < mostExplained && !slices.ContainsFunc(explained, want[i].Equal) {
			explained = append(explained, want[i].In(f.caller.Scope))
		}
	}
	if found.Waiting, err = f.store.CountWaiting(ctx, explained); err != nil {
		return found, err
	}
	holders := make(map[domain.UserID]domain.Holder)
	found.Quarantined = true
	for _, selector := range explained {
		held, err := f.holders(ctx, selector, holders)
		if err != nil {
			return found, err
		}
		found.Quarantined = found.Quarantined && !held
		if !found.Quarantined {
			continue
		}
		free, err := f.matching(ctx, selector, domain.Free, 1)
		if err != nil {
			return found, err
		}
		found.Quarantined = len(free.Users) == 0
	}
	for _, holder := range holders {
		found.HeldBy = append(found.HeldBy, holder)
	}
	slices.SortFunc(found.HeldBy, func(a, b domain.Holder) int {
		return cmp.Or(compareExpiries(a.ExpiresAt, b.ExpiresAt), cmp.Compare(a.Login, b.Login))
	})
	found.HeldBy = found.HeldBy[:min(len(found.HeldBy), domain.MostHolders)]
	return found, nil
}

// holders adds who holds users that a selector matches. held is false if none is held.
func (f *Farm) holders(ctx context.Context, want domain.Selector, holders map[domain.UserID]domain.Holder) (held bool, err error) {
	page, err := f.matching(ctx, want, domain.Locked, domain.MostHolders)
	if err != nil {
		return false, err
	}
	for _, u := range page.Users {
		view := u.View(page.Now)
		if lock := view.Lock; lock != nil {
			holders[view.ID] = domain.Holder{Login: view.Login, Owner: lock.Owner, Note: lock.Note, ExpiresAt: lock.ExpiresAt}
		}
	}
	return len(page.Users) > 0, nil
}

// matching returns users with a status that a selector matches.
func (f *Farm) matching(ctx context.Context, want domain.Selector, status domain.Status, limit int) (ports.Page, error) {
	if want.UserID.IsZero() {
		return f.store.List(ctx, ports.Query{
			Scope: want.Scope(), ProjectID: want.ProjectID, Env: want.Env, Domain: want.Domain, Labels: want.Labels,
			Status: status, Limit: limit,
		})
	}
	users, now, err := f.store.Find(ctx, ports.ByUser(want.UserID))
	if errors.Is(err, domain.ErrUserNotFound) {
		return ports.Page{}, nil
	}
	users = slices.DeleteFunc(users, func(u *domain.User) bool { return !want.Matches(u) || u.Status(now) != status })
	return ports.Page{Users: users, Now: now}, err
}

// compareExpiries sorts locks that never expire last.
func compareExpiries(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
}
