package domain

import (
	"slices"
	"time"
	"unicode/utf8"
)

const (
	// MaxSession is the most bytes that a session may have.
	MaxSession = 256 << 10

	maxSessionAge = 365 * 24 * time.Hour
)

// Session is what the holder of a user saved of a login, for the next holder: cookies, tokens, a browser's storage. The farm does
// not look into it. Only the holder of the lease reads and writes it.
type Session struct {
	Text      Secret // at most [MaxSession] bytes of UTF-8; a store does not load it with the user
	SavedAt   time.Time
	ExpiresAt time.Time // zero if it is kept until the user changes
}

// NewSession is a session that is to be saved.
type NewSession struct {
	Text      Secret
	ExpiresIn time.Duration // 0: it is kept until the user changes
}

// CheckSession returns an [InvalidError] with all bad fields of s.
func CheckSession(s NewSession) error {
	var v violations
	switch text := s.Text.Reveal(); {
	case text == "":
		v.add("/session", "must not be empty")
	case len(text) > MaxSession:
		v.add("/session", "must have at most %d bytes", MaxSession)
	case !utf8.ValidString(text):
		v.add("/session", "must be valid UTF-8")
	}
	if s.ExpiresIn != 0 && (s.ExpiresIn < time.Second || s.ExpiresIn > maxSessionAge) {
		v.add("/expires_in_seconds", "must be from 1 to %d", int64(maxSessionAge/time.Second))
	}
	return v.err()
}

// SaveSession keeps a session of a user, in place of the one before, for the holder of the lease. users are all users of the lease.
// The result is later than the session before, so that SavedAt tells them apart.
//
// Like [ReadSession] and [DropSession], it returns an [EndedLeaseError] if the lease is over, [ErrLeaseNotFound] if there are no
// users, and [ErrUserNotFound] if the user is not among them; and the error of [CheckSession]. Then it has changed nothing.
func SaveSession(now time.Time, id LeaseID, users []*User, of UserID, s NewSession) (Session, error) {
	if err := CheckSession(s); err != nil {
		return Session{}, err
	}
	user, err := heldUser(now, id, users, of)
	if err != nil {
		return Session{}, err
	}
	saved := Session{Text: s.Text, SavedAt: now}
	if before := user.state.Session; before != nil && !now.After(before.SavedAt) {
		saved.SavedAt = before.SavedAt.Add(time.Microsecond)
	}
	if s.ExpiresIn > 0 {
		saved.ExpiresAt = now.Add(s.ExpiresIn)
	}
	user.state.Session = &saved
	return saved, nil
}

// ReadSession returns the session that is saved of a user, without its text, for the holder of the lease. It returns
// [ErrSessionNotFound] if there is none, or if it has expired.
func ReadSession(now time.Time, id LeaseID, users []*User, of UserID) (Session, error) {
	user, err := heldUser(now, id, users, of)
	if err != nil {
		return Session{}, err
	}
	saved := user.session(now)
	if saved == nil {
		return Session{}, ErrSessionNotFound
	}
	return Session{SavedAt: saved.SavedAt, ExpiresAt: saved.ExpiresAt}, nil
}

// DropSession drops the session of a user, if there is one, for the holder of the lease.
func DropSession(now time.Time, id LeaseID, users []*User, of UserID) error {
	user, err := heldUser(now, id, users, of)
	if err == nil {
		user.state.Session = nil
	}
	return err
}

// SameSession reports whether u and other have the same session, or none.
func (u *User) SameSession(other *User) bool {
	a, b := u.state.Session, other.state.Session
	return a == b || a != nil && b != nil && a.SavedAt.Equal(b.SavedAt)
}

// session returns the session that has not expired, or nil.
func (u *User) session(now time.Time) *Session {
	s := u.state.Session
	if s == nil || !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt) {
		return nil
	}
	return s
}

// heldUser returns a user of a lease. users are all users of the lease.
func heldUser(now time.Time, id LeaseID, users []*User, of UserID) (*User, error) {
	if err := checkHeld(now, id, users); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(users, func(u *User) bool { return u.ID() == of })
	if at < 0 {
		return nil, ErrUserNotFound
	}
	return users[at], nil
}
