package domain

import (
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
// false if there are none.
func (w Waiter) In(scope Scope) (seen Waiter, ok bool) {
	want := w.Want
	w.Want = nil
	for _, s := range want {
		if s.Overlaps(Selector{}.In(scope)) {
			w.Want = append(w.Want, s)
		}
	}
	return w, len(w.Want) > 0
}

// GaveUp returns the events of a claim that waited until w.Until, left without users, and has not asked again by now: one for
// each pool that its selectors name. What a selector leaves open is zero.
func (w Waiter) GaveUp(now time.Time) (events []Event) {
	e := Event{At: now, Kind: ClaimGaveUp, Owner: w.Owner, Note: w.Note, Key: w.Key, Waited: max(w.Until.Sub(w.Since), 0)}
	for _, s := range w.Want {
		e.UserID, e.Pool = s.UserID, Pool{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain}
		if !slices.Contains(events, e) {
			events = append(events, e)
		}
	}
	return events
}

// Compete reports whether one user could be for either of two claims.
func Compete(want, other []Selector) bool {
	for _, s := range want {
		for _, o := range other {
			if s.Overlaps(o) {
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
	Waiting int      // claims in line that want such users
	HeldBy  []Holder // of such users, those whose locks end first at the beginning; at most [MostHolders]

	// Quarantined says that all users that match are in quarantine, so that waiting does not help.
	Quarantined bool
}

// Holder tells people who holds a user.
type Holder struct {
	Login     string
	Owner     string // empty for an open lock
	Note      string
	ExpiresAt time.Time // zero if the lock never expires
}
