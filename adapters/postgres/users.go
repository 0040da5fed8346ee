package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// columns are what a query for users answers with: where the row is, and what is in it.
const columns = `u.ctid, ` + bunstore.Columns

const (
	holdUsers  = `SELECT ` + columns + ` FROM users u WHERE u.user_id = ANY ($1::uuid[]) FOR UPDATE OF u SKIP LOCKED`
	holdLeases = `SELECT ` + columns + ` FROM users u WHERE u.lock_lease = ANY ($1::bytea[]) FOR UPDATE OF u SKIP LOCKED`

	// awaitTargets waits for rows in one order, so that no two transactions wait for each other.
	awaitTargets = `SELECT ` + columns + ` FROM users u WHERE u.user_id IN (
		SELECT unnest($1::uuid[]) UNION SELECT l.user_id FROM users l WHERE l.lock_lease = ANY ($2::bytea[]))
		ORDER BY u.user_id FOR UPDATE OF u`
)

// moveUsers writes what became of users that the transaction holds. As it holds them, it knows where their rows are and
// needs no index to find them. Zeros stand for NULL.
const moveUsers = `UPDATE users u SET
		fence = m.fence, free_at = m.free_at, released_at = nullif(m.released_at, 0),
		lock_lease = m.lock_lease, lock_position = m.lock_position, lock_size = m.lock_size,
		lock_owner = nullif(m.lock_owner, ''), lock_note = nullif(m.lock_note, ''),
		lock_acquired_at = nullif(m.lock_acquired_at, 0), lock_expires_at = nullif(m.lock_expires_at, 0),
		quarantine_reason = nullif(m.quarantine_reason, ''), quarantined_at = nullif(m.quarantined_at, 0),
		lock_quarantines = m.lock_quarantines, last_code_at = m.last_code_at, lock_renewals = m.lock_renewals
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::integer[], $6::integer[], $7::text[], $8::text[],
		$9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::bigint[], $15::integer[], $16::tid[]) AS m (fence, free_at, released_at, lock_lease,
		lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines,
		last_code_at, lock_renewals, place)
	WHERE u.ctid = m.place`

// circulations returns the first arguments of moveUsers and addUsers.
func circulations(all []bunstore.Circulation) []any {
	n := len(all)
	leases, positions, sizes := make([][]byte, n), make([]int32, n), make([]int32, n)
	fences, frees, releases := make([]int64, n), make([]int64, n), make([]int64, n)
	acquired, expires, quarantined := make([]int64, n), make([]int64, n), make([]int64, n)
	owners, notes, reasons := make([]string, n), make([]string, n), make([]string, n)
	quarantines, codes, renewals := make([]bool, n), make([]int64, n), make([]int32, n)
	for i, c := range all {
		leases[i], positions[i], sizes[i] = c.LockLease.Bytes(), int32(c.LockPosition), int32(c.LockSize) //nolint:gosec // up to 32
		fences[i], frees[i], releases[i] = c.Fence, c.FreeAt, c.ReleasedAt
		acquired[i], expires[i], quarantined[i] = c.LockAcquiredAt, c.LockExpiresAt, c.QuarantinedAt
		owners[i], notes[i], reasons[i] = c.LockOwner, c.LockNote, c.QuarantineReason
		quarantines[i], codes[i], renewals[i] = c.LockQuarantines, c.LastCodeAt, int32(c.LockRenewals) //nolint:gosec // a day has fewer
	}
	return []any{fences, frees, releases, leases, positions, sizes, owners, notes, acquired, expires, reasons, quarantined, quarantines, codes, renewals}
}

// moveUsers adds the statement that writes what became of users which the transaction holds.
func (tx *transaction) moveUsers(e *exchange, moves []bunstore.Move) {
	moved, places := make([]bunstore.Circulation, len(moves)), make([]pgtype.TID, len(moves))
	for i, m := range moves {
		moved[i], places[i] = m.Circulation, tx.places[m.UserID]
	}
	e.write(len(moved), moveUsers, append(circulations(moved), places)...)
}

// removeUsers also lets the oldest duplicate of each user that it removes be the account. It waits for a rival that may be removing
// that one (FOR UPDATE), and takes the next one then.
var removeUsers = `WITH removed AS (
		DELETE FROM users WHERE user_id = ANY ($1::uuid[]) RETURNING project_id, env, login_key, duplicate
	), heirs AS (
		UPDATE users u SET duplicate = 0 FROM removed r WHERE r.duplicate = 0 AND u.user_id = (
			SELECT d.user_id FROM users d
			WHERE (d.project_id, d.env, d.login_key) = (r.project_id, r.env, r.login_key) AND d.duplicate > 0
			ORDER BY d.duplicate LIMIT 1 FOR UPDATE)
	)
	` + failUnless("removed", 2)

const (
	// addsLock is the number of the advisory lock that protects pools and sets of labels from being deleted while users that
	// have them are added: "users++" in ASCII.
	addsLock = 0x75736572732b2b

	shareAdds = `SELECT pg_advisory_xact_lock_shared($1)`
)

// A set of labels is added before the users that have it, unless it is there.
const (
	missingLabelSet = ` AND n.labels <> '{}' AND NOT EXISTS (
		SELECT FROM label_sets s WHERE s.pool_id = p.pool_id AND s.labels = n.labels)`

	labelSet = `(SELECT min(s.label_set_id) FROM label_sets s WHERE s.pool_id = p.pool_id AND s.labels = n.labels)`
)

