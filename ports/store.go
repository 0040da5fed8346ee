package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Store is all that the use cases need from a store.
type Store interface {
	Users
	KeyStore
	History
	PoolCounter
	Housekeeping
	Health
}

// PoolCounter counts users.
type PoolCounter interface {
	// CountPools returns the counts of all pools in the scope that have users, ordered by project, environment and domain. A
	// waiting claim counts in each pool that one of its selectors fits, whatever the labels of the selector.
	CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error)
}

// Housekeeping is work that no caller asks for.
type Housekeeping interface {
	// EndExpired calls [domain.User.Expire] for users whose locks have expired, and writes the result. Concurrent calls, also
	// of other processes, end each lock once. It returns the time until the next lock expires; 0 if none will.
	EndExpired(ctx context.Context) (next time.Duration, err error)

	// Forget deletes ended leases and events that are older than ages, by the store's clock, and calls that are older than
	// [domain.IdempotencyWindow].
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
