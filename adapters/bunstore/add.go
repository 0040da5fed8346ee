package bunstore

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Add implements [ports.Users]. Several users go alone: should one of them be there already, all that was written is undone.
func (s *Store) Add(ctx context.Context, users ...*domain.User) error {
	return s.bounded(ctx, "add", func(ctx context.Context) error {
		addition := new(addition)
		for _, u := range users {
			row, err := s.seal(u)
			if err != nil {
				return err
			}
			row.LockSize = sizeOfLease(users, u)
			addition.rows = append(addition.rows, row)
		}
		if len(users) == 1 {
			return s.queue.do(ctx, addition)
		}
		return s.alone(ctx, addition)
	})
}

// addition is the operation of [Store.Add].
type addition struct {
	forthright
	rows []Row
}

func (a *addition) size() int { return len(a.rows) }

func (*addition) ask(*Ask) {}

func (a *addition) decide(r *round) error {
	r.added = append(r.added, a.rows...)
	r.together = len(a.rows) > 1
	return nil
}

func (a *addition) confirm(r *round) error {
	for _, row := range a.rows {
		if !r.written[row.UserID] {
			return refuse(domain.ErrUserExists)
		}
	}
	return nil
}
