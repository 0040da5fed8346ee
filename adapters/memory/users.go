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
func (s *Store) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.repeated(now, once); err != nil {
		return err
	}
	for i, u := range users {
		if !s.insert(u) {
			for _, added := range users[:i] {
				s.drop(added)
			}
			return fmt.Errorf("memory: add: %w", domain.ErrUserExists)
		}
	}
	s.record(now, users)
	s.noteCall(now, once)
	s.serve(now)
	return nil
}

// insert adds a copy of u unless its id or its login is taken.
func (s *Store) insert(u *domain.User) bool {
	at, idTaken := s.search(u.ID())
	_, loginTaken := s.logins[loginOf(u)]
	if idTaken || loginTaken {
		return false
	}
	s.users = slices.Insert(s.users, at, u.Clone())
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
	changed, err := s.write(now, users, decide)
	s.serve(now)
	return changed, err
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
	decided := copies(users)
	if err := decide(now, decided); err != nil {
		return err
	}
	s.record(now, decided)
	s.drop(users[0])
	s.noteEnd(now, users[0], nil)
	s.serve(now)
	return nil
}
