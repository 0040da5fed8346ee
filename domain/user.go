package domain

import (
	"maps"
	"time"
)

const (
	maxName     = 255
	maxPassword = 1024
)

// User is a test account of the system under test. It is the aggregate root: every change of a user or of its lock goes
// through a method or function of this package. The zero value is not a user; see [NewUser] and [Restore].
type User struct {
	state  Snapshot
	events []Event
	by     APIKeyID // of the caller, for the events
	left   []EndedLease
}

// Spec describes a new user.
type Spec struct {
	Login    string
	Password Secret
	Pool     Pool
	Labels   Labels
	TOTP     TOTP

	// Reason says why the user is created, for its history; may be empty. The user does not keep it.
	Reason string
}

// CheckSpec returns an [InvalidError] with all bad fields of spec.
func CheckSpec(spec Spec) error {
	var v violations
	v.login("/login", spec.Login)
	v.password("/password", spec.Password)
	if spec.Pool.ProjectID.IsZero() {
		v.add("/project_id", "must be a UUID other than the nil UUID")
	}
	v.visible("/env", spec.Pool.Env, maxName)
	v.visible("/domain", spec.Pool.Domain, maxName)
	v.labels("/labels", spec.Labels)
	v.text("/reason", spec.Reason, maxReason)
	return v.err()
}

// NewUser returns a new user that was never locked, created by [Everybody]. It returns the error of [CheckSpec].
func NewUser(id UserID, now time.Time, spec Spec) (*User, error) {
	return Everybody().NewUser(id, now, spec)
}

// NewUser returns a new user that was never locked. The event of its creation records the caller's API key. It returns the
// error of [CheckSpec].
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
	u.record(now, UserCreated, spec.Reason)
	return u, nil
}

// ID returns the user's id.
func (u *User) ID() UserID { return u.state.ID }

// Pool returns the pool that the user belongs to.
func (u *User) Pool() Pool { return u.state.Pool }

// Change changes a user. Fields that are nil stay as they are.
type Change struct {
	Password *Secret
	Labels   *Labels // replaces all labels
	TOTP     *TOTP   // the zero value removes the second factor
	Reason   string  // why, for the history; may be empty
}

// Change applies c. An event names the fields that have another value now, and has the reason; if no field has, there is no event. If the
// password or the second factor has another value, the saved session is dropped. It returns an [InvalidError] with all bad fields of
// c, and then changes nothing.
func (u *User) Change(now time.Time, c Change) error {
	var v violations
	if c.Password != nil {
		v.password("/password", *c.Password)
	}
	if c.Labels != nil {
		v.labels("/labels", *c.Labels)
	}
	v.text("/reason", c.Reason, maxReason)
	if err := v.err(); err != nil {
		return err
	}
	var changed ChangedFields
	if c.Password != nil {
		changed.Password = u.state.Password != *c.Password
		u.state.Password = *c.Password
	}
	if c.Labels != nil {
		changed.Labels = !maps.Equal(u.state.Labels, *c.Labels)
		u.state.Labels = c.Labels.Clone()
	}
	if c.TOTP != nil {
		changed.TOTP = u.state.TOTP != *c.TOTP
		u.state.TOTP = *c.TOTP
	}
	if changed.Password || changed.TOTP {
		u.state.Session = nil
	}
	if changed != (ChangedFields{}) {
		u.recordChange(now, changed, c.Reason)
	}
	return nil
}

// Remove records that the user is removed. The reason may be empty. It returns an [InvalidError] about /reason, and
// [ErrUserLocked] if the user is locked. After an error, the store must keep the user.
func (u *User) Remove(now time.Time, reason string) error {
	if err := CheckReason(reason); err != nil {
		return err
	}
	if u.locked(now) {
		return ErrUserLocked
	}
	u.Expire(now)
	u.record(now, UserRemoved, reason)
	return nil
}

func (v *violations) password(pointer string, password Secret) {
	v.name(pointer, password.Reveal(), maxPassword)
}
