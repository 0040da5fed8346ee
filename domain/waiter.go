package domain

import (
	"cmp"
	"slices"
	"time"
)

// Asker tells people who makes a claim. No rule depends on it.
type Asker struct {
	Owner string
	Note  string
	Key   APIKeyID // of the caller; zero if it has none
}

// Waiter is a claim in line, as callers may see it.
type Waiter struct {
	Want []Selector
	Asker
	Since time.Time
	Until time.Time // when its wait is over
}

// In returns the waiter as a caller with this scope may see it: with the selectors that may be served from its projects. ok is
// false if there are none. named has the users that selectors name. A limited scope hides the selector of a user that is missing there.
func (w Waiter) In(scope Scope, named map[UserID]*User) (seen Waiter, ok bool) {
	if !scope.Limited {
		return w, true
	}
	want := w.Want
	w.Want = nil
	for _, s := range want {
		if s.overlapsOn(Selector{}.In(scope), named) {
			w.Want = append(w.Want, s)
		}
	}
	return w, len(w.Want) > 0
}

// GaveUp returns the events of a claim that waited until w.Until, left without users, and has not asked again by now: one for
// each pool that its selectors name. What a selector leaves open is zero. The first has all selectors.
func (w Waiter) GaveUp(now time.Time) (events []Event) {
	e := Event{
		At: now, Kind: ClaimGaveUp, Owner: w.Owner, Note: w.Note, Key: w.Key,
		Waited: max(w.Until.Sub(w.Since), 0), Held: max(now.Sub(w.Until), 0),
	}
	for _, s := range w.Want {
		e.UserID, e.Pool = s.UserID, Pool{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain}
		if !slices.ContainsFunc(events, func(other Event) bool { return other.UserID == e.UserID && other.Pool == e.Pool }) {
			events = append(events, e)
		}
	}
	if len(events) > 0 {
		events[0].Want = w.Want
	}
	return events
}

// overlapsOn is [Selector.Overlaps] for a reader that has the users that selectors name, and so knows their pools and labels.
func (s Selector) overlapsOn(other Selector, named map[UserID]*User) bool {
	id := cmp.Or(s.UserID, other.UserID)
	if id.IsZero() {
		return s.Overlaps(other)
	}
	u, known := named[id]
	return known && s.Matches(u) && other.Matches(u)
}

// CompeteOn reports whether one user could be for either of two claims. named has the users that selectors name; those that are
// missing there are for nobody.
func CompeteOn(want, other []Selector, named map[UserID]*User) bool {
	for _, s := range want {
		for _, o := range other {
			if s.overlapsOn(o, named) {
				return true
			}
		}
	}
	return false
}

// MostHolders is how many holders an [Occupancy] has at most.
const MostHolders = 10

// Occupancy says why the users that a claim wants are not free.
type Occupancy struct {
	Waiting int      // other claims in line that want such users
	HeldBy  []Holder // of such users, those whose locks end first at the beginning; at most [MostHolders]

	// Quarantined are the indexes of selectors of whose users so many are in quarantine that too few are left, and waiting does not
	// help. Of selectors that are equal, it has the first.
	Quarantined []int
}

// Holder tells people who holds a user.
type Holder struct {
	Login     string
	Owner     string // empty for an open lock
	Note      string
	ExpiresAt time.Time // zero if the lock never expires
}
