package bunstore

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Update implements [ports.Users].
func (s *Store) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	var users []*domain.User
	err := s.write(ctx, "update", func(ctx context.Context, tx bun.Tx) (err error) {
		users, err = s.update(ctx, tx, target, decide)
		return err
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

func (s *Store) update(ctx context.Context, tx bun.Tx, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	targets, err := s.find(ctx, tx, target, s.dialect.LockRows)
	if err != nil {
		return nil, err
	}
	return targets.users, s.settle(ctx, tx, targets, targets.users, decide)
}

// settle lets the domain decide about users that were found and locked, and writes what became of them.
func (s *Store) settle(ctx context.Context, tx bun.Tx, f found, users []*domain.User, decide ports.Decide) error {
	if err := decide(f.now, users); err != nil {
		return refuse(err)
	}
	var moved []circulationRow
	var ended []leaseColumn
	for _, u := range users {
		before, after := circulationOf(f.before[u.ID()]), circulationOf(u)
		if after != before {
			moved = append(moved, circulationRow{UserID: u.ID().String(), circulation: after})
		}
		if !before.LockLease.IsZero() && after.LockLease != before.LockLease {
			ended = append(ended, before.LockLease)
		}
		if err := s.updateAccount(ctx, tx, f.before[u.ID()], u); err != nil {
			return err
		}
	}
	if len(moved) > 0 {
		if _, err := tx.NewUpdate().Model(&moved).Bulk().Exec(ctx); err != nil {
			return err
		}
	}
	return rememberEnded(ctx, tx, ended, f.now)
}

// updateAccount writes the columns that locking leaves alone, if they changed.
func (s *Store) updateAccount(ctx context.Context, tx bun.Tx, before, after *domain.User) error {
	was, is := before.Snapshot(), after.Snapshot()
	if is.Password == was.Password && maps.Equal(is.Labels, was.Labels) {
		return nil
	}
	sealed, err := s.seal(after)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model(&sealed).Column("password", "labels").WherePK().Exec(ctx)
	return err
}
