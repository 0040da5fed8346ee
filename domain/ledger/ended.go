package ledger

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Ended is a lease that users left, in whatever way. A store remembers it, to tell a lease that is over from one that never
// was.
type Ended struct {
	Lease    domain.LeaseDigest
	Projects []domain.ProjectID // of those users, each once
}

// noteEnd keeps the lease of before unless after is still under it. after is nil if the user was removed.
func (l *Ledger) noteEnd(lease domain.LeaseDigest, before, after *domain.User) {
	if after != nil {
		if kept, _ := after.Lease(); kept == lease {
			return
		}
	}
	at := slices.IndexFunc(l.changes.Ended, func(e Ended) bool { return e.Lease == lease })
	if at < 0 {
		at = len(l.changes.Ended)
		l.changes.Ended = append(l.changes.Ended, Ended{Lease: lease})
	}
	ended := &l.changes.Ended[at]
	if project := before.Pool().ProjectID; !slices.Contains(ended.Projects, project) {
		ended.Projects = append(ended.Projects, project)
	}
}

// WhyNoLease returns why no user carries a lease. ended is what the store remembers of it: the scopes of the users that left
// it, none if it knows nothing of the lease.
func WhyNoLease(ended []domain.Scope) error {
	if len(ended) == 0 {
		return domain.ErrLeaseNotFound
	}
	var projects []domain.ProjectID
	for _, scope := range ended {
		if !scope.Limited {
			return &domain.EndedLeaseError{} // it ended before projects were remembered
		}
		projects = append(projects, scope.Projects...)
	}
	return &domain.EndedLeaseError{Scope: domain.Only(projects...)}
}
