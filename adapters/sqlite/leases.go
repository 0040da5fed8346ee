package sqlite

import "github.com/userfarm/userfarm/adapters/bunstore"

const (
	rememberEnded = `INSERT OR IGNORE INTO ended_leases (lease, ending, ended_at, projects, users) VALUES (?, nullif(?, ''), ?, ?, ?)`
	endedLease    = `SELECT coalesce(ending, ''), ended_at, projects, users FROM ended_leases WHERE lease = ?`
	mergeEnded    = `UPDATE ended_leases SET ending = nullif(?, ''), ended_at = ?, projects = ?, users = ? WHERE lease = ?`
)

// endLeases remembers leases that users left.
func (tx *transaction) endLeases(leases []bunstore.EndedLease) error {
	for _, lease := range leases {
		n, err := tx.exec(rememberEnded, lease.Lease, lease.Ending, lease.EndedAt, lease.Projects, lease.Users)
		if err == nil && n == 0 {
			err = tx.mergeEnded(lease)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeEnded adds to what is known of a lease that users left before.
func (tx *transaction) mergeEnded(lease bunstore.EndedLease) error {
	known := bunstore.EndedLease{Lease: lease.Lease}
	err := tx.row(endedLease, []any{lease.Lease}, &known.Ending, &known.EndedAt, &known.Projects, &known.Users)
	if err != nil {
		return err
	}
	merged := known.Merge(lease)
	return tx.mustChange(mergeEnded, merged.Ending, merged.EndedAt, merged.Projects, merged.Users, merged.Lease)
}
