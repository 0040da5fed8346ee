package bunstore

import (
	"context"
	"errors"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Add implements [ports.Users]. Several users go alone: should one of them be there already, all that was written is undone.
func (s *Store) Add(ctx context.Context, call domain.Once, users ...*domain.User) error {
	return s.bounded(ctx, "add", func(ctx context.Context) error {
		addition := &addition{once: once{call}}
		for _, u := range users {
			row, err := s.seal(u)
			if err != nil {
				return err
			}
			row.LockSize = sizeOfLease(users, u)
			addition.added = append(addition.added, Addition{Row: row, Events: eventsOf(u)})
		}
		if len(users) == 1 {
			if err := s.queue.do(ctx, addition); !errors.Is(err, errContended) {
				return err
			}
		}
		return s.alone(ctx, addition)
	})
}

// addition is the operation of [Store.Add].
type addition struct {
	forthright
	once  once
	added []Addition
}

func (a *addition) size() int { return len(a.added) }

func (a *addition) ask(ask *Ask) { a.once.ask(ask) }

func (a *addition) decide(r *round) error {
	if err := a.once.check(r); err != nil {
		return err
	}
	added := slices.Clone(a.added)
	if len(added) > 0 {
		added[0].Calls = a.once.note(r)
	}
	r.added = append(r.added, added...)
	r.together = len(added) > 1
	return nil
}

func (a *addition) confirm(r *round) error {
	for _, added := range a.added {
		if !r.written[added.UserID] {
			return refuse(domain.ErrUserExists)
		}
	}
	return nil
}
