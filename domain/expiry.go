package domain

import "time"

// reasonExpired is why a user is in quarantine whose holder did not release it.
const reasonExpired = "the lease expired before it was released"

// Expire writes down that the lock has expired, if it has: the user then carries it no more, and is in quarantine if that
// was to be. Until then the user behaves in the same way, but nothing of it is on record. It reports whether there was
// anything to write.
func (u *User) Expire(now time.Time) bool {
	lock := u.state.Lock
	if lock == nil || u.locked(now) {
		return false
	}
	defer u.ActBy(u.by)
	u.ActBy(APIKeyID{}) // it is nobody's doing
	u.record(now, UserExpired, "")
	u.unlock(lock.ExpiresAt)
	if lock.QuarantineOnExpiry && u.state.Quarantine == nil {
		u.quarantine(now, lock.ExpiresAt, reasonExpired)
	}
	return true
}

// quarantined returns the quarantine that the user is in at now, be it written down or not; nil if it is in none.
func (u *User) quarantined(now time.Time) *Quarantine {
	if q := u.state.Quarantine; q != nil {
		return &Quarantine{Reason: q.Reason, Since: q.Since}
	}
	if lock := u.state.Lock; lock != nil && lock.QuarantineOnExpiry && !u.locked(now) {
		return &Quarantine{Reason: reasonExpired, Since: lock.ExpiresAt}
	}
	return nil
}
