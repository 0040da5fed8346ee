package domain

import (
	"slices"
	"time"
)

// A holder may report a fault after its lease has ended: its test found the user dirty, but took too long. The fault is kept if
// nobody has acquired the user since. The fence tells that, because it goes up with every lock:
//
//  1. [RecordExpiry] makes the users leave the lease, if it expired and they still have its lock. So the store remembers the
//     fences of all of its users.
//  2. [EndedLease.CheckFaults] checks the faults.
//  3. [EndedLease.KeepFault] decides about each user.

// RecordExpiry calls [User.Expire] for the users of a lease that has expired. users are those that still have its lock. It
// returns an [InvalidError] about /quarantine if a fault has a bad reason, or, if all users of the lease are there, names a
// user outside of it. Then it has changed nothing.
func RecordExpiry(now time.Time, users []*User, faults []Fault) error {
	var of []UserID
	if len(users) > 0 && users[0].state.Lock != nil && users[0].state.Lock.Size == len(users) {
		of = idsOf(users)
	}
	if err := checkFaults(of, faults); err != nil {
		return err
	}
	for _, u := range users {
		u.Expire(now)
	}
	return nil
}

// CheckFaults returns an [InvalidError] about /quarantine if a fault has a bad reason, or names a user outside of the lease as
// far as its users are known.
func (l EndedLease) CheckFaults(faults []Fault) error {
	var of []UserID
	for _, u := range l.Users {
		of = append(of, u.ID)
	}
	return checkFaults(of, faults)
}

// KeepFault puts a user into quarantine because the former holder of the lease reports a fault of it. It does so once for each
// user of a lease, and only if the user's lock under the lease is still its latest lock. A user that is in quarantine already
// keeps its reason. KeepFault reports whether the fault is kept: the user went into quarantine now or at an earlier report, or
// was in quarantine.
func (l EndedLease) KeepFault(now time.Time, u *User, fault Fault) (kept bool) {
	at := slices.IndexFunc(l.Users, func(f FormerUser) bool { return f.ID == u.state.ID })
	if at < 0 {
		return false
	}
	fence := l.Users[at].Fence
	if fence == 0 {
		return true
	}
	if fence != u.state.Fence {
		return false
	}
	if u.quarantined(now) == nil {
		u.quarantine(now, now, fault.Reason)
	}
	u.left = append(u.left, u.leaving(l, 0))
	return true
}
