package bunstore

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// EndedLease is a row of the table ended_leases; see [ledger.Ended].
type EndedLease struct {
	Key      int64  // see [leaseKey]
	Projects []byte // ids, one after the other
}

// leaseKey is the beginning of the digest, by which ended leases are found. There are many of them, and a short key keeps their
// index small. If a lease that never existed has the key of an ended one, the answer is that it is over.
func leaseKey(lease domain.LeaseDigest) int64 {
	return int64(binary.BigEndian.Uint64(lease[:8])) //nolint:gosec // any bits will do
}

// whyNoLease refuses with the reason why no user carries a lease.
func (s *Store) whyNoLease(ctx context.Context, db bun.IDB, lease domain.LeaseDigest) error {
	var noted [][]byte
	err := db.NewSelect().Table("ended_leases").Column("projects").Where("lease = ?", leaseKey(lease)).Scan(ctx, &noted)
	if err != nil {
		return err
	}
	scopes := make([]domain.Scope, len(noted))
	for i, encoded := range noted {
		if len(encoded) > 0 { // a row of an older version has no projects
			scopes[i] = domain.Only(decodeProjects(encoded)...)
		}
	}
	return refuse(ledger.WhyNoLease(scopes))
}

// MergeProjects returns the projects of a lease that users left at two times.
func MergeProjects(a, b []byte) []byte {
	if len(a) == 0 || len(b) == 0 {
		return nil // not all of them are known
	}
	return encodeProjects(domain.Only(append(decodeProjects(a), decodeProjects(b)...)...).Projects)
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
