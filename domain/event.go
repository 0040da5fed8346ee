package domain

import "time"

// EventKind says what happened to a user.
type EventKind string

// What can happen to a user.
const (
	UserCreated     EventKind = "created"
	UserAcquired    EventKind = "acquired"
	UserRenewed     EventKind = "renewed"
	UserReleased    EventKind = "released"
	UserExpired     EventKind = "expired"
	UserForced      EventKind = "forced"
	UserQuarantined EventKind = "quarantined"
	UserRestored    EventKind = "restored"
	UserRemoved     EventKind = "removed"
)

// Event is something that happened to a user, for the record. It names the account and whoever held it, and tells no
// secret.
type Event struct {
	At     time.Time // a store keeps the time of its own clock
	Kind   EventKind
	UserID UserID
	Login  string
	Pool   Pool
	Owner  string // of the lock that this is about; empty if it is about none, or about an open lock
	Note   string // of that lock
	Fence  uint64 // of the user's latest lock; 0 if there never was one
	Reason string // in the words of whoever did it

	// Key is the API key of whoever did it; zero if that needed none, and for what time alone made happen.
	Key APIKeyID
}

// Events returns what happened to u since it was made, restored or cloned, oldest first.
func (u *User) Events() []Event { return u.events }

// ActBy says whose API key makes happen what happens to u from now on.
func (u *User) ActBy(key APIKeyID) { u.by = key }

// record notes an event that is about the lock that u has now, or about none.
func (u *User) record(now time.Time, kind EventKind, reason string) {
	e := Event{
		At: now, Kind: kind, UserID: u.state.ID, Login: u.state.Login, Pool: u.state.Pool, Fence: u.state.Fence, Reason: reason,
		Key: u.by,
	}
	if lock := u.state.Lock; lock != nil {
		e.Owner, e.Note = lock.Owner, lock.Note
	}
	u.events = append(u.events, e)
}
