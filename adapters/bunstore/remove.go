package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Remove implements [ports.Users].
func (s *Store) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	return s.write(ctx, "remove", func(ctx context.Context, tx bun.Tx) error { return s.remove(ctx, tx, id, decide) })
}

func (s *Store) remove(ctx context.Context, tx bun.Tx, id domain.UserID, decide ports.Decide) error {
	target, err := s.find(ctx, tx, ports.ByUser(id), s.dialect.LockRows)
	if err != nil {
		return err
	}
	if err := decide(target.now, target.users); err != nil {
		return refuse(err)
	}
	if _, err := tx.NewDelete().Model((*row)(nil)).Where("user_id = ?", id.String()).Exec(ctx); err != nil {
		return err
	}
	if lease := circulationOf(target.before[id]).LockLease; !lease.IsZero() {
		return rememberEnded(ctx, tx, []leaseColumn{lease}, target.now)
	}
	return nil
}
