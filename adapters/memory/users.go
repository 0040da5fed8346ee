package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// login is what must be unique, for two users of one account would defeat the lock.
type login struct {
	project domain.ProjectID
	env     string
	name    string
}

func loginOf(u *domain.User) login {
	s := u.Snapshot()
	return login{project: s.Pool.ProjectID, env: s.Pool.Env, name: s.Login}
}

// Add implements [ports.Users].
func (s *Store) Add(ctx context.Context, users ...*domain.User) error {
	if _, err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for i, u := range users {
		if !s.insert(u) {
			for _, added := range users[:i] {
				s.drop(added)
			}
			return fmt.Errorf("memory: add: %w", domain.ErrUserExists)
		}
	}
	return nil
}

// insert adds a copy of u unless its id or its login is taken.
func (s *Store) insert(u *domain.User) bool {
	at, idTaken := s.search(u.ID())
	_, loginTaken := s.logins[loginOf(u)]
	if idTaken || loginTaken {
		return false
	}
	s.users = slices.Insert(s.users, at, domain.Restore(u.Snapshot()))
	s.logins[loginOf(u)] = struct{}{}
	return true
}

func (s *Store) drop(u *domain.User) {
	at, _ := s.search(u.ID())
	s.users = slices.Delete(s.users, at, at+1)
	delete(s.logins, loginOf(u))
}

// Find implements [ports.Users].
func (s *Store) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	users, err := s.find(target)
	if err != nil {
		return nil, time.Time{}, err
	}
	return copies(users), now, nil
}

func (s *Store) find(target ports.Target) ([]*domain.User, error) {
	if lease, ok := target.Lease(); ok {
		return s.underLease(lease)
	}
	id, _ := target.User()
	at, found := s.search(id)
	if !found {
		return nil, fmt.Errorf("memory: user: %w", domain.ErrUserNotFound)
	}
	return []*domain.User{s.users[at]}, nil
}

// Update implements [ports.Users].
func (s *Store) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	users, err := s.find(target)
	if err != nil {
		return nil, err
	}
	return s.write(now, users, decide)
}

// Remove implements [ports.Users].
func (s *Store) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	users, err := s.find(ports.ByUser(id))
	if err != nil {
		return err
	}
	user := users[0]
	if err := decide(now, copies(users)); err != nil {
		return err
	}
	s.drop(user)
	s.noteEnd(now, user, nil)
	return nil
}
