package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// CountPools implements [ports.PoolCounter].
func (s *Store) CountPools(ctx context.Context) ([]domain.PoolCount, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	counts := make(map[domain.Pool]domain.PoolCount)
	for _, u := range s.users {
		pool := u.Snapshot().Pool
		count := counts[pool]
		count.Pool = pool
		count.Total++
		switch u.Status(now) {
		case domain.Free:
			count.Free++
		case domain.Locked:
			count.Locked++
		case domain.Quarantined:
			count.Quarantined++
		}
		counts[pool] = count
	}
	return slices.SortedFunc(maps.Values(counts), comparePools), nil
}

func comparePools(a, b domain.PoolCount) int {
	return cmp.Or(
		bytes.Compare(a.Pool.ProjectID[:], b.Pool.ProjectID[:]),
		cmp.Compare(a.Pool.Env, b.Pool.Env),
		cmp.Compare(a.Pool.Domain, b.Pool.Domain),
	)
}