const (
	addLabelSetsOf = `INSERT INTO label_sets (pool_id, labels)
		SELECT DISTINCT p.pool_id, n.labels FROM unnest($1::uuid[], $2::jsonb[]) AS n (user_id, labels)
		JOIN users p USING (user_id) WHERE true` + missingLabelSet

	changeAccounts = `UPDATE users p SET password = n.password, sealing_key = n.sealing_key, labels = n.labels,
			label_set_id = ` + labelSet + `
		FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::jsonb[]) AS n (user_id, password, sealing_key, labels)
		WHERE p.user_id = n.user_id`
)

// changeAccounts adds the statements that write secrets and labels.
func (e *exchange) changeAccounts(changed []bunstore.Account) {
	var ids [][16]byte
	var passwords [][]byte
	var keys, labels []string
	for _, a := range changed {
		ids, labels = append(ids, a.UserID), append(labels, string(a.Labels))
		passwords, keys = append(passwords, a.Password), append(keys, a.SealingKey)
	}
	e.run(shareAdds, int64(addsLock))
	e.run(addLabelSetsOf, ids, labels)
	e.write(len(changed), changeAccounts, ids, passwords, keys, labels)
}

const (
	addPools = `INSERT INTO pools (project_id, env, domain)
		SELECT DISTINCT n.project_id, n.env, n.domain
		FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (project_id, env, domain)
		WHERE NOT EXISTS (SELECT FROM pools p WHERE (p.project_id, p.env, p.domain) = (n.project_id, n.env, n.domain))
		ORDER BY n.project_id, n.env, n.domain ON CONFLICT DO NOTHING`

	addLabelSets = `INSERT INTO label_sets (pool_id, labels)
		SELECT DISTINCT p.pool_id, n.labels
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) AS n (project_id, env, domain, labels)
		JOIN pools p USING (project_id, env, domain) WHERE true` + missingLabelSet

	addUsers = `INSERT INTO users (user_id, created_at, project_id, env, domain, pool_id, login, login_key, password, sealing_key, labels,
			label_set_id, fence, free_at, released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note,
			lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines, last_code_at, lock_renewals)
		SELECT n.user_id, n.created_at, n.project_id, n.env, n.domain, p.pool_id, n.login, n.login_key, n.password, n.sealing_key, n.labels,
			` + labelSet + `, n.fence, n.free_at, nullif(n.released_at, 0), n.lock_lease, n.lock_position, n.lock_size,
			nullif(n.lock_owner, ''), nullif(n.lock_note, ''), nullif(n.lock_acquired_at, 0), nullif(n.lock_expires_at, 0),
			nullif(n.quarantine_reason, ''), nullif(n.quarantined_at, 0), n.lock_quarantines, n.last_code_at, n.lock_renewals
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::integer[], $6::integer[], $7::text[],
			$8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::bigint[], $15::integer[],
			$16::uuid[], $17::bigint[], $18::uuid[], $19::text[], $20::text[], $21::text[], $22::bytea[], $23::text[], $24::jsonb[], $25::bytea[]) AS n (fence, free_at, released_at, lock_lease,
			lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines,
			last_code_at, lock_renewals, user_id, created_at, project_id, env, domain, login, password, sealing_key, labels, login_key)
		JOIN pools p ON (p.project_id, p.env, p.domain) = (n.project_id, n.env, n.domain)
		ORDER BY n.project_id, n.env, n.login_key ON CONFLICT DO NOTHING RETURNING user_id`
)

// checkLoginRule adds the query that tells whether the keys of logins are still computed by a rule. It comes after addUsers,
// which waits for a farm that computes them anew.
func (e *exchange) checkLoginRule(rule string) {
	e.read("SELECT rule FROM login_rule", nil, func(rows pgx.Rows) error {
		of, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		if err == nil && of != rule {
			err = bunstore.ErrOtherRule
		}
		return err
	})
}

// addUsers adds the statements that add users, and notes which of them could be added.
func (e *exchange) addUsers(rows []bunstore.Row, added map[domain.UserID]bool) {
	n := len(rows)
	circulation, ids, createdAt := make([]bunstore.Circulation, n), make([][16]byte, n), make([]int64, n)
	projects, envs, domains, logins := make([][16]byte, n), make([]string, n), make([]string, n), make([]string, n)
	passwords, keys, labels, loginKeys := make([][]byte, n), make([]string, n), make([]string, n), make([][]byte, n)
	for i, r := range rows {
		circulation[i], ids[i], createdAt[i] = r.Circulation, r.UserID, r.CreatedAt
		projects[i], envs[i], domains[i], logins[i] = r.ProjectID, r.Env, r.Domain, r.Login
		passwords[i], keys[i], labels[i], loginKeys[i] = r.Password, r.SealingKey, string(r.Labels), r.LoginKey
	}
	e.run(shareAdds, int64(addsLock))
	e.run(addPools, projects, envs, domains)
	e.run(addLabelSets, projects, envs, domains, labels)
	args := append(circulations(circulation), ids, createdAt, projects, envs, domains, logins, passwords, keys, labels, loginKeys)
	e.read(addUsers, args, func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
		for _, id := range ids {
			added[id] = true
		}
		return err
	})
}
