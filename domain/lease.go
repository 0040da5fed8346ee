package domain

import (
	"fmt"
	"slices"
	"time"
)

const (
	maxOwner = 255
	maxNote  = 1024
)

// Lease is the result of an acquire: users that are locked under one unguessable id until they are released or expire.
type Lease struct {
	ID         LeaseID
	Owner      string
	Note       string
	AcquiredAt time.Time
	ExpiresAt  time.Time
	Users      []LeasedUser // Users[i] is for the i-th selector
}

// LeasedUser is a user as the holder of its lease may see it.
type LeasedUser struct {
	ID       UserID
	Login    string
	Password Secret
	Pool     Pool
	Labels   Labels
	HasTOTP  bool // [GiveCode] returns codes for it
	Fence    uint64

	SessionSavedAt time.Time // of the session that the holder may read; zero if none is saved
}

// Terms are what an acquire says about its caller and about the time for which it wants the users.
type Terms struct {
	Owner string // the caller in its own words, for people
	Note  string
	TTL   time.Duration // how long the lease is to last; 0 is the default, see [LeasePolicy.Apply]
	Wait  time.Duration // how long to wait in line for users that are not free; from 0 to [MaxWait]

	quarantineOnExpiry bool // see [LeasePolicy.Apply]
}

// Fault reports that the holder of a user found it unusable.
type Fault struct {
	UserID UserID
	Reason string
}

// MaxWait is the longest that a call may wait in line, or for a one-time code.
const MaxWait = time.Minute

// CheckTerms returns an [InvalidError] with all bad fields of t, except for TTL: see [LeasePolicy.TTL].
func CheckTerms(t Terms) error {
	var v violations
	if t.Wait < 0 || t.Wait > MaxWait {
		v.add("/wait_seconds", "must be from 0 to %d", int64(MaxWait/time.Second))
	}
	v.text("/owner", t.Owner, maxOwner)
	v.text("/note", t.Note, maxNote)
	return v.err()
}

// Grant locks the users under the lease id, from now on for terms.TTL. Programs that do not pick the users themselves call
// [Acquire].
//
// It returns an [InvalidError] about /ttl_seconds if the time to live is not above 0, one about /lease_id if the id is zero, one
// about /users unless there are from 1 to [MaxLeaseUsers] users, each once, or the error of [User.CheckFree] of a user that can't
// be locked. Then no user has changed.
func Grant(now time.Time, id LeaseID, terms Terms, users []*User) (Lease, error) {
	if terms.TTL <= 0 {
		return Lease{}, errNoTTL()
	}
	if id == (LeaseID{}) {
		return Lease{}, Invalid("/lease_id", IDRule)
	}
	if len(users) == 0 || len(users) > MaxLeaseUsers {
		return Lease{}, Invalid("/users", fmt.Sprintf("must have from 1 to %d users", MaxLeaseUsers))
	}
	for i, u := range users {
		for _, other := range users[:i] {
			if u.state.ID == other.state.ID {
				return Lease{}, Invalid("/users", "must have each user only once")
			}
		}
		if err := u.CheckFree(now); err != nil {
			return Lease{}, err
		}
	}
	digest := id.Digest()
	for i, u := range users {
		u.lock(now, Lock{
			Lease:      digest,
			Position:   i,
			Size:       len(users),
			Owner:      terms.Owner,
			Note:       terms.Note,
			AcquiredAt: now,
			ExpiresAt:  now.Add(terms.TTL),

			QuarantineOnExpiry: terms.quarantineOnExpiry,
		})
	}
	return describe(now, id, users), nil
}

// ReadLease returns the lease. users are all users of the lease, in its order. It returns an [EndedLeaseError] if the lease is
// over, and [ErrLeaseNotFound] if there are no users.
func ReadLease(now time.Time, id LeaseID, users []*User) (Lease, error) {
	if err := checkHeld(now, id, users); err != nil {
		return Lease{}, err
	}
	return describe(now, id, users), nil
}

// Renew makes the lease expire ttl after now, which may be earlier than before. users are all users of the lease, in its
// order. It returns an [EndedLeaseError] if the lease is over, [ErrLeaseNotFound] if there are no users, and an [InvalidError]
// about /ttl_seconds if ttl is not above 0 (see [LeasePolicy.TTL]). Then it has changed nothing.
func Renew(now time.Time, id LeaseID, ttl time.Duration, users []*User) (Lease, error) {
	if ttl <= 0 {
		return Lease{}, errNoTTL()
	}
	if err := checkHeld(now, id, users); err != nil {
		return Lease{}, err
	}
	for _, u := range users {
		u.state.Lock.ExpiresAt = now.Add(ttl)
		u.state.Lock.Renewals++
		u.record(now, UserRenewed, "")
	}
	return describe(now, id, users), nil
}

