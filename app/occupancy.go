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
		wanted := 0
		for _, other := range want {
			if selector.Equal(other.In(f.caller.Scope)) {
				wanted++
			}
		}
		enough := held >= wanted
		if !enough {
			if enough, err = f.inCirculation(ctx, selector, wanted); err != nil {
				return found, err
			}
		}
		if !enough {
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

// holders adds who holds users that a selector matches. It returns how many it has found; there may be more.
func (f *Farm) holders(ctx context.Context, want domain.Selector, holders map[domain.UserID]domain.Holder) (held int, err error) {
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
			held++
		}
	}
	return held, err
}

// inCirculation reports whether so many users that a selector matches are free or held, and not in quarantine.
func (f *Farm) inCirculation(ctx context.Context, want domain.Selector, wanted int) (bool, error) {
	if !want.UserID.IsZero() {
		users, now, err := f.named(ctx, want)
		return slices.ContainsFunc(users, func(u *domain.User) bool { return u.Status(now) != domain.Quarantined }), err
	}
	for _, state := range []domain.Status{domain.Free, domain.Locked} {
		found, err := f.countUpTo(ctx, want, state, wanted)
		if err != nil {
			return false, err
		}
		wanted -= found
	}
	return wanted <= 0, nil
}

// named returns the user that a selector names, if it is there.
func (f *Farm) named(ctx context.Context, want domain.Selector) ([]*domain.User, time.Time, error) {
	users, now, err := f.store.Find(ctx, ports.ByUser(want.UserID))
	if errors.Is(err, domain.ErrUserNotFound) {
		return nil, time.Time{}, nil
	}
	return slices.DeleteFunc(users, func(u *domain.User) bool { return !want.Matches(u) }), now, err
}
