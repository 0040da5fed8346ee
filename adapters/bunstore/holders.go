package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// Holders implements [ports.PoolCounter]. Its first search goes along the index of expiries, which has only users that are locked.
func (s *Store) Holders(ctx context.Context, want domain.Selector, limit int) (held []*domain.User, now time.Time, err error) {
	err = s.read(ctx, "find holders", func(ctx context.Context, db bun.IDB) error {
		if now, err = s.clock(ctx, db); err != nil || !findable(want) {
			return err
		}
		find := func(expires string, limit int, order ...string) ([]*domain.User, error) {
			search := where(users(db), s.dialect.Rules.Matches(want, "u", "u")).Where(expires)
			return s.all(ctx, s.dialect.Rules.inState(search, domain.Locked, now).Order(order...).Limit(int64(limit)), s.show)
		}
		held, err = find("u.lock_expires_at IS NOT NULL", limit, "u.lock_expires_at", "u.user_id")
		if err != nil || len(held) == limit {
			return err
		}
		open, err := find("u.lock_expires_at IS NULL", limit-len(held), "u.user_id")
		held = append(held, open...)
		return err
	})
	return held, now, err
}
