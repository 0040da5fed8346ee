package portstest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// choose tries every way to serve selectors by users of their own, and returns the indexes of the users in the best of
// them, ascending: the most users, and among as many those that come first.
func choose(want []domain.Selector, users []domain.Snapshot) []int {
	var best []int
	var try func(selector int, taken []int)
	try = func(selector int, taken []int) {
		if selector == len(want) {
			sorted := slices.Sorted(slices.Values(taken))
			if len(sorted) > len(best) || len(sorted) == len(best) && slices.Compare(sorted, best) < 0 {
				best = sorted
			}
			return
		}
		try(selector+1, taken)
		for i, u := range users {
			if !slices.Contains(taken, i) && wants(want[selector], u) {
				try(selector+1, append(slices.Clone(taken), i))
			}
		}
	}
	try(0, nil)
	return best
}

func wants(s domain.Selector, u domain.Snapshot) bool {
	if !sees(s.Scope(), u) {
		return false
	}
	if s.UserID != (domain.UserID{}) {
		return s.UserID == u.ID
	}
	return fits(u, s.ProjectID, s.Env, s.Domain, s.Labels)
}

// free returns the users that are free, those that rest longest first.
func (m *model) free() []domain.Snapshot {
	var free []domain.Snapshot
	for _, u := range m.users {
		if m.status(u) == domain.Free {
			free = append(free, u)
		}
	}
	// The sort is stable and they are in the order of their ids already.
	slices.SortStableFunc(free, func(a, b domain.Snapshot) int { return lastHeld(a).Compare(lastHeld(b)) })
	return free
}

// lastHeld returns the end of the latest lock of a user that is free; the zero time, which is before all others, if
// there never was one.
func lastHeld(u domain.Snapshot) time.Time {
	if u.Lock != nil {
		return u.Lock.ExpiresAt
	}
	return u.ReleasedAt
}

// checkClaim returns an error unless a store may answer a claim with these users or this error.
func (m *model) checkClaim(want []domain.Selector, users []domain.UserID, err error) error {
	for i, s := range want {
		if s.UserID == (domain.UserID{}) {
			continue
		}
		reason := m.unavailable(s.UserID)
		if u := m.user(s.UserID); u != nil && !sees(s.Scope(), *u) {
			reason = domain.ErrUserNotFound
		}
		if reason != nil {
			return checkRefused(err, reason, i)
		}
	}
	if served := len(choose(want, m.users)); served < len(want) {
		return checkUnmatched(err, domain.ErrNoMatch, want, m.users)
	}
	free := m.free()
	best := choose(want, free)
	if len(best) < len(want) {
		return checkUnmatched(err, domain.ErrPoolExhausted, want, free)
	}
	if err != nil {
		return fmt.Errorf("%d users are free for %d selectors, but: %w", len(best), len(want), err)
	}
	return m.checkGranted(want, users, free, best)
}

// unavailable returns why a user that is named can't be had, or nil.
func (m *model) unavailable(id domain.UserID) error {
	u := m.user(id)
	if u == nil {
		return domain.ErrUserNotFound
	}
	switch m.status(*u) {
	case domain.Quarantined:
		return domain.ErrUserQuarantined
	case domain.Locked:
		return domain.ErrUserLocked
	default:
		return nil
	}
}

func checkRefused(err, reason error, selector int) error {
	named, ok := errors.AsType[*domain.SelectorError](err)
	if !ok || !errors.Is(err, reason) || named.Selector != selector {
		return fmt.Errorf("got error %w, want %w for selector %d", err, reason, selector)
	}
	return nil
}

// checkUnmatched returns an error unless err names as many selectors as go without a user at best, and all the others
// could be served.
func checkUnmatched(err, reason error, want []domain.Selector, users []domain.Snapshot) error {
	unmatched, ok := errors.AsType[*domain.UnmatchedError](err)
	if !ok || !errors.Is(err, reason) {
		return fmt.Errorf("got error %w, want %w", err, reason)
	}
	var others []domain.Selector
	for i, s := range want {
		if !slices.Contains(unmatched.Selectors, i) {
			others = append(others, s)
		}
	}
	served := len(choose(want, users))
	if !slices.IsSorted(unmatched.Selectors) || len(others) != served || len(choose(others, users)) != served {
		return fmt.Errorf("%w, but %d of them can be served", err, served)
	}
	return nil
}

func (m *model) checkGranted(want []domain.Selector, got []domain.UserID, free []domain.Snapshot, best []int) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d users for %d selectors", len(got), len(want))
	}
	for i, s := range want {
		if u := m.user(got[i]); u == nil || !wants(s, *u) {
			return fmt.Errorf("selector %d got user %v, which it does not match", i, got[i])
		}
	}
	rested := make([]domain.UserID, len(best))
	for i, rank := range best {
		rested[i] = free[rank].ID
	}
	slices.SortFunc(rested, compareIDs)
	if sorted := slices.SortedFunc(slices.Values(got), compareIDs); !slices.Equal(sorted, rested) {
		return fmt.Errorf("got users %v, but the most rested ones are %v", sorted, rested)
	}
	return nil
}
