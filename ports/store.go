package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Store is everything that the use cases need of a store.
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
	// CountPools returns the count of every pool of the scope that has users, ordered by project, environment and domain. Who stands in
	// line counts in each pool that one of its selectors could be served from, whatever labels that wants.
	CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error)
}

// Housekeeping is what nobody asks for and must be done all the same.
type Housekeeping interface {
	// EndExpired writes down the locks that have expired (see [domain.User.Expire]), each once, whoever else does the same.
	// It returns how long it is until the next lock expires; 0 if none will.
	EndExpired(ctx context.Context) (next time.Duration, err error)

	// Forget forgets what is older than ages, by the store's clock, and calls older than [domain.IdempotencyWindow].
	Forget(ctx context.Context, ages Ages) error
}

// Ages are how old something becomes before it is forgotten.
type Ages struct {
	Leases time.Duration // since they ended; until then a store can tell them from leases that never were
	Events time.Duration
}

// Health tells whether a store can do its work.
type Health interface {
	// Ping returns nil if the store answers.
	Ping(ctx context.Context) error
}
