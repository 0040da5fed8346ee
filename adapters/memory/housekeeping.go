package memory

import (
	"context"
	"maps"
	"math"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// EndExpired implements [ports.Housekeeping].
func (s *Store) EndExpired(ctx context.Context) (time.Duration, error) {
	expire := &ledger.Expire{Limit: math.MaxInt}
	err := s.apply(ctx, expire)
	return expire.Next, err
}

// expired returns the users whose locks have expired, and when the next lock expires.
func (s *Store) expired(now time.Time) (rows []ledger.Row, next time.Time) {
	users, next := s.users.expiries.between(time.Time{}, now)
	return rowsOf(users), next
}

// Forget implements [ports.Housekeeping].
func (s *Store) Forget(ctx context.Context, ages ports.Ages) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.giveUp(now)
	maps.DeleteFunc(s.ended, func(_ domain.LeaseDigest, l domain.EndedLease) bool { return now.Sub(l.At) > ages.Leases })
	maps.DeleteFunc(s.calls, func(_ ledger.CallKey, c call) bool { return c.forgotten(now) })
	s.forgetSessions(now)
	maps.DeleteFunc(s.imports, func(_ domain.ImportKey, i *staged) bool { return !i.open && now.Sub(i.touched) > domain.ImportKept })
	s.history.forget(now.Add(-ages.Events))
	return nil
}
