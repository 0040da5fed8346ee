package bunstore

import (
	"context"
	"encoding/binary"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// endedLease is a row of the table ended_leases: a lease that once was on a user's row and left it, by whatever way. It
// tells a lease that is over from one that never was.
type endedLease struct {
	bun.BaseModel `bun:"table:ended_leases,alias:e"`

	Lease   int64 `bun:"lease,pk"`
	EndedAt int64 `bun:"ended_at"`
}

// leaseKey is by what ended leases are known: the beginning of the digest. There are many of them, and a few bytes keep
// their index small; should two ever share a key, a lease that never was is told to be over.
func leaseKey(lease domain.LeaseDigest) int64 {
	return int64(binary.BigEndian.Uint64(lease[:8])) //nolint:gosec // any bits will do
}

// whyNoLease refuses with the reason why no user is locked under a lease.
func (s *Store) whyNoLease(ctx context.Context, db bun.IDB, lease domain.LeaseDigest) error {
	ended, err := db.NewSelect().Model((*endedLease)(nil)).Where("e.lease = ?", leaseKey(lease)).Exists(ctx)
	switch {
	case err != nil:
		return err
	case ended:
		return refuse(domain.ErrLeaseExpired)
	default:
		return refuse(domain.ErrLeaseNotFound)
	}
}
