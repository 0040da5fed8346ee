package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Add implements [ports.Users]. Several users go solo: if one of them exists already, all that was written is undone.
func (s *Store) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	return s.bounded(ctx, "add", func(ctx context.Context) error {
		add := &ledger.Add{Users: users, Once: once}
		if len(users) == 1 {
			return s.run(ctx, add, 1)
		}
		return s.runQuick(ctx, add)
	})
}

// Update implements [ports.Users].
func (s *Store) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	update := &ledger.Update{Target: ledgerTarget(target), Decide: decide}
	err := s.bounded(ctx, "update", func(ctx context.Context) error {
		return s.orWhyAbsent(ctx, target, s.run(ctx, update, 1))
	})
	if err != nil {
		return nil, err
	}
	return update.Users, nil
}

// Remove implements [ports.Users]. It is in no group; see [Engine] for why.
func (s *Store) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	return s.bounded(ctx, "remove", func(ctx context.Context) error {
		return s.orWhyAbsent(ctx, ports.ByUser(id), s.runQuick(ctx, &ledger.Remove{User: id, Decide: decide}))
	})
}

// expireAtOnce is how many locks one transaction ends at most.
const expireAtOnce = 256

// EndExpired implements [ports.Housekeeping].
func (s *Store) EndExpired(ctx context.Context) (next time.Duration, err error) {
	for more := true; more && err == nil; {
		err = s.bounded(ctx, "end expired locks", func(ctx context.Context) error {
			expire := &ledger.Expire{Limit: expireAtOnce}
			err := s.run(ctx, expire, expireAtOnce)
			more, next = expire.More && expire.Ended > 0, expire.Next
			return err
		})
	}
	return next, err
}

// orWhyAbsent replaces [ledger.ErrNotLoaded], of a transaction that waited for its rows, by the reason why the target is not
// there.
func (s *Store) orWhyAbsent(ctx context.Context, target ports.Target, err error) error {
	if !errors.Is(err, ledger.ErrNotLoaded) {
		return err
	}
	return s.retry(ctx, func() (bool, error) { return false, s.whyAbsent(ctx, s.reader, target) })
}

func ledgerTarget(t ports.Target) ledger.Target {
	user, _ := t.User()
	lease, _ := t.Lease()
	return ledger.Target{User: user, Lease: lease}
}
