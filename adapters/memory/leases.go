package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// endedLease is a lease that lost its users, or the first of them.
type endedLease struct {
	at       time.Time          // when it lost the first
	projects []domain.ProjectID // of those that it lost
}

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
	if ended, known := s.ended[lease]; known {
		return nil, fmt.Errorf("memory: lease: %w", &domain.EndedLeaseError{Scope: domain.Only(ended.projects...)})
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
	ended, known := s.ended[lease]
	if !known {
		ended.at = now
	}
	ended.projects = append(ended.projects, before.Snapshot().Pool.ProjectID)
	s.ended[lease] = ended
}
