package postgres

import "github.com/userfarm/userfarm/adapters/bunstore"

const rememberEnded = `INSERT INTO ended_leases (lease, projects, ended_at) SELECT unnest($1::bigint[]), unnest($2::bytea[]), $3`

// endLeases adds the statement that remembers leases which users left.
func (e *exchange) endLeases(changes bunstore.Changes) {
	leases, projects := make([]int64, len(changes.Leases)), make([][]byte, len(changes.Leases))
	for i, ended := range changes.Leases {
		leases[i], projects[i] = ended.Key, ended.Projects
	}
	e.run(rememberEnded, leases, projects, changes.At)
}
