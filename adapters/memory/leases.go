package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// endedLease is a lease that lost its users, or the first of them.
type endedLease struct {
	at       time.Time          // when it lost the first
	projects []domain.ProjectID // of those that it lost
}

// under returns the users that carry a lock of the lease, in its order.
func (s *Store) under(lease domain.LeaseDigest) []*domain.User {
	return slices.SortedFunc(slices.Values(s.users.leases[lease]), func(a, b *domain.User) int {
		positionA, _ := a.LeasePosition()
		positionB, _ := b.LeasePosition()
		return cmp.Compare(positionA, positionB)
	})
}

// remember keeps that users left a lease.
func (s *Store) remember(lease ledger.Ended, now time.Time) {
	ended, known := s.ended[lease.Lease]
	if !known {
		ended.at = now
	}
	ended.projects = append(ended.projects, lease.Projects...)
	s.ended[lease.Lease] = ended
}

// whyNoLease returns why no user carries a lease.
func (s *Store) whyNoLease(lease domain.LeaseDigest) error {
	if ended, known := s.ended[lease]; known {
		return ledger.WhyNoLease([]domain.Scope{domain.Only(ended.projects...)})
	}
	return ledger.WhyNoLease(nil)
}
