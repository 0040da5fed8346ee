package app

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Pools implements [ports.Pools].
func (f *Farm) Pools(ctx context.Context) ([]domain.PoolCount, error) {
	return f.store.CountPools(ctx, f.caller.Scope)
}

// Line implements [ports.Pools].
func (f *Farm) Line(ctx context.Context, limit int) ([]domain.Waiter, int, error) {
	return f.store.Line(ctx, f.caller.Scope, limitOf(limit))
}
