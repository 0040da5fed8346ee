package app

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Pools implements [ports.Pools].
func (f *Farm) Pools(ctx context.Context) ([]domain.PoolCount, error) {
	return f.store.CountPools(ctx, f.caller.Scope)
}
