package domain

import (
	"fmt"
	"time"
)

// Quarantine keeps a user out of circulation until it is restored.
type Quarantine struct {
	Reason string
	Since  time.Time
}

// Quarantine takes the user out of circulation. A current holder keeps it, but no acquire gets it afterwards. If the user is
// in quarantine already, only the reason changes. It returns an [InvalidError] about /reason.
func (u *User) Quarantine(now time.Time, reason string) error {
	var v violations
	v.name("/reason", reason, maxReason)
	if err := v.err(); err != nil {
		return err
	}
	u.quarantine(now, now, reason)
	return nil
}

// MarkDuplicate takes the user out of circulation because an older user has the same login, as the farm compares logins now
// (see package login): two users of one account would defeat the lock. The store keeps the mark until the older user is
// removed, or the farm compares logins in another way. Until then, [User.Restore] refuses.
func (u *User) MarkDuplicate(now time.Time, older UserID) {
	u.state.Duplicate = true
	u.quarantine(now, now, fmt.Sprintf("the login is that of an older user, too: %v", older))
}

// Restore brings the user back into circulation. The reason may be empty. It does nothing if the user is not in quarantine.
// It returns an [InvalidError] about /reason, and [ErrUserExists] if the user is a duplicate.
func (u *User) Restore(now time.Time, reason string) error {
	if err := CheckReason(reason); err != nil {
		return err
	}
	if u.quarantined(now) == nil {
		return nil
	}
	if u.state.Duplicate {
		return ErrUserExists
	}
	u.Expire(now) // otherwise the expired lock would put the user into quarantine again
	u.state.Quarantine = nil
	u.record(now, UserRestored, reason)
	return nil
}

func (u *User) quarantine(now, since time.Time, reason string) {
	if q := u.quarantined(now); q != nil {
		since = q.Since
	}
	u.state.Quarantine = &Quarantine{Reason: reason, Since: since}
	u.state.Session = nil // it may be what is broken
	u.record(now, UserQuarantined, reason)
}
