package postgres

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// clock is the time of the store's clock. Not now(), which is when the transaction began: a user that was released since
// would look held. Unqualified, so that a test can put a clock of its own in front of PostgreSQL's.
const clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// columns are what a query for users answers with: where the row is, and what is in it.
const columns = `u.ctid, ` + bunstore.Columns

const (
	keepUsers  = `SELECT ` + columns + ` FROM users u WHERE u.user_id = ANY ($1::uuid[]) FOR UPDATE OF u SKIP LOCKED`
	keepLeases = `SELECT ` + columns + ` FROM users u WHERE u.lock_lease = ANY ($1::bytea[]) FOR UPDATE OF u SKIP LOCKED`

	// awaitTargets waits for rows in one order, so that no two transactions wait for each other.
	awaitTargets = `SELECT ` + columns + ` FROM users u WHERE u.user_id IN (
		SELECT unnest($1::uuid[]) UNION SELECT l.user_id FROM users l WHERE l.lock_lease = ANY ($2::bytea[]))
		ORDER BY u.user_id FOR UPDATE OF u`
)

// searchFree is a query for the most rested free users that a selector matches, which keeps them and leaves out those
// that others keep. For a selector that leaves fields of the pool open, or has labels, it keeps up to limit users of each
// pool, or set of labels, that fits.
//
// It begins where the longest rested one is known to be; see [lowWater].
func searchFree(want domain.Selector, limit int, from mark) (sql string, args []any) {
	p := parts(want)
	sql = `SELECT ` + columns + ` FROM ` + p.from + ` CROSS JOIN LATERAL (
			SELECT c.ctid, * FROM users c WHERE ` + p.join + `
			AND (c.free_at, c.user_id) >= (` + p.arg(from.freeAt) + `, ` + p.arg(from.userID) + `) AND c.free_at <= (SELECT ` + clock + `)
			ORDER BY c.free_at, c.user_id LIMIT ` + p.arg(limit) + ` FOR UPDATE OF c SKIP LOCKED
		) u` + p.where() + ` ORDER BY u.free_at, u.user_id LIMIT ` + p.arg(limit)
	return sql, p.args
}

// searchCommitted is a query for users that a selector matches by what is committed: some of those that are free, the most
// rested first, and some in whatever state. As one statement, it sees one moment.
func searchCommitted(want domain.Selector, free, whatever int) (sql string, args []any) {
	if !want.UserID.IsZero() {
		return `SELECT ` + columns + ` FROM users u WHERE u.user_id = $1`, []any{[16]byte(want.UserID)}
	}
	p := parts(want)
	some := `(SELECT ` + columns + ` FROM ` + p.from + ` CROSS JOIN LATERAL (
			SELECT c.ctid, * FROM users c WHERE ` + p.join
	sql = some + ` AND c.free_at <= (SELECT ` + clock + `) ORDER BY c.free_at, c.user_id LIMIT ` + p.arg(free) + `
		) u` + p.where() + ` ORDER BY u.free_at, u.user_id LIMIT ` + p.arg(free) + `)
		UNION ALL ` + some + ` ORDER BY c.free_at, c.user_id LIMIT ` + p.arg(whatever) + `) u` + p.where() + ` LIMIT ` + p.arg(whatever) + `)`
	return sql, p.args
}

// searchParts are what the searches for a selector have in common: they go from the pools, or the sets of labels, that the
// selector matches to the users of each, by an index that has these in the order of their rest.
type searchParts struct {
	from, join string
	conditions []string
	args       []any
}

func parts(want domain.Selector) *searchParts {
	p := &searchParts{from: `pools p`, join: `c.pool_id = p.pool_id`}
	if len(want.Labels) > 0 {
		labels, _ := json.Marshal(want.Labels) // a map of texts always encodes
		p.from, p.join = `pools p JOIN label_sets s USING (pool_id)`, `c.label_set_id = s.label_set_id`
		p.conditions = append(p.conditions, `s.labels @> `+p.arg(string(labels))+`::jsonb`)
	}
	if !want.ProjectID.IsZero() {
		p.conditions = append(p.conditions, `p.project_id = `+p.arg([16]byte(want.ProjectID)))
	}
	if want.Scope().Limited {
		p.conditions = append(p.conditions, `p.project_id = ANY (`+p.arg(projects(want.Scope()))+`::uuid[])`)
	}
	if want.Env != "" {
		p.conditions = append(p.conditions, `p.env = `+p.arg(want.Env))
	}
	if want.Domain != "" {
		p.conditions = append(p.conditions, `p.domain = `+p.arg(want.Domain))
	}
	return p
}

func projects(scope domain.Scope) [][16]byte {
	ids := make([][16]byte, len(scope.Projects))
	for i, project := range scope.Projects {
		ids[i] = project
	}
	return ids
}

// arg adds an argument and returns its placeholder.
func (p *searchParts) arg(value any) string {
	p.args = append(p.args, value)
	return fmt.Sprintf("$%d", len(p.args))
}

