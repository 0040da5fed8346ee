package domain

import (
	"time"
)

const (
	maxName     = 255
	maxPassword = 1024
)

// User is a test account of the system under test, and the aggregate root: every change of a user or of its lock goes
// through a method or function of this package. The zero value is not a user; see [NewUser] and [Restore].
type User struct {
	state  Snapshot
	events []Event
	by     APIKeyID // who makes happen what is recorded
}

// Spec is what a new user is made of.
type Spec struct {
	Login    string
	Password Secret
	Pool     Pool
	Labels   Labels
	TOTP     TOTP
}

// CheckSpec returns an [InvalidError] that names every bad field of spec.
func CheckSpec(spec Spec) error {
	var v violations
	v.name("/login", spec.Login, maxName)
	v.password("/password", spec.Password)
	if spec.Pool.ProjectID.IsZero() {
		v.add("/project_id", "must be a UUID other than the nil UUID")
	}
	v.name("/env", spec.Pool.Env, maxName)
	v.name("/domain", spec.Pool.Domain, maxName)
	v.labels("/labels", spec.Labels)
	return v.err()
}

// NewUser returns a free user that was never locked. It returns the error of [CheckSpec]. The event of its creation names
// no API key; see [Caller.NewUser].
func NewUser(id UserID, now time.Time, spec Spec) (*User, error) {
	return Everybody().NewUser(id, now, spec)
}

// NewUser is [NewUser] for a caller, whose API key the event of the creation names.
func (c Caller) NewUser(id UserID, now time.Time, spec Spec) (*User, error) {
	if err := CheckSpec(spec); err != nil {
		return nil, err
	}
	u := &User{by: c.Key, state: Snapshot{
		ID:        id,
		CreatedAt: now,
		Login:     spec.Login,
		Password:  spec.Password,
		TOTP:      spec.TOTP,
		Pool:      spec.Pool,
		Labels:    spec.Labels.Clone(),
	}}
	u.record(now, UserCreated, "")
	return u, nil
}

// ID returns the user's id.
func (u *User) ID() UserID { return u.state.ID }

// Pool returns the pool that the user belongs to.
func (u *User) Pool() Pool { return u.state.Pool }

// Change is what may change of a user after it was made. A nil field stays as it is.
type Change struct {
	Password *Secret
	Labels   *Labels // replaces all labels
	TOTP     *TOTP   // the zero value takes the second factor away
}

// Change applies c. It returns an [InvalidError] that names every bad field of c, and then changes nothing.
func (u *User) Change(c Change) error {
	var v violations
	if c.Password != nil {
		v.password("/password", *c.Password)
	}
	if c.Labels != nil {
		v.labels("/labels", *c.Labels)
	}
	if err := v.err(); err != nil {
		return err
	}
	if c.Password != nil {
		u.state.Password = *c.Password
	}
	if c.Labels != nil {
		u.state.Labels = c.Labels.Clone()
	}
	if c.TOTP != nil {
		u.state.TOTP = *c.TOTP
	}
	return nil
}

// Remove lets the user be removed. It returns [ErrUserLocked] while somebody holds it.
func (u *User) Remove(now time.Time) error {
	if u.locked(now) {
		return ErrUserLocked
	}
	u.Expire(now)
	u.record(now, UserRemoved, "")
	return nil
}

func (v *violations) password(pointer string, password Secret) {
	v.name(pointer, password.Reveal(), maxPassword)
}
