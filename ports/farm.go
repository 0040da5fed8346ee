package ports

import (
	"context"
	"iter"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Farm is what userfarm does, for every caller and whatever the way it comes: HTTP, a Go program, a client of either.
// Callers know of the users of their scope only: others are not there for them.
//
// Any method may return [ErrUnavailable], and [domain.ErrForbidden] for what names a project that is out of the caller's
// scope. A bad argument is a [domain.InvalidError], with pointers into the /v1 body that
// carries it.
type Farm interface {
	Leases
	OpenLocks
	Accounts
	Circulation
	Pools
	History
	Keys
}

// Leases hands users to tests.
type Leases interface {
	// Acquire locks a distinct free user for every selector, all or none. It returns the errors of [domain.Refusal], and
	// those of them that say that users are not free only after standing in line for as long as the terms say.
	//
	// Within [domain.IdempotencyWindow], the same call with the same key returns the same lease, or [domain.ErrLeaseExpired]
	// if that is over; another call with it, [domain.ErrIdempotencyMismatch]. The zero key makes every call a new one.
	Acquire(ctx context.Context, want []domain.Selector, terms domain.Terms, key domain.IdempotencyKey) (domain.Lease, error)

	// Lease returns a lease to its holder. Like Renew and Release it returns [domain.ErrLeaseNotFound] for an id that was
	// never given out and [domain.ErrLeaseExpired] for a lease that is over.
	Lease(ctx context.Context, id domain.LeaseID) (domain.Lease, error)

	// Renew lets the lease end ttl from now; 0 is the default time to live.
	Renew(ctx context.Context, id domain.LeaseID, ttl time.Duration) (domain.Lease, error)

	// OneTimeCode returns a code for the second factor of a user of the lease, which nobody was given before. If the current
	// one was given out, it waits for the next, for up to wait (see [domain.CheckWait]). Beside the errors of Lease it returns
	// those of [domain.GiveCode].
	OneTimeCode(
		ctx context.Context, id domain.LeaseID, user domain.UserID, wait time.Duration,
	) (domain.OneTimeCode, error)

	// Release ends the lease and puts the users that faults name into quarantine.
	Release(ctx context.Context, id domain.LeaseID, faults ...domain.Fault) error
}

// OpenLocks locks users by their ids alone: what the seed routes do.
type OpenLocks interface {
	// LockOpen takes an open lock and returns the time from which it holds. It returns [domain.ErrUserNotFound],
	// [domain.ErrUserLocked] or [domain.ErrUserQuarantined].
	LockOpen(ctx context.Context, id domain.UserID) (time.Time, error)

	// ReleaseOpen ends an open lock, whoever took it. It returns [domain.ErrUserNotFound], [domain.ErrUserFree] if there is
	// no lock, or [domain.ErrHeldByLease].
	ReleaseOpen(ctx context.Context, id domain.UserID) error
}

// Accounts keeps the users of the farm. Methods that take an id return [domain.ErrUserNotFound].
type Accounts interface {
	// CreateUser adds a user. It returns [domain.ErrUserExists] if the login is taken in its project and environment. With a
	// key it is idempotent as Acquire is: the same call returns the user that it made, as it is now.
	CreateUser(ctx context.Context, spec domain.Spec, key domain.IdempotencyKey) (domain.View, error)

	// User returns one user.
	User(ctx context.Context, id domain.UserID) (domain.View, error)

	// Users returns a page of the users that fit q.
	Users(ctx context.Context, q Query) (UserPage, error)

	// ChangeUser changes a user, locked or not.
	ChangeUser(ctx context.Context, id domain.UserID, change domain.Change) (domain.View, error)

	// RemoveUser removes a user. It returns [domain.ErrUserLocked] while somebody holds it.
	RemoveUser(ctx context.Context, id domain.UserID) error

	// AllAccounts yields every user with its password, oldest first, in constant memory. It ends with the first error.
	AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error]
}

// UserPage is a part of a list of users.
type UserPage struct {
	Users []domain.View
	Next  domain.UserID // the After of the next page's query; zero if this is the last page
}

// Circulation takes users out of circulation and back. Its methods return [domain.ErrUserNotFound].
type Circulation interface {
	// Quarantine keeps the user from being handed out until it is restored.
	Quarantine(ctx context.Context, id domain.UserID, reason string) (domain.View, error)

	// Restore ends the quarantine, if there is one. The reason, like that of ForceRelease, may be empty.
	Restore(ctx context.Context, id domain.UserID, reason string) (domain.View, error)

	// ForceRelease ends the whole lock that holds the user, whoever holds it: a lease of several users ends for all.
	ForceRelease(ctx context.Context, id domain.UserID, reason string) (domain.View, error)
}

// Pools tells how full the farm is.
type Pools interface {
	// Pools counts the users of every pool, ordered by project, environment and domain.
	Pools(ctx context.Context) ([]domain.PoolCount, error)
}
