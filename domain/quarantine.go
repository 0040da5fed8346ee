package domain

import "time"

const maxReason = 1024

// Quarantine keeps a user out of circulation until it is restored.
type Quarantine struct {
	Reason string
	Since  time.Time
}

// Quarantine takes the user out of circulation. Who holds it keeps it, but nobody gets it afterwards. A user that is in
// quarantine already stays there since then, for the new reason. It returns an [InvalidError] about /reason.
func (u *User) Quarantine(now time.Time, reason string) error {
	var v violations
	v.name("/reason", reason, maxReason)
	if err := v.err(); err != nil {
		return err
	}
	u.quarantine(now, reason)
	return nil
}

// Restore brings the user back into circulation. It does nothing to a user that is not in quarantine.
func (u *User) Restore() { u.state.Quarantine = nil }

func (u *User) quarantine(now time.Time, reason string) {
	since := now
	if q := u.state.Quarantine; q != nil {
		since = q.Since
	}
	u.state.Quarantine = &Quarantine{Reason: reason, Since: since}
}
