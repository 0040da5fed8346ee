package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Store is everything that the use cases need of a store.
type Store interface {
	Users
	PoolCounter
	Housekeeping
	Health
}

// PoolCounter counts users.
type PoolCounter interface {
	// CountPools returns the count of every pool that has users, ordered by project, environment and domain.
	CountPools(ctx context.Context) ([]domain.PoolCount, error)
}

// Housekeeping keeps a store small.
type Housekeeping interface {
	// ForgetLeases forgets the leases that ended longer ago than age, by the store's clock. Until then a store remembers
	// that they were, to tell a lease that is over from one that never was.
	ForgetLeases(ctx context.Context, age time.Duration) error
}

// Health tells whether a store can do its work.
type Health interface {
	// Ping returns nil if the store answers.
	Ping(ctx context.Context) error
}
