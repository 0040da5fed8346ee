package ledger

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// noteLeases keeps what a user tells of leases that it left. A store remembers it, to tell a lease that is over from one that
// never was.
func (l *Ledger) noteLeases(left ...domain.EndedLease) {
	for _, lease := range left {
		at := slices.IndexFunc(l.changes.Ended, func(known domain.EndedLease) bool { return known.Lease == lease.Lease })
		if at < 0 {
			l.changes.Ended = append(l.changes.Ended, lease)
		} else {
			l.changes.Ended[at] = l.changes.Ended[at].Merge(lease)
		}
	}
}

// noteRemoved keeps the lease of a user that is removed with its lock. How the lease ends is not known.
func (l *Ledger) noteRemoved(u *domain.User) {
	if lease, leased := u.Lease(); leased {
		l.noteLeases(domain.EndedLease{
			Lease: lease, At: l.loaded.Now, Scope: domain.Only(u.Pool().ProjectID),
			Users: []domain.FormerUser{{ID: u.ID(), Fence: u.Snapshot().Fence}},
		})
	}
}

// WhyNoLease returns why no user carries a lease. ended is what the store remembers of it, in any order; none if it knows
// nothing of the lease.
func WhyNoLease(ended ...domain.EndedLease) error {
	if len(ended) == 0 {
		return domain.ErrLeaseNotFound
	}
	lease := ended[0]
	for _, more := range ended[1:] {
		lease = lease.Merge(more)
	}
	return &domain.EndedLeaseError{EndedLease: lease}
}
