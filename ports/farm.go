package ports

import (
	"context"
	"iter"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Farm is what userfarm does for one caller, over HTTP or in Go. Users outside of the caller's scope do not exist for it.
//
// Any method may return [ErrUnavailable], and [domain.ErrForbidden] if an argument names a project outside of the caller's
// scope. For bad arguments it returns a [domain.InvalidError] with pointers into the /v1 request that carries them.
type Farm interface {
	Leases
	Sessions
	OpenLocks
	Accounts
	Imports
	Circulation
	Pools
	Projects
	History
	Keys
}

// Leases grants leases of users, and is for their holders.
type Leases interface {
	// Acquire locks a different free user for each selector, all or none. It returns the errors of [domain.Refusal]. If users
	// match but are not free, it first waits in line for them, for terms.Wait at most.
	//
	// Within [domain.IdempotencyWindow], the same call with the same key returns the same lease, or [domain.ErrLeaseExpired]
	// if that lease is over. A different call with the same key returns [domain.ErrIdempotencyMismatch]. With the zero key
	// every call is new.
	Acquire(ctx context.Context, want []domain.Selector, terms domain.Terms, key domain.IdempotencyKey) (domain.Lease, error)

	// Lease returns a lease to its holder. Like Renew and Release, it returns [domain.ErrLeaseNotFound] for an unknown id and a
	// [domain.EndedLeaseError], which is a [domain.ErrLeaseExpired], for a lease that is over.
	Lease(ctx context.Context, id domain.LeaseID) (domain.Lease, error)

	// Renew makes the lease expire ttl from now; 0 is the default time to live.
	Renew(ctx context.Context, id domain.LeaseID, ttl time.Duration) (domain.Lease, error)

	// OneTimeCode returns a code for the second factor of a user of the lease. No code is returned twice: if the current code
	// was used, or expires too soon for terms.MinRemaining, it waits for the next one, for at most terms.Wait. It stops waiting
	// when the lease ends. It returns the errors of Lease, [domain.CheckCodeTerms] and [domain.GiveCode].
	OneTimeCode(
		ctx context.Context, id domain.LeaseID, user domain.UserID, terms domain.CodeTerms,
	) (domain.OneTimeCode, error)

	// Release ends the lease, and puts the users that faults name into quarantine. If the lease is over, it keeps the faults of
	// users that nobody has acquired since, each once. The [domain.EndedLeaseError] then says what became of each user. A fault
	// that names a user outside of the lease, or has a bad reason, is a [domain.InvalidError], and nothing changes. No fault is
	// kept of a lease that ended before stores remembered its users.
	Release(ctx context.Context, id domain.LeaseID, faults ...domain.Fault) error
}

// Sessions remembers logins of users, for the holders of their leases. Its methods return the errors of Lease, and
// [domain.ErrUserNotFound] for a user that is not in the lease.
//
// A session is dropped when the password or the second factor of its user changes, when the user goes into quarantine, and when its
// lock is ended by force.
type Sessions interface {
	// Session returns the session of a user of the lease. It returns [domain.ErrSessionNotFound] if there is none.
	Session(ctx context.Context, id domain.LeaseID, user domain.UserID) (domain.Session, error)

	// SaveSession keeps a session of a user of the lease, in place of the one before. It returns the error of
	// [domain.CheckSession].
	SaveSession(ctx context.Context, id domain.LeaseID, user domain.UserID, s domain.NewSession) (domain.Session, error)

	// DropSession drops the session of a user of the lease, if there is one.
	DropSession(ctx context.Context, id domain.LeaseID, user domain.UserID) error
}

// OpenLocks locks users by their ids alone, for the legacy routes.
type OpenLocks interface {
	// LockOpen takes an open lock and returns the time at which it began. It returns [domain.ErrUserNotFound],
	// [domain.ErrUserLocked] or [domain.ErrUserQuarantined].
	LockOpen(ctx context.Context, id domain.UserID) (time.Time, error)

	// ReleaseOpen ends an open lock, no matter which caller took it. It returns [domain.ErrUserNotFound], [domain.ErrUserFree]
	// if there is no lock, or [domain.ErrHeldByLease].
	ReleaseOpen(ctx context.Context, id domain.UserID) error
}

// Accounts manages the users of the farm. Methods that take an id return [domain.ErrUserNotFound].
type Accounts interface {
	// CreateUser adds a user. It returns [domain.ErrUserExists] if the login is taken in its project and environment. With a
	// key it is idempotent like Acquire: the same call returns the user that was created before, in its current state.
	CreateUser(ctx context.Context, spec domain.Spec, key domain.IdempotencyKey) (domain.View, error)

	// User returns one user.
	User(ctx context.Context, id domain.UserID) (domain.View, error)

	// Users returns a page of the users that q matches.
	Users(ctx context.Context, q Query) (UserPage, error)

	// ChangeUser changes a user, locked or not.
	ChangeUser(ctx context.Context, id domain.UserID, change domain.Change) (domain.View, error)

	// RemoveUser removes a user. The reason may be empty. It returns [domain.ErrUserLocked] if the user is locked.
	RemoveUser(ctx context.Context, id domain.UserID, reason string) error

	// AllAccounts yields every user with its password, oldest first, in constant memory. It ends at the first error.
	AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error]
}

// UserPage is one page of a list of users.
type UserPage struct {
	Users []domain.View
	Next  domain.UserID // After of the query for the next page; zero on the last page
}

// Circulation takes users out of circulation and back. Its methods return [domain.ErrUserNotFound].
type Circulation interface {
	// Quarantine takes the user out of circulation until it is restored. A current holder keeps it. Its session is dropped.
	Quarantine(ctx context.Context, id domain.UserID, reason string) (domain.View, error)

	// Restore ends the quarantine, if there is one. The reason may be empty.
	Restore(ctx context.Context, id domain.UserID, reason string) (domain.View, error)

	// ForceRelease ends the lock of the user, no matter which caller holds it. A lease of several users ends for all of them.
	// The reason may be empty. If fence is not 0, ForceRelease returns [domain.ErrFenceMismatch] and changes nothing unless the
	// latest lock of the user has this fence.
	ForceRelease(ctx context.Context, id domain.UserID, fence uint64, reason string) (domain.View, error)
}

// Pools tells how many users are in which state, and who waits for them.
type Pools interface {
	// Pools counts the users of every pool, ordered by project, environment and domain.
	Pools(ctx context.Context) ([]domain.PoolCount, error)

	// Line returns the first of the claims that wait for users of the caller's projects, at most limit (0 is 100), and how many
	// there are.
	Line(ctx context.Context, limit int) (line []domain.Waiter, total int, err error)

	// Advice tells how many users would have been enough for the claims of a period. It may be a minute old.
	Advice(ctx context.Context, q AdviceQuery) (domain.Advice, error)
}

// AdviceQuery says what to advise about.
type AdviceQuery struct {
	ProjectID domain.ProjectID // zero: any
	Env       string           // empty: any
	Domain    string           // empty: any

	// Since begins the period, by the store's clock. It ends now. Zero is 24 hours ago.
	Since time.Time

	// Target is the wait under which 95 of 100 claims are to stay: from a second to an hour, 0 for [domain.DefaultTarget].
	Target time.Duration
}
