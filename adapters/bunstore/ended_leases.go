package bunstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// endedLease is a row of the table ended_leases: a lease that once was on a user's row and left it, by whatever way. It
// tells a lease that is over from one that never was.
type endedLease struct {
	bun.BaseModel `bun:"table:ended_leases,alias:e"`

	Lease   leaseColumn `bun:"lease,pk,type:bytea"`
	EndedAt int64       `bun:"ended_at"`
}

// forgetAtOnce bounds what one transaction of ForgetLeases deletes, and with it how long that keeps others waiting.
const forgetAtOnce = 1_000

// rememberEnded keeps the leases that left a row.
func rememberEnded(ctx context.Context, tx bun.IDB, leases []leaseColumn, now time.Time) error {
	if len(leases) == 0 {
		return nil
	}
	// In one order everywhere: two transactions that end parts of the same leases wait for each other's rows here.
	slices.SortFunc(leases, func(a, b leaseColumn) int { return bytes.Compare(a[:], b[:]) })
	var ended []endedLease
	for _, lease := range slices.Compact(leases) {
		ended = append(ended, endedLease{Lease: lease, EndedAt: micros(now)})
	}
	_, err := tx.NewInsert().Model(&ended).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// whyNoLease refuses with the reason why no user is locked under a lease.
func (s *Store) whyNoLease(ctx context.Context, db bun.IDB, lease domain.LeaseDigest) error {
	ended, err := db.NewSelect().Model((*endedLease)(nil)).Where("e.lease = ?", lease[:]).Exists(ctx)
	switch {
	case err != nil:
		return err
	case ended:
		return refuse(domain.ErrLeaseExpired)
	default:
		return refuse(domain.ErrLeaseNotFound)
	}
}

// ForgetLeases implements [ports.Housekeeping].
func (s *Store) ForgetLeases(ctx context.Context, age time.Duration) error {
	for {
		var forgotten int64
		err := s.write(ctx, "forget leases", func(ctx context.Context, tx bun.Tx) error {
			old := tx.NewSelect().Model((*endedLease)(nil)).Column("lease").
				Where("e.ended_at < (SELECT ?) - ?", s.dialect.Clock(), age.Microseconds()).
				Order("e.ended_at").Limit(forgetAtOnce)
			if s.dialect.SkipLocked != "" {
				old = old.For(s.dialect.SkipLocked) // another replica forgets those
			}
			result, err := tx.NewDelete().Model((*endedLease)(nil)).Where("lease IN (?)", old).Exec(ctx)
			if err != nil {
				return err
			}
			forgotten, err = result.RowsAffected()
			return err
		})
		if err != nil || forgotten < forgetAtOnce {
			return err
		}
	}
}
