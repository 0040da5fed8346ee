package bunstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// addAtOnce bounds the size of one INSERT.
const addAtOnce = 500

// Add implements [ports.Users].
func (s *Store) Add(ctx context.Context, users ...*domain.User) error {
	return s.write(ctx, "add", func(ctx context.Context, tx bun.Tx) error { return s.add(ctx, tx, users) })
}

func (s *Store) add(ctx context.Context, tx bun.Tx, users []*domain.User) error {
	for some := range slices.Chunk(users, addAtOnce) {
		rows := make([]row, len(some))
		for i, u := range some {
			sealed, err := s.seal(u)
			if err != nil {
				return err
			}
			rows[i] = sealed
		}
		// A row that is left out leaves the transaction sound, which a violated constraint would not.
		result, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
		if err != nil {
			return err
		}
		added, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if int(added) < len(rows) {
			return refuse(domain.ErrUserExists)
		}
	}
	return nil
}
