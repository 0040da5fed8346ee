package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// Holders implements [ports.PoolCounter]. In one pool, it goes along the index of free users, which has those that are held after
// those that are free. Else its first search goes along the index of expiries, which has only users that are locked.
func (s *Store) Holders(ctx context.Context, want domain.Selector, limit int) (held []*domain.User, now time.Time, err error) {
	err = s.read(ctx, "find holders", func(ctx context.Context, db bun.IDB) error {
		if now, err = s.clock(ctx, db); err != nil || !findable(want) {
			return err
		}
		find := func(limit int, among Condition, order ...string) ([]*domain.User, error) {
			search := where(users(db), append(s.dialect.Rules.Matches(want, "u", "u"), among))
			return s.all(ctx, s.dialect.Rules.inState(search, domain.Locked, now).Order(order...).Limit(int64(limit)), s.show)
		}
		if pool, ok := want.Pool(); ok {
			heldInPool := Condition{
				SQL:  "u.pool_id = (SELECT p.pool_id FROM pools p WHERE (p.project_id, p.env, p.domain) = (?, ?, ?)) AND u.free_at > ?",
				Args: []any{pool.ProjectID.String(), pool.Env, pool.Domain, micros(now)},
			}
			held, err = find(limit, heldInPool, "u.free_at", "u.user_id")
			return err
		}
		held, err = find(limit, Condition{SQL: "u.lock_expires_at IS NOT NULL"}, "u.lock_expires_at", "u.user_id")
		if err != nil || len(held) == limit {
			return err
		}
		open, err := find(limit-len(held), Condition{SQL: "u.lock_expires_at IS NULL"}, "u.user_id")
		held = append(held, open...)
		return err
	})
	return held, now, err
}
