package domain

import (
	"errors"
	"time"
)

// Status is the state of a user for a caller that wants to acquire it.
type Status string

// The states of a user. A user that is both locked and in quarantine is Quarantined.
const (
	Free        Status = "free"
	Locked      Status = "locked"
	Quarantined Status = "quarantined"
)

// Status returns the user's state at now.
func (u *User) Status(now time.Time) Status {
	switch err := u.CheckFree(now); {
	case err == nil:
		return Free
	case errors.Is(err, ErrUserLocked):
		return Locked
	default:
		return Quarantined
	}
}

// CheckFree returns nil if the user can be locked at now, and otherwise [ErrUserQuarantined] or [ErrUserLocked].
func (u *User) CheckFree(now time.Time) error {
	switch {
	case u.quarantined(now) != nil:
		return ErrUserQuarantined
	case u.locked(now):
		return ErrUserLocked
	default:
		return nil
	}
}

// FreeFrom returns the time from which the user is free: the zero time if it was never locked, and otherwise the end of its
// latest lock, which may be in the future. ok is false if the user does not become free by the passing of time: it is in
// quarantine, will be when its lock expires, or has an open lock without expiry. So, by a clock that never goes back,
// [User.CheckFree] returns nil if ok is true and the time has come, and an error otherwise.
//
// Users are handed out in this order, so that all of them are used equally often. A store that keeps the value in an index
// finds the next user without a scan.
func (u *User) FreeFrom() (from time.Time, ok bool) {
	lock := u.state.Lock
	switch {
	case u.state.Quarantine != nil:
		return time.Time{}, false
	case lock == nil:
		return u.state.ReleasedAt, true
	default:
		return lock.ExpiresAt, !lock.ExpiresAt.IsZero() && !lock.QuarantineOnExpiry
	}
}

// LockExpiry returns the expiry of the user's lock, which may be in the past. ok is false if the user has no lock that
// expires.
func (u *User) LockExpiry() (at time.Time, ok bool) {
	if u.state.Lock == nil || u.state.Lock.ExpiresAt.IsZero() {
		return time.Time{}, false
	}
	return u.state.Lock.ExpiresAt, true
}

// Lease returns the digest of the lease that the user's lock belongs to, which may have expired. ok is false if the user has
// no lock, or an open lock.
func (u *User) Lease() (digest LeaseDigest, ok bool) {
	if u.state.Lock == nil || u.state.Lock.Lease.IsZero() {
		return LeaseDigest{}, false
	}
	return u.state.Lock.Lease, true
}

// LeasePosition returns the index of the user in its lease, and the number of users of the lease. Both are 0 if
// [User.Lease] returns none.
func (u *User) LeasePosition() (position, size int) {
	if _, leased := u.Lease(); !leased {
		return 0, 0
	}
	return u.state.Lock.Position, u.state.Lock.Size
}

// LockOpen takes an open lock. It has no owner, and expires only if ttl is above 0. LockOpen returns the errors of
// [User.CheckFree].
func (u *User) LockOpen(now time.Time, ttl time.Duration) error {
	if err := u.CheckFree(now); err != nil {
		return err
	}
	lock := Lock{AcquiredAt: now}
	if ttl > 0 {
		lock.ExpiresAt = now.Add(ttl)
	}
	u.lock(now, lock)
	return nil
}

// ReleaseOpen ends an open lock, no matter which caller took it. It returns [ErrUserFree] if the user is not locked, and
// [ErrHeldByLease] if a lease holds it.
func (u *User) ReleaseOpen(now time.Time) error {
	if !u.locked(now) {
		return ErrUserFree
	}
	if _, leased := u.Lease(); leased {
		return ErrHeldByLease
	}
	u.record(now, UserReleased, "")
	u.unlock(now, LeaseReleased)
	return nil
}

func (u *User) locked(now time.Time) bool {
	lock := u.state.Lock
	return lock != nil && (lock.ExpiresAt.IsZero() || now.Before(lock.ExpiresAt))
}

func (u *User) lock(now time.Time, lock Lock) {
	u.Expire(now)
	u.state.Lock = &lock
	u.state.Fence++
	u.record(now, UserAcquired, "")
}

// unlock removes the lock, which ended at a time.
func (u *User) unlock(at time.Time, end LeaseEnd) {
	if lease, leased := u.Lease(); leased {
		u.left = append(u.left, u.leaving(EndedLease{Lease: lease, End: end, At: at}, u.state.Fence))
	}
	u.state.Lock = nil
	u.state.ReleasedAt = at
}
