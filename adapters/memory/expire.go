package memory

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// EndExpired implements [ports.Housekeeping].
func (s *Store) EndExpired(ctx context.Context) (time.Duration, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	var expired []*domain.User
	for _, u := range s.users {
		if left, ok := lockLeft(now, u); ok && left <= 0 {
			expired = append(expired, u)
		}
	}
	_, err = s.write(now, expired, func(now time.Time, users []*domain.User) error {
		for _, u := range users {
			u.Expire(now)
		}
		return nil
	})
	s.serve(now)
	return s.nextExpiry(now), err
}

// nextExpiry returns how long it is until the next lock expires; 0 if none will.
func (s *Store) nextExpiry(now time.Time) time.Duration {
	var next time.Duration
	for _, u := range s.users {
		if left, ok := lockLeft(now, u); ok {
			next = sooner(next, left)
		}
	}
	return next
}

// lockLeft returns how long it is until the lock that u carries expires. ok is false if it carries none that does.
func lockLeft(now time.Time, u *domain.User) (left time.Duration, ok bool) {
	lock := u.Snapshot().Lock
	if lock == nil || lock.ExpiresAt.IsZero() {
		return 0, false
	}
	return lock.ExpiresAt.Sub(now), true
}