func (p *searchParts) where() string {
	if len(p.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(p.conditions, " AND ")
}

// moveUsers writes what became of users that the transaction keeps. As it keeps them, it knows where their rows are and
// needs no index to find them. Zeros stand for NULL.
const moveUsers = `UPDATE users u SET
		fence = m.fence, free_at = m.free_at, released_at = nullif(m.released_at, 0),
		lock_lease = m.lock_lease, lock_position = m.lock_position, lock_size = m.lock_size,
		lock_owner = nullif(m.lock_owner, ''), lock_note = nullif(m.lock_note, ''),
		lock_acquired_at = nullif(m.lock_acquired_at, 0), lock_expires_at = nullif(m.lock_expires_at, 0),
		quarantine_reason = nullif(m.quarantine_reason, ''), quarantined_at = nullif(m.quarantined_at, 0),
		lock_quarantines = m.lock_quarantines, last_code_at = m.last_code_at
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::integer[], $6::integer[], $7::text[], $8::text[],
		$9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::bigint[], $15::tid[]) AS m (fence, free_at, released_at, lock_lease,
		lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines,
		last_code_at, place)
	WHERE u.ctid = m.place`

// circulations returns the first arguments of moveUsers and addUsers.
func circulations(all []bunstore.Circulation) []any {
	n := len(all)
	leases, positions, sizes := make([][]byte, n), make([]int32, n), make([]int32, n)
	fences, frees, releases := make([]int64, n), make([]int64, n), make([]int64, n)
	acquired, expires, quarantined := make([]int64, n), make([]int64, n), make([]int64, n)
	owners, notes, reasons := make([]string, n), make([]string, n), make([]string, n)
	quarantines, codes := make([]bool, n), make([]int64, n)
	for i, c := range all {
		leases[i], positions[i], sizes[i] = c.LockLease.Bytes(), int32(c.LockPosition), int32(c.LockSize) //nolint:gosec // up to 32
		fences[i], frees[i], releases[i] = c.Fence, c.FreeAt, c.ReleasedAt
		acquired[i], expires[i], quarantined[i] = c.LockAcquiredAt, c.LockExpiresAt, c.QuarantinedAt
		owners[i], notes[i], reasons[i] = c.LockOwner, c.LockNote, c.QuarantineReason
		quarantines[i], codes[i] = c.LockQuarantines, c.LastCodeAt
	}
	return []any{fences, frees, releases, leases, positions, sizes, owners, notes, acquired, expires, reasons, quarantined, quarantines, codes}
}

const removeUsers = `DELETE FROM users WHERE user_id = ANY ($1::uuid[])`

const rememberEnded = `INSERT INTO ended_leases (lease, projects, ended_at) SELECT unnest($1::bigint[]), unnest($2::bytea[]), $3`

func ended(all []bunstore.EndedLease) (leases []int64, projects [][]byte) {
	for _, e := range all {
		leases, projects = append(leases, e.Key), append(projects, e.Projects)
	}
	return leases, projects
}

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

func accounts(changed []bunstore.Account) (ids [][16]byte, passwords [][]byte, keys, labels []string) {
	for _, a := range changed {
		ids, labels = append(ids, a.UserID), append(labels, string(a.Labels))
		passwords, keys = append(passwords, a.Password), append(keys, a.SealingKey)
	}
	return ids, passwords, keys, labels
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

	addUsers = `INSERT INTO users (user_id, created_at, project_id, env, domain, pool_id, login, password, sealing_key, labels,
			label_set_id, fence, free_at, released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note,
			lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines, last_code_at)
		SELECT n.user_id, n.created_at, n.project_id, n.env, n.domain, p.pool_id, n.login, n.password, n.sealing_key, n.labels,
			` + labelSet + `, n.fence, n.free_at, nullif(n.released_at, 0), n.lock_lease, n.lock_position, n.lock_size,
			nullif(n.lock_owner, ''), nullif(n.lock_note, ''), nullif(n.lock_acquired_at, 0), nullif(n.lock_expires_at, 0),
			nullif(n.quarantine_reason, ''), nullif(n.quarantined_at, 0), n.lock_quarantines, n.last_code_at
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::integer[], $6::integer[], $7::text[],
			$8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::bigint[], $15::uuid[],
			$16::bigint[], $17::uuid[], $18::text[], $19::text[], $20::text[], $21::bytea[], $22::text[], $23::jsonb[]) AS n (fence, free_at, released_at, lock_lease,
			lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines,
			last_code_at, user_id, created_at, project_id, env, domain, login, password, sealing_key, labels)
		JOIN pools p ON (p.project_id, p.env, p.domain) = (n.project_id, n.env, n.domain)
		ORDER BY n.project_id, n.env, n.login ON CONFLICT DO NOTHING RETURNING user_id`
)

// addition is a column each of the users that are added.
type addition struct {
	circulations                  []bunstore.Circulation
	ids                           [][16]byte
	createdAt                     []int64
	projects                      [][16]byte
	envs, domains, logins, labels []string
	keys                          []string
	passwords                     [][]byte
}

func additions(rows []bunstore.Addition) *addition {
	a := new(addition)
	for _, r := range rows {
		a.circulations, a.ids = append(a.circulations, r.Circulation), append(a.ids, r.UserID)
		a.createdAt = append(a.createdAt, r.CreatedAt)
		a.projects = append(a.projects, r.ProjectID)
		a.envs, a.domains, a.logins = append(a.envs, r.Env), append(a.domains, r.Domain), append(a.logins, r.Login)
		a.passwords, a.keys = append(a.passwords, r.Password), append(a.keys, r.SealingKey)
		a.labels = append(a.labels, string(r.Labels))
	}
	return a
}

// arguments returns those of addUsers.
func (a *addition) arguments() []any {
	return append(circulations(a.circulations), a.ids, a.createdAt, a.projects, a.envs, a.domains, a.logins, a.passwords, a.keys, a.labels)
}
