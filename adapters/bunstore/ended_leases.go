package bunstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// EndedLease is a lease that was on users' rows and left them, by whatever way. It tells a lease that is over from one that
// never was.
type EndedLease struct {
	Key      int64  // see [leaseKey]
	Projects []byte // ids of those of the users that left it, one after the other
}

// endedLeases returns the leases that users left, each once and in the order of their keys. The users are as they were
// before.
func endedLeases(left []*domain.User) []EndedLease {
	projects := make(map[int64][]domain.ProjectID, len(left))
	for _, u := range left {
		lease, _ := u.Lease()
		key, project := leaseKey(lease), u.Snapshot().Pool.ProjectID
		if !slices.Contains(projects[key], project) {
			projects[key] = append(projects[key], project)
		}
	}
	ended := make([]EndedLease, 0, len(projects))
	for key, those := range projects {
		ended = append(ended, EndedLease{Key: key, Projects: encodeProjects(those)})
	}
	slices.SortFunc(ended, func(a, b EndedLease) int { return cmp.Compare(a.Key, b.Key) })
	return ended
}

// leaseKey is by what ended leases are known: the beginning of the digest. There are many of them, and a few bytes keep
// their index small; should two ever share a key, a lease that never was is told to be over.
func leaseKey(lease domain.LeaseDigest) int64 {
	return int64(binary.BigEndian.Uint64(lease[:8])) //nolint:gosec // any bits will do
}

// whyNoLease refuses with the reason why no user is locked under a lease.
func (s *Store) whyNoLease(ctx context.Context, db bun.IDB, lease domain.LeaseDigest) error {
	var noted [][]byte
	err := db.NewSelect().Table("ended_leases").Column("projects").Where("lease = ?", leaseKey(lease)).Scan(ctx, &noted)
	switch {
	case err != nil:
		return err
	case len(noted) == 0:
		return refuse(domain.ErrLeaseNotFound)
	default:
		return refuse(&domain.EndedLeaseError{Scope: scopeOfNoted(noted)})
	}
}

// MergeProjects returns the projects of a lease that users left at two times.
func MergeProjects(a, b []byte) []byte { return encodeProjects(scopeOfNoted([][]byte{a, b}).Projects) }

// scopeOfNoted returns the scope of all that was noted: all projects, if some were not.
func scopeOfNoted(noted [][]byte) domain.Scope {
	var all []domain.ProjectID
	for _, encoded := range noted {
		if len(encoded) == 0 {
			return domain.Scope{}
		}
		all = append(all, decodeProjects(encoded)...)
	}
	return domain.Only(all...)
}

func encodeProjects(projects []domain.ProjectID) []byte {
	var encoded []byte
	for _, project := range projects {
		encoded = append(encoded, project[:]...)
	}
	return encoded
}

func decodeProjects(encoded []byte) []domain.ProjectID {
	var projects []domain.ProjectID
	for id := range slices.Chunk(encoded, len(domain.ProjectID{})) {
		var project domain.ProjectID
		copy(project[:], id)
		projects = append(projects, project)
	}
	return projects
}
