package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Claim claims a distinct free user for every selector, all or none, as [domain.Assign] picks them.
type Claim struct {
	Want   []domain.Selector
	Once   domain.Once
	Decide Decide
	Asker  domain.Asker

	// Chosen has users that suffice, one for each selector, if the claim is to take these and no others.
	Chosen []domain.UserID

	// Users is the outcome: Users[i] is for Want[i].
	Users []*domain.User
}

func (c *Claim) need(n *Needs) {
	n.once(c.Once)
	n.Line = true
	if c.Chosen != nil {
		n.Users = append(n.Users, c.Chosen...)
		return
	}
	for _, selector := range c.Want {
		if selector.UserID.IsZero() {
			n.Searches = append(n.Searches, Search{Want: selector})
		} else {
			n.Users = append(n.Users, selector.UserID)
		}
	}
}

func (c *Claim) apply(l *Ledger) error {
	if !c.Once.IsZero() {
		if err := l.checkCall(c.Once); err != nil {
			return err
		}
	}
	users, missing := domain.Assign(c.Want, l.candidates(c))
	switch {
	case len(missing) == 0 && l.loaded.Wanted != nil && slices.ContainsFunc(users, l.loaded.Wanted):
		return ErrAwaited
	case len(missing) == 0:
		return l.give(c, users)
	case c.Chosen != nil:
		return ErrTaken
	default:
		return ErrShort
	}
}

func (*Claim) confirm(map[domain.UserID]bool) error { return nil }

// Serve gives users of the ledger, one for each selector, to a claim that has waited since then; zero if it has not. It returns the error of the
// claim's Decide, and what Apply returns for a call that was carried out before or is contended.
func (l *Ledger) Serve(c *Claim, users []*domain.User, since time.Time) error {
	if err := l.checkCall(c.Once); err != nil {
		return err
	}
	before := len(l.changes.Events)
	if err := l.give(c, users); err != nil {
		return err
	}
	if since.IsZero() {
		return nil
	}
	for i := range l.changes.Events[before:] {
		if e := &l.changes.Events[before+i]; e.Kind == domain.UserAcquired {
			e.Waited = max(l.loaded.Now.Sub(since), 0)
		}
	}
	return nil
}

func (l *Ledger) give(c *Claim, users []*domain.User) error {
	entries := make([]*entry, len(users))
	for i, u := range users {
		entries[i] = l.entries[u.ID()]
	}
	before := len(l.changes.Events)
	decided, err := l.decide(entries, c.Decide)
	if err != nil {
		return err
	}
	c.Users = decided
	events := l.changes.Events[before:]
	if first := slices.IndexFunc(events, func(e domain.Event) bool { return e.Kind == domain.UserAcquired }); first >= 0 {
		events[first].Want = c.Want
	}
	l.changes.Calls = append(l.changes.Calls, l.noteCall(c.Once)...)
	return nil
}

// candidates returns free users among which is the best assignment for a claim, unless the searches were too limited.
func (l *Ledger) candidates(c *Claim) []*domain.User {
	var free []*domain.User
	offer := func(id domain.UserID) {
		for _, e := range l.named(id) {
			if e.free {
				free = append(free, e.current)
			}
		}
	}
	for _, id := range c.Chosen {
		offer(id)
	}
	if c.Chosen != nil {
		return free
	}
	for _, selector := range c.Want {
		if selector.UserID.IsZero() {
			free = append(free, l.mostRested(selector, len(c.Want))...)
		} else {
			offer(selector.UserID)
		}
	}
	return free
}

// mostRested returns free users that a selector matches, the n most rested of them included.
func (l *Ledger) mostRested(want domain.Selector, n int) []*domain.User {
	key := SearchKey(want)
	found := l.found[key]
	free := make([]*domain.User, 0, n)
	passed := 0 // from the beginning of what was found
	for _, e := range found.entries {
		if len(free) == n {
			break
		}
		if !e.changed && e.free {
			free = append(free, e.current)
		} else if len(free) == 0 {
			passed++
		}
	}
	found.entries = found.entries[passed:]
	l.found[key] = found
	// What changed is not where it was found in the order of rest, and may match only now.
	enough := free
	for _, e := range l.changed {
		if !e.free || len(enough) == n && domain.CompareRest(e.current, enough[n-1]) > 0 {
			continue
		}
		if want.Matches(e.current) {
			free = append(free, e.current)
		}
	}
	return free
}

// Limit returns how many users the search for a selector was to find at most; 0 if there was no such search.
func (l *Ledger) Limit(want domain.Selector) int { return l.found[SearchKey(want)].limit }

// Explain returns why a claim came short: the error of [Ledger.Refusal], or that of a user's row that can't be read and that the
// claim had to pass over.
func (l *Ledger) Explain(want []domain.Selector, matching []Row) error {
	refusal := l.Refusal(want, matching)
	if refusal == nil {
		return nil
	}
	if named, ok := errors.AsType[*domain.SelectorError](refusal); ok {
		want = want[named.Selector : named.Selector+1]
	}
	for _, row := range matching {
		if l.mayBeFree(want, row) {
			return fmt.Errorf("a user that is free: %w", row.Err)
		}
	}
	return refusal
}

// mayBeFree reports whether a row that can't be read is, or may be, of a free user that one of the selectors matches.
func (l *Ledger) mayBeFree(want []domain.Selector, row Row) bool {
	if e, known := l.entries[row.ID]; known && (e.removed || e.Err == nil) {
		return false
	}
	return row.Err != nil && slices.ContainsFunc(want, func(s domain.Selector) bool {
		if row.User == nil {
			return s.UserID.IsZero() || s.UserID == row.ID
		}
		return s.Matches(row.User) && row.User.CheckFree(l.loaded.Now) == nil
	})
}

// Refusal returns why a claim can't have what it wants: the error of [domain.Refusal]. matching has users as they are
// committed: for each of the k selectors, k of those that match and k of those that are free, and as many more of these as
// the ledger may have given away (see [Ledger.Limit]). Of users that the ledger has, their present state counts. Refusal
// returns nil if enough of them are free, so that a rival must hold them, or a claim in line need them.
func (l *Ledger) Refusal(want []domain.Selector, matching []Row) error {
	return domain.Refusal(l.loaded.Now, want, l.present(matching))
}

// Choose returns the ids of free users, one for each selector, or the error of Refusal.
func (l *Ledger) Choose(want []domain.Selector, matching []Row) ([]domain.UserID, error) {
	if err := l.Refusal(want, matching); err != nil {
		return nil, err
	}
	free := slices.DeleteFunc(l.present(matching), func(u *domain.User) bool { return u.CheckFree(l.loaded.Now) != nil })
	users, _ := domain.Assign(want, free)
	chosen := make([]domain.UserID, len(users))
	for i, u := range users {
		chosen[i] = u.ID()
	}
	return chosen, nil
}

// present returns those of the users that can be read, as they are in the ledger, and all that changed in it: they may match
// now.
func (l *Ledger) present(rows []Row) []*domain.User {
	var users []*domain.User
	for _, e := range l.changed {
		if !e.removed {
			users = append(users, e.current)
		}
	}
	for _, row := range rows {
		e, known := l.entries[row.ID]
		switch {
		case known && e.Err == nil && !e.removed && !e.changed:
			users = append(users, e.current)
		case !known && row.Err == nil:
			users = append(users, row.User)
		}
	}
	return users
}
