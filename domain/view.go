package domain

import "time"

// View is a user as every caller may see it, without its password and lease id.
type View struct {
	ID         UserID
	CreatedAt  time.Time
	Login      string
	Pool       Pool
	Labels     Labels
	HasTOTP    bool
	Status     Status
	Lock       *LockView // nil if the user is not locked
	Quarantine *Quarantine
}

// LockView is a lock as every caller may see it.
type LockView struct {
	Owner      string // empty for an open lock
	Note       string
	AcquiredAt time.Time
	ExpiresAt  time.Time // zero if it never expires
	Fence      uint64
	Renewals   int // how often its lease was renewed
}

// Account is a user with its password, for callers that may log in with it.
type Account struct {
	View
	Password Secret
}

// View returns the state of the user at now.
func (u *User) View(now time.Time) View {
	s := u.Snapshot()
	view := View{
		ID: s.ID, CreatedAt: s.CreatedAt, Login: s.Login, Pool: s.Pool, Labels: s.Labels,
		HasTOTP: !s.TOTP.IsZero(), Status: u.Status(now), Quarantine: u.quarantined(now),
	}
	if u.locked(now) {
		view.Lock = &LockView{
			Owner: s.Lock.Owner, Note: s.Lock.Note,
			AcquiredAt: s.Lock.AcquiredAt, ExpiresAt: s.Lock.ExpiresAt,
			Fence: s.Fence, Renewals: s.Lock.Renewals,
		}
	}
	return view
}

// Account returns the state of the user at now, with its password.
func (u *User) Account(now time.Time) Account {
	return Account{View: u.View(now), Password: u.state.Password}
}
