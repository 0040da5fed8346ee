package domain

import "time"

// EventKind says what happened.
type EventKind string

// What can happen to a user.
const (
	UserCreated     EventKind = "created"
	UserChanged     EventKind = "changed" // its password, labels or second factor
	UserAcquired    EventKind = "acquired"
	UserRenewed     EventKind = "renewed"
	UserReleased    EventKind = "released"
	UserExpired     EventKind = "expired"
	UserForced      EventKind = "forced"
	UserQuarantined EventKind = "quarantined"
	UserRestored    EventKind = "restored"
	UserRemoved     EventKind = "removed"
)

// ClaimGaveUp says that a claim left the line without users, and did not ask again in time; see [Waiter.GaveUp].
const ClaimGaveUp EventKind = "gave_up"

// What can happen to an API key or to a project. These events have no user.
const (
	APIKeyCreated EventKind = "key_created"
	APIKeyRevoked EventKind = "key_revoked"
	ProjectNamed  EventKind = "project_named" // it got a name or another one, or lost its name
)

// Event records something that happened to a user, an API key or a project, or that a claim gave up. It has no secrets.
type Event struct {
	At     time.Time // by the store's clock
	Kind   EventKind
	UserID UserID
	Login  string
	Pool   Pool
	Owner  string // of the lock or claim that the event is about; empty for an open lock, or if there is no lock
	Note   string // of that lock or claim
	Fence  uint64 // of the user's latest lock; 0 if there never was one
	Reason string // in the words of the caller

	// Changed says what changed, for [UserChanged].
	Changed ChangedFields

	// Waited is how long the claim waited in line, for an acquire or a claim that gave up.
	Waited time.Duration

	// Held is how long the lock was held that ended, for [UserReleased], [UserExpired] and [UserForced]. A lock that expired was
	// held until its expiry, even if no event recorded that before. For [ClaimGaveUp], it is how long the place in line was held
	// for the claim after it had left, so that the claim came at At - Held - Waited.
	Held time.Duration

	// Want is what a claim asked for: all of its selectors. Of the events of one claim, the first has it: the [UserAcquired] of its
	// first user, or its first [ClaimGaveUp]. The users of the other selectors follow in their order.
	Want []Selector

	// Key is the API key of the caller that caused the event. It is zero if the caller had none, and for an expiry, which no
	// caller caused.
	Key APIKeyID

	// About is the API key that was created or revoked, for [APIKeyCreated] and [APIKeyRevoked]. The pool has only a project: if the key
	// is for some projects, there is one event in each of them; if it is for all, there is one without a project. Only callers that
	// see API keys see these events.
	About APIKeyID

	// Name is the name of that API key. For [ProjectNamed] it is the new name of the pool's project; empty if it has none anymore.
	Name string
}

// Events returns the events of u since it was created, restored or cloned, oldest first.
func (u *User) Events() []Event { return u.events }

// ActBy sets the API key that the following events of u record.
func (u *User) ActBy(key APIKeyID) { u.by = key }

// record adds an event about u and its current lock, if it has one.
func (u *User) record(now time.Time, kind EventKind, reason string) {
	u.events = append(u.events, u.event(now, kind, reason))
}

// recordChange adds the event of a change. A lock that has expired is no lock anymore, even if no event records that yet.
func (u *User) recordChange(now time.Time, changed ChangedFields, reason string) {
	e := u.event(now, UserChanged, reason)
	e.Changed = changed
	if !u.locked(now) {
		e.Owner, e.Note = "", ""
	}
	u.events = append(u.events, e)
}

func (u *User) event(now time.Time, kind EventKind, reason string) Event {
	e := Event{
		At: now, Kind: kind, UserID: u.state.ID, Login: u.state.Login, Pool: u.state.Pool, Fence: u.state.Fence, Reason: reason,
		Key: u.by,
	}
	if lock := u.state.Lock; lock != nil {
		e.Owner, e.Note = lock.Owner, lock.Note
		switch kind {
		case UserReleased, UserForced:
			e.Held = max(now.Sub(lock.AcquiredAt), 0)
		case UserExpired:
			e.Held = max(lock.ExpiresAt.Sub(lock.AcquiredAt), 0)
		default:
		}
	}
	return e
}

// In returns the event as a caller with this scope may see it, if it may see the event at all: of Want, it has the selectors
// that may be served from the projects of the scope. It hides a selector that names another user than the event does, because
// the id does not tell the project.
func (e Event) In(scope Scope) Event {
	if !scope.Limited || len(e.Want) == 0 {
		return e
	}
	want := e.Want
	e.Want = nil
	for _, s := range want {
		if s.UserID == e.UserID && !s.UserID.IsZero() || s.UserID.IsZero() && s.Overlaps(Selector{}.In(scope)) {
			e.Want = append(e.Want, s)
		}
	}
	return e
}
