package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// underLease returns the users that carry a lock of the lease, in its order.
func (s *Store) underLease(lease domain.LeaseDigest) ([]*domain.User, error) {
	var users []*domain.User
	for _, u := range s.users {
		if carried, ok := u.Lease(); ok && carried == lease {
			users = append(users, u)
		}
	}
	if len(users) > 0 {
		slices.SortFunc(users, func(a, b *domain.User) int {
			return cmp.Compare(a.Snapshot().Lock.Position, b.Snapshot().Lock.Position)
		})
		return users, nil
	}
	if _, ended := s.ended[lease]; ended {
		return nil, fmt.Errorf("memory: lease: %w", domain.ErrLeaseExpired)
	}
	return nil, fmt.Errorf("memory: lease: %w", domain.ErrLeaseNotFound)
}

// noteEnd remembers the lease that a user had before and has no more; after is nil if the user was removed.
func (s *Store) noteEnd(now time.Time, before, after *domain.User) {
	lease, leased := before.Lease()
	if !leased {
		return
	}
	if after != nil {
		if kept, ok := after.Lease(); ok && kept == lease {
			return
		}
	}
	if _, known := s.ended[lease]; !known {
		s.ended[lease] = now
	}
}
