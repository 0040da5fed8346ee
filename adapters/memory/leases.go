package memory

import (
	"cmp"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// under returns the users that carry a lock of the lease, in its order.
func (s *Store) under(lease domain.LeaseDigest) []*domain.User {
	return slices.SortedFunc(slices.Values(s.users.leases[lease]), func(a, b *domain.User) int {
		positionA, _ := a.LeasePosition()
		positionB, _ := b.LeasePosition()
		return cmp.Compare(positionA, positionB)
	})
}

// remember keeps that users left a lease.
func (s *Store) remember(lease domain.EndedLease) {
	if known, ok := s.ended[lease.Lease]; ok {
		lease = known.Merge(lease)
	}
	s.ended[lease.Lease] = lease
}

// whyNoLease returns why no user carries a lease.
func (s *Store) whyNoLease(lease domain.LeaseDigest) error {
	if ended, known := s.ended[lease]; known {
		return ledger.WhyNoLease(ended)
	}
	return ledger.WhyNoLease()
}
