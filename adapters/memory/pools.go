package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// CountPools implements [ports.PoolCounter].
func (s *Store) CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	counts := make(map[domain.Pool]domain.PoolCount)
	for u := range s.users.after(domain.UserID{}, false) {
		pool := u.Pool()
		if !scope.Has(pool.ProjectID) {
			continue
		}
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
	s.line.waiters.Scan(func(w *waiter) bool {
		for pool := range s.poolsFor(w.Want) {
			if count, counted := counts[pool]; counted {
				count.Waiting++
				count.LongestWait = max(count.LongestWait, now.Sub(w.Since))
				counts[pool] = count
			}
		}
		return true
	})
	return slices.SortedFunc(maps.Values(counts), comparePools), nil
}

// poolsFor returns the pools from which selectors could be served.
func (s *Store) poolsFor(want []domain.Selector) map[domain.Pool]struct{} {
	pools := make(map[domain.Pool]struct{}, 1)
	for _, selector := range want {
		if u, found := s.users.get(selector.UserID); found {
			pools[u.Pool()] = struct{}{}
			continue
		}
		for p := range s.users.poolsOf(selector) {
			if selector.InPool(p.key) {
				pools[p.key] = struct{}{}
			}
		}
	}
	return pools
}

func comparePools(a, b domain.PoolCount) int {
	return cmp.Or(
		bytes.Compare(a.Pool.ProjectID[:], b.Pool.ProjectID[:]),
		cmp.Compare(a.Pool.Env, b.Pool.Env),
		cmp.Compare(a.Pool.Domain, b.Pool.Domain),
	)
}

// CountValues implements [ports.PoolCounter].
func (s *Store) CountValues(ctx context.Context, want domain.Selector, field domain.Field) ([]domain.ValueCount, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	counts := make(map[domain.ValueCount]int)
	groups, _ := s.users.matching(want)
	for _, g := range groups {
		value, has := field.Of(g.pool.key, g.example.Snapshot().Labels)
		counts[domain.ValueCount{Value: value, Absent: !has}] += g.size
	}
	all := make([]domain.ValueCount, 0, len(counts))
	for count, users := range counts {
		count.Users = users
		all = append(all, count)
	}
	return all, nil
}

// CountAlike implements [ports.PoolCounter].
func (s *Store) CountAlike(ctx context.Context, want domain.Selector) ([]domain.Stock, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	pools := make(map[domain.Pool]map[string]*domain.Alike)
	for u := range s.users.after(domain.UserID{}, false) {
		if !want.Matches(u) {
			continue
		}
		labels := u.Snapshot().Labels
		sets := pools[u.Pool()]
		if sets == nil {
			sets = make(map[string]*domain.Alike)
			pools[u.Pool()] = sets
		}
		key := fmt.Sprintf("%q", labels) // in the order of their keys
		if sets[key] == nil {
			sets[key] = &domain.Alike{Labels: labels}
		}
		if u.Status(now) == domain.Quarantined {
			sets[key].Quarantined++
		} else {
			sets[key].Users++
		}
	}
	stocks := make([]domain.Stock, 0, len(pools))
	for pool, sets := range pools {
		stock := domain.Stock{Pool: pool}
		for _, alike := range sets {
			stock.Users = append(stock.Users, *alike)
		}
		stocks = append(stocks, stock)
	}
	return stocks, now, nil
}

// Holders implements [ports.PoolCounter].
func (s *Store) Holders(ctx context.Context, want domain.Selector, limit int) ([]*domain.User, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	held := s.users.held(now, want, limit)
	for i, u := range held {
		held[i] = u.Clone()
	}
	return held, now, nil
}
