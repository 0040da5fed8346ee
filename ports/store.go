package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Store is all that the use cases need from a store.
type Store interface {
	Users
	SessionStore
	Merger
	ImportStore
	KeyStore
	History
	PoolCounter
	ProjectStore
	LineReader
	Housekeeping
	Health
}

// SessionStore keeps the texts of sessions. [Users] keeps the rest of them with their users, and writes a session that Decide saved.
type SessionStore interface {
	// SessionText returns the text of the session of a user that was saved at a time. It returns [domain.ErrSessionNotFound] if that
	// session was replaced or dropped since, or if it can't be read.
	SessionText(ctx context.Context, id domain.UserID, savedAt time.Time) (domain.Secret, error)
}

// PoolCounter counts users in whatever state, and tells who holds them.
type PoolCounter interface {
	// CountPools returns the counts of all pools in the scope that have users, ordered by project, environment and domain. A
	// waiting claim counts in each pool that one of its selectors fits, whatever the labels of the selector.
	CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error)

	// CountValues counts the users that want matches by their values of a field that want does not set, in any order. want
	// names no user. So that the cost does not grow with the store, it may stop counting the users of one pool, or with the
	// same labels, at [domain.MostCounted], and may leave out all but a thousand of these groups.
	CountValues(ctx context.Context, want domain.Selector, field domain.Field) ([]domain.ValueCount, error)

	// CountAlike counts the users that want matches by pool and labels, in any order, and returns the time of the store's clock. want
	// names no user. It may leave out all but a thousand sets of labels.
	CountAlike(ctx context.Context, want domain.Selector) ([]domain.Stock, time.Time, error)

	// Holders returns users that want matches and whose status is [domain.Locked], at most limit, and the time of the store's clock.
	// Those whose locks end first come first, and those whose locks never expire come last. want names no user. The users may lack
	// their secrets.
	Holders(ctx context.Context, want domain.Selector, limit int) ([]*domain.User, time.Time, error)
}

// LineReader reads the line of claims that wait.
type LineReader interface {
	// Line returns the claims in line as [domain.Waiter.In] shows them to callers of a scope, in the order of the line, at most
	// limit, and how many there are.
	Line(ctx context.Context, scope domain.Scope, limit int) (line []domain.Waiter, total int, err error)

	// CountWaiting returns how many claims in line compete with a claim; see [domain.CompeteOn]. It does not count a claim that was
	// refused before.
	CountWaiting(ctx context.Context, want []domain.Selector) (int, error)
}

// Housekeeping is work that no caller asks for.
type Housekeeping interface {
	// EndExpired calls [domain.User.Expire] for users whose locks have expired, and writes the result. Concurrent calls, also
	// of other processes, end each lock once. It returns the time until the next lock expires; 0 if none will.
	EndExpired(ctx context.Context) (next time.Duration, err error)

	// Forget deletes ended leases and events that are older than ages, by the store's clock, and calls that are older than
	// [domain.IdempotencyWindow]. It deletes sessions that have expired, and imports that are not open and with which nothing has
	// happened for [domain.ImportKept]. It also deletes what a store keeps about sets of labels and pools that no user has anymore,
	// without any effect on users that are added or changed meanwhile.
	Forget(ctx context.Context, ages Ages) error
}

// Ages say how long data is kept.
type Ages struct {
	Leases time.Duration // since they ended; until then, a store can tell them from leases that never existed
	Events time.Duration
}

// Health tells whether a store can do its work.
type Health interface {
	// Ping returns nil if the store can read and write.
	Ping(ctx context.Context) error
}
