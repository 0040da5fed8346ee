package postgres

import "github.com/userfarm/userfarm/adapters/bunstore"

const rememberEnded = `INSERT INTO ended_leases (lease, ending, ended_at, projects, users)
	SELECT n.lease, nullif(n.ending, ''), n.ended_at, n.projects, n.users
	FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[]) AS n (lease, ending, ended_at, projects, users)`

// endLeases adds the statement that remembers leases which users left.
func (e *exchange) endLeases(ended []bunstore.EndedLease) {
	n := len(ended)
	leases, endings, times := make([]int64, n), make([]string, n), make([]int64, n)
	projects, users := make([][]byte, n), make([][]byte, n)
	for i, lease := range ended {
		leases[i], endings[i], times[i] = lease.Lease, lease.Ending, lease.EndedAt
		projects[i], users[i] = lease.Projects, lease.Users
	}
	e.run(rememberEnded, leases, endings, times, projects, users)
}
