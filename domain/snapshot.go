package domain

import (
	"maps"
	"time"
)

// Snapshot is the complete state of a user as plain data, for a store to keep. [Restore] makes the user of it again.
type Snapshot struct {
	ID         UserID
	CreatedAt  time.Time
	Login      string
	Password   Secret
	TOTP       TOTP
	Pool       Pool
	Labels     Labels
	Fence      uint64    // of the latest lock; 0 if the user was never locked
	ReleasedAt time.Time // the end of the latest lock that has ended; zero if none has
	Lock       *Lock     // the current lock; it may have expired, see [User.Expire]
	Quarantine *Quarantine
	Session    *Session // nil if none is saved; see [User.Change] and others for when it is dropped

	// Duplicate says that an older user is the same account; see [User.MarkDuplicate].
	Duplicate bool

	// LastCodeAt is the start of the time window of the latest one-time code that was given out; zero if none was.
	LastCodeAt time.Time
}

// Lock is the exclusive hold on one user. The fence of the lock is Snapshot.Fence.
type Lock struct {
	Lease      LeaseDigest // zero for an open lock
	Position   int         // index of the user in the lease
	Size       int         // number of users of the lease; 0 for an open lock
	Owner      string
	Note       string
	AcquiredAt time.Time
	ExpiresAt  time.Time // zero if it never expires
	Renewals   int       // how often its lease was renewed

	// QuarantineOnExpiry puts the user into quarantine if the lock expires before it is released.
	QuarantineOnExpiry bool
}

// Restore returns the user with this state. It does not check s.
func Restore(s Snapshot) *User { return &User{state: s.clone()} }

// Clone returns a copy of the user without its events. Changes of one do not affect the other.
func (u *User) Clone() *User { return &User{state: u.state.clone()} }

// SameAccount reports whether u and other have the same password, second factor and labels.
func (u *User) SameAccount(other *User) bool {
	return u.HasSecrets(other.state.Password, other.state.TOTP) && maps.Equal(u.state.Labels, other.state.Labels)
}

// SameCirculation reports whether u and other have the same lock, quarantine, fence and rest.
func (u *User) SameCirculation(other *User) bool {
	a, b := &u.state, &other.state
	return a.Fence == b.Fence && a.ReleasedAt.Equal(b.ReleasedAt) && a.LastCodeAt.Equal(b.LastCodeAt) &&
		(a.Lock == b.Lock || a.Lock != nil && b.Lock != nil && *a.Lock == *b.Lock) &&
		(a.Quarantine == b.Quarantine || a.Quarantine != nil && b.Quarantine != nil && *a.Quarantine == *b.Quarantine)
}

// HasSecrets reports whether the user has this password and this second factor.
func (u *User) HasSecrets(password Secret, totp TOTP) bool {
	return u.state.Password == password && u.state.TOTP == totp
}

// Snapshot returns a copy of the user's state.
func (u *User) Snapshot() Snapshot { return u.state.clone() }

func (s Snapshot) clone() Snapshot {
	s.Labels = s.Labels.Clone()
	if s.Lock != nil {
		lock := *s.Lock
		s.Lock = &lock
	}
	if s.Quarantine != nil {
		quarantine := *s.Quarantine
		s.Quarantine = &quarantine
	}
	if s.Session != nil {
		session := *s.Session
		s.Session = &session
	}
	return s
}
