package sqlite

import "github.com/userfarm/userfarm/adapters/bunstore"

const (
	rememberEnded = `INSERT OR IGNORE INTO ended_leases (lease, projects, ended_at) VALUES (?, ?, ?)`
	projectsOf    = `SELECT projects FROM ended_leases WHERE lease = ?`
	mergeEnded    = `UPDATE ended_leases SET projects = ? WHERE lease = ?`
)

// endLeases remembers leases that users left.
func (tx *transaction) endLeases(leases []bunstore.EndedLease, at int64) error {
	for _, lease := range leases {
		n, err := tx.exec(rememberEnded, lease.Key, lease.Projects, at)
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
	var projects []byte
	if err := tx.statement(projectsOf).QueryRowContext(tx.ctx, lease.Key).Scan(&projects); err != nil {
		return err
	}
	return tx.mustChange(mergeEnded, bunstore.MergeProjects(projects, lease.Projects), lease.Key)
}
