package bunstore

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// EndedLease is a row of the table ended_leases: a [domain.EndedLease]. A row of an older version has no end and no users, and
// perhaps no projects.
type EndedLease struct {
	bun.BaseModel `bun:"table:ended_leases"`

	Lease    int64  // see [leaseKey]
	Ending   string `bun:",nullzero"`
	EndedAt  int64
	Projects []byte // ids, one after the other
	Users    []byte // for each user its id and its fence, which has eight bytes, the highest first
}

// formerUserSize is how many bytes of Users one user takes.
const formerUserSize = len(domain.UserID{}) + 8

// leaseKey is the beginning of the digest, by which ended leases are found. There are many of them, and a short key keeps their
// index small. If a lease that never existed has the key of an ended one, the answer is that it is over.
func leaseKey(lease domain.LeaseDigest) int64 {
	return int64(binary.BigEndian.Uint64(lease[:8])) //nolint:gosec // any bits will do
}

// whyNoLease refuses with the reason why no user carries a lease.
func (s *Store) whyNoLease(ctx context.Context, db bun.IDB, lease domain.LeaseDigest) error {
	var rows []EndedLease
	if err := db.NewSelect().Model(&rows).Where("lease = ?", leaseKey(lease)).Scan(ctx); err != nil {
		return err
	}
	ended := make([]domain.EndedLease, len(rows))
	for i, row := range rows {
		ended[i] = row.restore()
		ended[i].Lease = lease
	}
	return refuse(ledger.WhyNoLease(ended...))
}

// Merge returns one row for two of the same lease.
func (r EndedLease) Merge(other EndedLease) EndedLease {
	merged := rowOfEnded(r.restore().Merge(other.restore()))
	merged.Lease = r.Lease
	return merged
}

func rowOfEnded(ended domain.EndedLease) EndedLease {
	row := EndedLease{
		Lease: leaseKey(ended.Lease), Ending: string(ended.End), EndedAt: micros(ended.At), Projects: encodeProjects(ended.Scope.Projects),
	}
	if ended.Users != nil {
		row.Users = make([]byte, 0, len(ended.Users)*formerUserSize)
	}
	for _, u := range ended.Users {
		row.Users = binary.BigEndian.AppendUint64(append(row.Users, u.ID[:]...), u.Fence)
	}
	return row
}

// restore returns what a row has, without the digest of the lease.
func (r EndedLease) restore() domain.EndedLease {
	ended := domain.EndedLease{End: domain.LeaseEnd(r.Ending), At: instant(r.EndedAt)}
	if len(r.Projects) > 0 {
		ended.Scope = domain.Only(decodeProjects(r.Projects)...)
	}
	const idSize = len(domain.UserID{})
	for user := range slices.Chunk(r.Users, formerUserSize) {
		if len(user) == formerUserSize {
			ended.Users = append(ended.Users, domain.FormerUser{
				ID: domain.UserID(user[:idSize]), Fence: binary.BigEndian.Uint64(user[idSize:]),
			})
		}
	}
	return ended
}

// encodeProjects returns the ids, one after the other. The result is not nil, which would be no scope at all.
func encodeProjects(projects []domain.ProjectID) []byte {
	encoded := make([]byte, 0, len(projects)*len(domain.ProjectID{}))
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