// Release ends the lease, and puts the users that faults name into quarantine. users are all users of the lease, in any
// order. It returns an [EndedLeaseError] if the lease is over, [ErrLeaseNotFound] if there are no users, and an [InvalidError]
// about /quarantine if a fault names a user outside of the lease or has a bad reason. Then it has changed nothing.
func Release(now time.Time, id LeaseID, users []*User, faults ...Fault) error {
	if err := checkHeld(now, id, users); err != nil {
		return err
	}
	if err := checkFaults(idsOf(users), faults); err != nil {
		return err
	}
	for _, u := range users {
		u.record(now, UserReleased, "")
		u.unlock(now, LeaseReleased)
		for _, f := range faults {
			if f.UserID == u.ID() {
				u.quarantine(now, now, f.Reason)
				u.left[len(u.left)-1].Users[0].Fence = 0 // so that a repetition of the release does not keep the fault again
			}
		}
	}
	return nil
}

// ForceRelease ends the locks of the users, no matter which callers hold them. To end a lease, pass all of its users: a
// lease holds all of its users or is over. Their saved sessions are dropped. The reason may be empty. If it is bad, ForceRelease returns an [InvalidError]
// about /reason and changes nothing.
func ForceRelease(now time.Time, users []*User, reason string) error {
	if err := CheckReason(reason); err != nil {
		return err
	}
	for _, u := range users {
		if u.locked(now) {
			u.record(now, UserForced, reason)
			u.unlock(now, LeaseForced)
			u.state.Session = nil // whoever held the user may still use it
		}
	}
	return nil
}

// CheckFence returns [ErrFenceMismatch] unless the latest lock of the user has this fence. A caller that has seen a lock, and
// wants to end that one only, checks this before [ForceRelease].
func (u *User) CheckFence(fence uint64) error {
	if u.state.Fence != fence {
		return ErrFenceMismatch
	}
	return nil
}

func errNoTTL() error { return Invalid("/ttl_seconds", "must be above 0") }

// checkHeld returns nil if there are users and all of them are locked under the lease at now. If they are not, it returns an
// [EndedLeaseError].
func checkHeld(now time.Time, id LeaseID, users []*User) error {
	if len(users) == 0 {
		return ErrLeaseNotFound
	}
	digest := id.Digest()
	for _, u := range users {
		if lease, _ := u.Lease(); lease != digest {
			return &EndedLeaseError{EndedLease: EndedLease{Lease: digest, At: now, Scope: scopeOf(users)}}
		}
	}
	for _, u := range users {
		if !u.locked(now) { // the locks of a lease expire together
			return &EndedLeaseError{EndedLease: EndedLease{
				Lease: digest, End: LeaseExpired, At: u.state.Lock.ExpiresAt, Scope: scopeOf(users),
			}}
		}
	}
	return nil
}

// checkFaults checks the faults of a lease that has these users; nil if they are not known.
func checkFaults(of []UserID, faults []Fault) error {
	var v violations
	for i, f := range faults {
		if of != nil && !slices.Contains(of, f.UserID) {
			v.add(fmt.Sprintf("/quarantine/%d/user_id", i), "must be a user of this lease")
		}
		v.name(fmt.Sprintf("/quarantine/%d/reason", i), f.Reason, maxReason)
	}
	return v.err()
}

func idsOf(users []*User) []UserID {
	ids := make([]UserID, len(users))
	for i, u := range users {
		ids[i] = u.state.ID
	}
	return ids
}

// describe returns the lease whose users are locked under id, as it is at now.
func describe(now time.Time, id LeaseID, users []*User) Lease {
	lease := Lease{ID: id, Users: make([]LeasedUser, len(users))}
	for i, u := range users {
		s := &u.state
		lease.Owner, lease.Note = s.Lock.Owner, s.Lock.Note
		lease.AcquiredAt, lease.ExpiresAt = s.Lock.AcquiredAt, s.Lock.ExpiresAt
		lease.Users[i] = LeasedUser{
			ID: s.ID, Login: s.Login, Password: s.Password, Pool: s.Pool, Labels: s.Labels.Clone(),
			HasTOTP: !s.TOTP.IsZero(), Fence: s.Fence,
		}
		if saved := u.session(now); saved != nil {
			lease.Users[i].SessionSavedAt = saved.SavedAt
		}
	}
	return lease
}
