package domain

import "time"

const maxReason = 1024

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

// Restore brings the user back into circulation. The reason may be empty. It does nothing if the user is not in quarantine.
// It returns an [InvalidError] about /reason.
func (u *User) Restore(now time.Time, reason string) error {
	var v violations
	v.text("/reason", reason, maxReason)
	if err := v.err(); err != nil {
		return err
	}
	if u.quarantined(now) == nil {
		return nil
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
	u.record(now, UserQuarantined, reason)
}
