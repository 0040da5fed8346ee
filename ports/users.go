package ports

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// ErrUnavailable says that a store can't be reached, or did not answer in time. Any method of a store may return it. The
// call may have made its changes nevertheless.
var ErrUnavailable = errors.New("store unavailable")

// UnavailableError is an [ErrUnavailable] whose reason is known.
type UnavailableError struct{ Reason string } // for callers, without secrets and without paths

// Error returns the reason.
func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Reason }

// Unwrap returns [ErrUnavailable].
func (*UnavailableError) Unwrap() error { return ErrUnavailable }

// Decide is a function with which a store lets the domain decide about users. No other call can change these users at the
// same time. Decide may change the users that it gets and nothing else, because a store may call it again with fresh
// copies. If it returns an error, the store writes nothing and returns the error. now is the time of the store's clock, in
// UTC and whole microseconds: no other clock decides about locks.
type Decide func(now time.Time, users []*domain.User) error

// Users stores the users. The rules are in package domain: a store finds users and locks their rows, Decide changes the
// users, and the store writes them. When a method returns without an error, its changes are durable, unless the store
// documents otherwise.
//
// The caller may change the users that a method returns.
type Users interface {
	// Add stores new users, all or none. It returns [domain.ErrUserExists] if an id is taken, or a login in its project and
	// environment. The store has a rule that tells which logins are the same (see package domain/login). For a call that was carried
	// out before, it returns what Claim returns then.
	Add(ctx context.Context, once domain.Once, users ...*domain.User) error

	// Find returns the users that target names, those of a lease in its order, and the time of the store's clock. A lease that
	// has expired is found as long as its users have its lock.
	//
	// For a user, it returns [domain.ErrUserNotFound]. For a lease, it returns a [domain.EndedLeaseError], which is an
	// [domain.ErrLeaseExpired], if no user has its lock anymore, and [domain.ErrLeaseNotFound] if the lease never existed or
	// [Housekeeping] has forgotten it. The EndedLeaseError has all that the users told that left the lease: the records of
	// [domain.User.Left], merged.
	//
	// If the secrets of a user can't be read, Find by id and List return the user without them. It can be removed. It can get
	// new secrets, unless only the encryption key is missing here.
	Find(ctx context.Context, target Target) ([]*domain.User, time.Time, error)

	// List returns a page of users in the order of their ids, which is the order of their creation, or in the reverse order. A
	// user that exists during all calls for the pages is in exactly one page, even if other users are added or removed in between.
	List(ctx context.Context, q Query) (Page, error)

	// Claim picks a different free user for each selector, as [domain.Assign] does, all or none. It calls Decide, where
	// users[i] is for Want[i], and writes the users. It returns the errors of [domain.Refusal]. It returns ErrPoolExhausted also
	// if other calls held the users that it needs for some seconds.
	//
	// If users match but too few are free, the claim waits in line for at most Wait, and then returns the same error. Users
	// that become free go to the waiting claims as [domain.Serve] says. No claim gets a user that an earlier waiting claim of
	// any process needs, not even a claim that does not wait. The order of the line is the order in which the store wrote the
	// waiting claims. A claim that has left the line, or whose process has ended, gets no user.
	//
	// A claim with a Once is carried out at most once within [domain.IdempotencyWindow]. After it was carried out, the same
	// request gets a [domain.RepeatedError], and a different one [domain.ErrIdempotencyMismatch]. A claim that returned an
	// error of [domain.Refusal] was not carried out. If it stood in line, its place is kept for [domain.PlaceKept]: the same
	// claim takes it over, unless the process of a store that has only one was restarted. Until then the place is passed over. A
	// repetition that does not wait, or that no user could satisfy, leaves the place as it is.
	Claim(ctx context.Context, claim Claim) ([]*domain.User, error)

	// Update calls decide with the users that target names, and writes them. It returns the errors of Find and of decide.
	Update(ctx context.Context, target Target, decide Decide) ([]*domain.User, error)

	// Remove deletes a user if decide returns nil. It returns [domain.ErrUserNotFound] and the errors of decide.
	Remove(ctx context.Context, id domain.UserID, decide Decide) error
}

// Target names the users that a method works on; see [ByUser] and [ByLease].
type Target struct {
	user  domain.UserID
	lease domain.LeaseDigest
}

// ByUser names one user.
func ByUser(id domain.UserID) Target { return Target{user: id} }

// ByLease names the users that have the lock of a lease, whether or not the lease has expired.
func ByLease(lease domain.LeaseDigest) Target { return Target{lease: lease} }

// User returns the user that the target names. ok is false if it names a lease.
func (t Target) User() (id domain.UserID, ok bool) { return t.user, t.lease.IsZero() }

// Lease returns the lease that the target names. ok is false if it names a user.
func (t Target) Lease() (lease domain.LeaseDigest, ok bool) { return t.lease, !t.lease.IsZero() }

// Query says which users to list: those that match all fields that are set.
type Query struct {
	Secrets   bool         // if the secrets of a user can't be read, fail, instead of listing the user without them
	Scope     domain.Scope // only users of these projects
	ProjectID domain.ProjectID
	Env       string
	Domain    string
	Login     string        // or one that is the same by the store's rule; see Add
	Status    domain.Status // at the time of the store's clock
	Labels    domain.Labels
	Owner     string // of the lock that holds the user at the time of the store's clock

	// NewestFirst lists the users in the reverse order.
	NewestFirst bool

	After domain.UserID // list only users that come after this one in the order: with a higher id or, newest first, with a lower one
	Limit int           // the most users to return; 0 asks a use case for 100, and a store needs at least 1
}

// Page is one page of a list of users.
type Page struct {
	Users []*domain.User
	Now   time.Time // the time of the store's clock
	More  bool      // there are users after the last one
}
