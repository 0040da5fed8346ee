package domain

import "time"

// reasonExpired is the reason of the quarantine of a user whose lease expired.
const reasonExpired = "the lease expired before it was released"

// Expire removes the user's lock if it has expired, records the event, and puts the user into quarantine if the lock says
// so. It reports whether it changed anything. Before the call, all methods already treat the expired lock in this way, but
// no event records it.
func (u *User) Expire(now time.Time) bool {
	lock := u.state.Lock
	if lock == nil || u.locked(now) {
		return false
	}
	defer u.ActBy(u.by)
	u.ActBy(APIKeyID{}) // no caller causes an expiry
	u.record(now, UserExpired, "")
	u.unlock(lock.ExpiresAt, LeaseExpired)
	if lock.QuarantineOnExpiry && u.state.Quarantine == nil {
		u.quarantine(now, lock.ExpiresAt, reasonExpired)
	}
	return true
}

// quarantined returns the quarantine that the user is in at now, or nil. It may follow from a lock that has expired.
func (u *User) quarantined(now time.Time) *Quarantine {
	if q := u.state.Quarantine; q != nil {
		return &Quarantine{Reason: q.Reason, Since: q.Since}
	}
	if lock := u.state.Lock; lock != nil && lock.QuarantineOnExpiry && !u.locked(now) {
		return &Quarantine{Reason: reasonExpired, Since: lock.ExpiresAt}
	}
	return nil
}

// CompareExpiries orders locks by when they end. Those that never do, whose expiry is zero, come last.
func CompareExpiries(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
}
