package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Add implements [ports.Users].
func (s *Store) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	if err := s.apply(ctx, &ledger.Add{Users: users, Once: once}); err != nil {
		return fmt.Errorf("memory: add: %w", err)
	}
	return nil
}

// Find implements [ports.Users].
func (s *Store) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	found := s.find(target)
	if len(found) == 0 {
		return nil, time.Time{}, fmt.Errorf("memory: find: %w", s.whyAbsent(target))
	}
	users := make([]*domain.User, len(found))
	for i, u := range found {
		users[i] = u.Clone()
	}
	return users, now, nil
}

func (s *Store) find(target ports.Target) []*domain.User {
	if lease, leased := target.Lease(); leased {
		return s.under(lease)
	}
	id, _ := target.User()
	if u, found := s.users.get(id); found {
		return []*domain.User{u}
	}
	return nil
}

// whyAbsent returns why a target has no users.
func (s *Store) whyAbsent(target ports.Target) error {
	if lease, leased := target.Lease(); leased {
		return s.whyNoLease(lease)
	}
	return domain.ErrUserNotFound
}

// Update implements [ports.Users].
func (s *Store) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	update := &ledger.Update{Target: ledgerTarget(target), Decide: decide}
	if err := s.apply(ctx, update); err != nil {
		return nil, s.explain("update", target, err)
	}
	return update.Users, nil
}

// Remove implements [ports.Users].
func (s *Store) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	return s.explain("remove", ports.ByUser(id), s.apply(ctx, &ledger.Remove{User: id, Decide: decide}))
}

// explain returns the error of an operation about a target as its caller is told.
func (s *Store) explain(operation string, target ports.Target, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ledger.ErrNotLoaded) {
		s.mu.Lock()
		defer s.mu.Unlock()
		err = s.whyAbsent(target)
	}
	return fmt.Errorf("memory: %s: %w", operation, err)
}

func ledgerTarget(t ports.Target) ledger.Target {
	user, _ := t.User()
	lease, _ := t.Lease()
	return ledger.Target{User: user, Lease: lease}
}
