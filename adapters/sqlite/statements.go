package sqlite

import "github.com/userfarm/userfarm/adapters/bunstore"

const (
	userByID     = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.user_id = ?`
	usersByLease = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.lock_lease = ?`

	freeInPool = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.pool_id = ? AND u.free_at <= ?
		ORDER BY u.free_at, u.user_id LIMIT ?`
	freeInLabelSet = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.label_set_id = ? AND u.free_at <= ?
		ORDER BY u.free_at, u.user_id LIMIT ?`

	anyInPool     = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.pool_id = ? LIMIT ?`
	anyInLabelSet = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.label_set_id = ? LIMIT ?`
)

// Zeros stand for NULL; see circulation.
const (
	moveUser = `UPDATE users SET fence = ?, free_at = ?, released_at = nullif(?, 0), lock_lease = ?, lock_position = ?, lock_size = ?,
		lock_owner = nullif(?, ''), lock_note = nullif(?, ''), lock_acquired_at = nullif(?, 0), lock_expires_at = nullif(?, 0),
		quarantine_reason = nullif(?, ''), quarantined_at = nullif(?, 0), lock_quarantines = ?, last_code_at = ? WHERE user_id = ?`

	removeUser    = `DELETE FROM users WHERE user_id = ?`
	rememberEnded = `INSERT OR IGNORE INTO ended_leases (lease, projects, ended_at) VALUES (?, ?, ?)`
	projectsOf    = `SELECT projects FROM ended_leases WHERE lease = ?`
	mergeEnded    = `UPDATE ended_leases SET projects = ? WHERE lease = ?`

	poolOfUser    = `SELECT pool_id FROM users WHERE user_id = ?`
	changeAccount = `UPDATE users SET password = ?, sealing_key = ?, labels = ?, label_set_id = ? WHERE user_id = ?`

	findPool     = `SELECT pool_id FROM pools WHERE project_id = ? AND env = ? AND domain = ?`
	addPool      = `INSERT INTO pools (project_id, env, domain) VALUES (?, ?, ?) RETURNING pool_id`
	findLabelSet = `SELECT label_set_id FROM label_sets WHERE pool_id = ? AND labels = ?`
	addLabelSet  = `INSERT INTO label_sets (pool_id, labels) VALUES (?, ?) RETURNING label_set_id`

	addUser = `INSERT INTO users (fence, free_at, released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note,
			lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines, last_code_at,
			user_id, created_at, project_id, env, domain, pool_id, login, password, sealing_key, labels, label_set_id)
		VALUES (?, ?, nullif(?, 0), ?, ?, ?, nullif(?, ''), nullif(?, ''), nullif(?, 0), nullif(?, 0), nullif(?, ''), nullif(?, 0), ?,
			?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
)

const (
	// expiredUsers is in the order of expiry.
	expiredUsers = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.lock_expires_at <= ? ORDER BY u.lock_expires_at LIMIT ?`
	nextExpiry   = `SELECT coalesce(min(lock_expires_at), 0) FROM users WHERE lock_expires_at > ?`

	addEvent = `INSERT INTO events (at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, '00000000-0000-0000-0000-000000000000'))`

	findCall = `SELECT request, outcome FROM calls WHERE key = ? AND called_at >= ?`
	addCall  = `INSERT OR REPLACE INTO calls (key, request, outcome, called_at) VALUES (?, ?, ?, ?)`
)

// hotStatements are prepared when the database is opened.
var hotStatements = []string{
	userByID, usersByLease, freeInPool, freeInLabelSet, anyInPool, anyInLabelSet, moveUser, removeUser, rememberEnded, projectsOf, mergeEnded,
	expiredUsers, nextExpiry, addEvent, findCall, addCall, poolOfUser, changeAccount, findPool, addPool, findLabelSet, addLabelSet, addUser,
}

// circulation returns the first arguments of moveUser and addUser.
func circulation(c bunstore.Circulation) []any {
	return []any{
		c.Fence, c.FreeAt, c.ReleasedAt, c.LockLease.Bytes(), c.LockPosition, c.LockSize, c.LockOwner, c.LockNote,
		c.LockAcquiredAt, c.LockExpiresAt, c.QuarantineReason, c.QuarantinedAt,
		c.LockQuarantines, c.LastCodeAt,
	}
}
