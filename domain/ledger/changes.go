package ledger

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Changes are what to write in the transaction that loaded.
type Changes struct {
	Now time.Time // when all of this happened

	Changed []Changed
	Removed []domain.UserID
	Added   []Added
	Ended   []domain.EndedLease // to be merged with what is remembered of the same leases
	Events  []domain.Event      // without those of Added; see [Changes.WithAdded]
	Calls   []domain.Once       // that were carried out, without those of Added

	Joined []Waiter // claims that join the line, at a new place or one that was there
	Left   []Place  // of claims that leave it
	Aside  []Place  // of claims that leave it, and may ask again: a place with a call is kept for [domain.PlaceKept]

	// Together says to add all users of Added, or to write nothing at all.
	Together bool

	// Freed has users that are free now: claims in line may wait for them.
	Freed []*domain.User

	// Gone has users, as they were before, that were removed or whose account changed: claims in line may wait for them in vain.
	Gone []*domain.User
}

// Changed is a user before and after. What changed may be its lock, its quarantine, its account, or nothing at all.
type Changed struct{ Before, After *domain.User }

// Added is a new user. Its events, and the calls, are to be written only if its id and its login are not taken.
type Added struct {
	User  *domain.User
	Calls []domain.Once
}

// Changes returns what to write.
func (l *Ledger) Changes() Changes {
	changes := l.changes
	for _, added := range changes.Added {
		changes.Freed = append(changes.Freed, added.User)
	}
	for _, e := range l.changed {
		if e.removed {
			continue
		}
		changes.Changed = append(changes.Changed, Changed{Before: e.User, After: e.current})
		if e.free {
			changes.Freed = append(changes.Freed, e.current)
		}
		if !e.current.SameAccount(e.User) {
			changes.Gone = append(changes.Gone, e.User)
		}
	}
	for _, id := range changes.Removed {
		if e := l.entries[id]; e.User != nil {
			changes.Gone = append(changes.Gone, e.User)
		}
	}
	return changes
}

// WithAdded returns the events and the calls to write once it is known which users were added.
func (c Changes) WithAdded(written map[domain.UserID]bool) ([]domain.Event, []domain.Once) {
	events, calls := slices.Clip(c.Events), slices.Clip(c.Calls)
	for _, added := range c.Added {
		if written[added.User.ID()] {
			events, calls = append(events, added.User.Events()...), append(calls, added.Calls...)
		}
	}
	return events, calls
}
