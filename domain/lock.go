package domain

import "time"

// Status is the state of a user in the eyes of somebody who wants it.
type Status string

// The states of a user. A user that is in quarantine while somebody still holds it is quarantined.
const (
	Free        Status = "free"
	Locked      Status = "locked"
	Quarantined Status = "quarantined"
)

// Status returns the user's state at now.
func (u *User) Status(now time.Time) Status {
	switch {
	case u.quarantined(now) != nil:
		return Quarantined
	case u.locked(now):
		return Locked
	default:
		return Free
	}
}

// CheckFree returns nil if the user can be locked at now, else [ErrUserQuarantined] or [ErrUserLocked].
func (u *User) CheckFree(now time.Time) error {
	switch u.Status(now) {
	case Quarantined:
		return ErrUserQuarantined
	case Locked:
		return ErrUserLocked
	default:
		return nil
	}
}

// FreeFrom returns the time from which the user may be claimed: the zero time if it was never locked, else the end of its
// latest lock, which may be in the future. ok is false if time alone does not make it free: it is in quarantine, will be
// when its lock expires, or has an open lock without expiry. So [User.CheckFree] returns nil at a time exactly if ok is true
// and from is not after that time.
//
// Users are handed out in this order, so that wear spreads. A store that keeps the value in an index finds the next user
// without a scan.
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

// LockExpiry returns when the lock that the user carries expires, or expired. ok is false if it carries none that does.
func (u *User) LockExpiry() (at time.Time, ok bool) {
	if u.state.Lock == nil || u.state.Lock.ExpiresAt.IsZero() {
		return time.Time{}, false
	}
	return u.state.Lock.ExpiresAt, true
}

// Lease returns the digest of the lease that the latest lock belongs to, unless that was released or was an open lock.
func (u *User) Lease() (LeaseDigest, bool) {
	if u.state.Lock == nil || u.state.Lock.Lease.IsZero() {
		return LeaseDigest{}, false
	}
	return u.state.Lock.Lease, true
}

// LeasePosition returns the index of the user in the lease that it carries, and how many users that lease was granted; 0 and
// 0 if it carries none.
func (u *User) LeasePosition() (position, size int) {
	if _, leased := u.Lease(); !leased {
		return 0, 0
	}
	return u.state.Lock.Position, u.state.Lock.Size
}

// LockOpen takes an open lock: no owner, and no expiry unless ttl is above 0. It returns the errors of [User.CheckFree].
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

// ReleaseOpen ends an open lock, whoever took it. It returns [ErrUserFree] if nobody holds the user, and
// [ErrHeldByLease] if a lease does.
func (u *User) ReleaseOpen(now time.Time) error {
	if !u.locked(now) {
		return ErrUserFree
	}
	if _, leased := u.Lease(); leased {
		return ErrHeldByLease
	}
	u.record(now, UserReleased, "")
	u.unlock(now)
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

func (u *User) unlock(now time.Time) {
	u.state.Lock = nil
	u.state.ReleasedAt = now
}
