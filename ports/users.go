package ports

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// ErrUnavailable says that a store can't be reached, or did not answer in time. Any method of a store may return it. A
// call that changes something may have done so all the same.
var ErrUnavailable = errors.New("store unavailable")

// Decide is how a store lets the domain decide about users that nobody else can change meanwhile. It may change the users
// it is given and nothing else, for a store may call it again, on fresh copies; an error leaves everything as it was,
// and the store's method returns it. now is the time of the store's clock, the only one that decides about locks, in UTC
// and in whole microseconds.
type Decide func(now time.Time, users []*domain.User) error

// Users keeps the users. Rules stay in domain: a store finds and locks users, decide changes them, the store writes
// what became of them. What a method returned without an error is durable, unless the store says otherwise.
//
// Users that a method returns belong to the caller.
type Users interface {
	// Add keeps new users, all or none. It returns [domain.ErrUserExists] if a login is taken in its project and
	// environment, or an id is; and what Claim returns for a call that was carried out before.
	Add(ctx context.Context, once domain.Once, users ...*domain.User) error

	// Find returns the users that target names, those of a lease in its order, and the time of the store's clock.
	// It returns [domain.ErrUserNotFound] for a target by user; for a target by lease, [domain.ErrLeaseExpired] if no user
	// is locked under it anymore, which is a [domain.EndedLeaseError], and [domain.ErrLeaseNotFound] if none ever was (or [Housekeeping] forgot it). A lease
	// that has expired is found as long as its users carry its lock. A user whose secrets can't be read is found by its id, and
	// listed, without them: it can be removed, or, unless its key is merely not at hand, be given new ones.
	Find(ctx context.Context, target Target) ([]*domain.User, time.Time, error)

	// List returns a page of users in the order of their ids, which is the order of their creation. A user that is there
	// all the while is in exactly one page, whatever is added or removed meanwhile.
	List(ctx context.Context, q Query) (Page, error)

	// Claim finds a distinct free user for every selector as [domain.Assign] picks them, all or none, and writes what
	// Decide made of them: users[i] is for Want[i]. It returns the errors of [domain.Refusal]; of them ErrPoolExhausted also
	// if for some seconds others were deciding about the users that it needs.
	//
	// Claims that find users, but too few free ones, stand in line for as long as they are ready to wait, and leave it with
	// the same error. As soon as users are free, those in line are served as [domain.Serve] says: a claim gets none that
	// somebody needs who was in line before it, in whatever process, not even when it is not ready to wait itself. The
	// line is in the order in which the store wrote it down. Whoever has left it, or whose process has ended, gets no user
	// anymore.
	//
	// A claim with a Once is carried out once within [domain.IdempotencyWindow]: after that, the same request is answered
	// with a [domain.RepeatedError], and another one with [domain.ErrIdempotencyMismatch]. A claim that was refused was not
	// carried out.
	Claim(ctx context.Context, claim Claim) ([]*domain.User, error)

	// Update writes what decide made of the users that target names. It returns the errors of Find.
	Update(ctx context.Context, target Target, decide Decide) ([]*domain.User, error)

	// Remove forgets a user if decide allows it. It returns [domain.ErrUserNotFound].
	Remove(ctx context.Context, id domain.UserID, decide Decide) error
}

// Target names the users that a method works on; see [ByUser] and [ByLease].
type Target struct {
	user  domain.UserID
	lease domain.LeaseDigest
}

// ByUser names one user.
func ByUser(id domain.UserID) Target { return Target{user: id} }

// ByLease names the users that are locked under a lease, whether or not that has expired.
func ByLease(lease domain.LeaseDigest) Target { return Target{lease: lease} }

// User returns the user that the target names, unless it names a lease.
func (t Target) User() (domain.UserID, bool) { return t.user, t.lease.IsZero() }

// Lease returns the lease that the target names, unless it names a user.
func (t Target) Lease() (domain.LeaseDigest, bool) { return t.lease, !t.lease.IsZero() }

// Query says which users to list: those that fit all the fields that are set.
type Query struct {
	Secrets   bool         // fail for a user whose secrets can't be read, and do not list it without them
	Scope     domain.Scope // only users of these projects
	ProjectID domain.ProjectID
	Env       string
	Domain    string
	Login     string
	Status    domain.Status // at the time of the store's clock
	Labels    domain.Labels
	After     domain.UserID // list only users with a higher id
	Limit     int           // the most users to return, at least 1
}

// Page is a part of a list.
type Page struct {
	Users []*domain.User
	Now   time.Time // the time of the store's clock
	More  bool      // there were users after the last one
}
