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
		if at, ok := u.LockExpiry(); ok && !now.Before(at) {
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
		if at, ok := u.LockExpiry(); ok && now.Before(at) && (next == 0 || at.Sub(now) < next) {
			next = at.Sub(now)
		}
	}
	return next
}
