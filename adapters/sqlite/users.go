package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

const (
	userByID     = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.user_id = ?`
	usersByLease = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.lock_lease = ?`
)

// Zeros stand for NULL; see circulation.
const (
	moveUser = `UPDATE users SET fence = ?, free_at = ?, released_at = nullif(?, 0), lock_lease = ?, lock_position = ?, lock_size = ?,
		lock_owner = nullif(?, ''), lock_note = nullif(?, ''), lock_acquired_at = nullif(?, 0), lock_expires_at = nullif(?, 0),
		quarantine_reason = nullif(?, ''), quarantined_at = nullif(?, 0), lock_quarantines = ?, last_code_at = ?, lock_renewals = ? WHERE user_id = ?`

	accountOfUser = `SELECT project_id, env, login_key FROM users WHERE user_id = ?`
	removeUser    = `DELETE FROM users WHERE user_id = ?`

	// firstOfAccount does nothing unless the user was removed that was the first.
	firstOfAccount = `UPDATE users SET duplicate = 0 WHERE user_id = (
		SELECT user_id FROM users WHERE project_id = ? AND env = ? AND login_key = ? ORDER BY duplicate LIMIT 1) AND duplicate > 0`

	poolOfUser    = `SELECT pool_id FROM users WHERE user_id = ?`
	changeAccount = `UPDATE users SET password = ?, sealing_key = ?, labels = ?, label_set_id = ? WHERE user_id = ?`

	findPool     = `SELECT pool_id FROM pools WHERE project_id = ? AND env = ? AND domain = ?`
	addPool      = `INSERT INTO pools (project_id, env, domain) VALUES (?, ?, ?) RETURNING pool_id`
	findLabelSet = `SELECT label_set_id FROM label_sets WHERE pool_id = ? AND labels = ?`
	addLabelSet  = `INSERT INTO label_sets (pool_id, labels) VALUES (?, ?) RETURNING label_set_id`
)

var addUser = newInsertion(`INSERT INTO users (fence, free_at, released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note,
			lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at, lock_quarantines, last_code_at, lock_renewals,
			user_id, created_at, project_id, env, domain, pool_id, login, login_key, password, sealing_key, labels, label_set_id)`,
	`(?, ?, nullif(?, 0), ?, ?, ?, nullif(?, ''), nullif(?, ''), nullif(?, 0), nullif(?, 0), nullif(?, ''), nullif(?, 0), ?,
			?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, " ON CONFLICT DO NOTHING")

// circulation returns the first arguments of moveUser and addUser.
func circulation(c bunstore.Circulation) []any {
	return []any{
		c.Fence, c.FreeAt, c.ReleasedAt, c.LockLease.Bytes(), c.LockPosition, c.LockSize, c.LockOwner, c.LockNote,
		c.LockAcquiredAt, c.LockExpiresAt, c.QuarantineReason, c.QuarantinedAt,
		c.LockQuarantines, c.LastCodeAt, c.LockRenewals,
	}
}

// writeUsers writes what became of users, and returns which were added.
func (tx *transaction) writeUsers(changes bunstore.Changes) (added map[domain.UserID]bool, err error) {
	for _, m := range changes.Moved {
		if err := tx.mustChange(moveUser, append(circulation(m.Circulation), uuid.UUID(m.UserID).String())...); err != nil {
			return nil, err
		}
	}
	for _, id := range changes.Removed {
		if err := tx.remove(id.String()); err != nil {
			return nil, err
		}
	}
	for _, account := range changes.Accounts {
		if err := tx.changeAccount(account); err != nil {
			return nil, err
		}
	}
	for _, session := range changes.Sessions {
		if err := tx.moveSession(session); err != nil {
			return nil, err
		}
	}
	return tx.add(changes.Rows, changes.Together)
}

// remove removes a user, and lets its oldest duplicate be the account.
func (tx *transaction) remove(id string) error {
	var project, env string
	var loginKey []byte
	if err := tx.row(accountOfUser, []any{id}, &project, &env, &loginKey); err != nil {
		return err
	}
	if err := tx.mustChange(removeUser, id); err != nil {
		return err
	}
	if _, err := tx.exec(dropSession, id); err != nil {
		return err
	}
	_, err := tx.exec(firstOfAccount, project, env, loginKey)
	return err
}

func (tx *transaction) changeAccount(a bunstore.Account) error {
	id := uuid.UUID(a.UserID).String()
	var pool int64
	if err := tx.value(&pool, poolOfUser, id); err != nil {
		return err
	}
	set, err := tx.labelSet(pool, string(a.Labels))
	if err != nil {
		return err
	}
	return tx.mustChange(changeAccount, a.Password, a.SealingKey, string(a.Labels), set, id)
}

// add returns which users were added, and not there already. Together, it returns all or none.
func (tx *transaction) add(users []bunstore.Row, together bool) (added map[domain.UserID]bool, err error) {
	size := 1
	if together {
		size = max(len(users), 1)
	}
	added = make(map[domain.UserID]bool, len(users))
	for part := range slices.Chunk(users, size) {
		rows := make([][]any, len(part))
		for i, u := range part {
			if rows[i], err = tx.userColumns(u); err != nil {
				return nil, err
			}
		}
		n, err := tx.insert(addUser, rows)
		if err != nil {
			return nil, err
		}
		if n == int64(len(part)) {
			for _, u := range part {
				added[u.UserID] = true
			}
		}
	}
	return added, nil
}

// userColumns returns the arguments of addUser.
func (tx *transaction) userColumns(r bunstore.Row) ([]any, error) {
	project := uuid.UUID(r.ProjectID).String()
	pool, err := tx.keyOf(findPool, addPool, project, r.Env, r.Domain)
	if err != nil {
		return nil, err
	}
	set, err := tx.labelSet(pool, string(r.Labels))
	if err != nil {
		return nil, err
	}
	return append(circulation(r.Circulation), uuid.UUID(r.UserID).String(), r.CreatedAt, project, r.Env,
		r.Domain, pool, r.Login, r.LoginKey, r.Password, r.SealingKey, string(r.Labels), set), nil
}

// labelSet returns the key of a set of labels, which it adds if it has to: NULL for none.
func (tx *transaction) labelSet(pool int64, labels string) (sql.NullInt64, error) {
	if labels == "{}" {
		return sql.NullInt64{}, nil
	}
	key, err := tx.keyOf(findLabelSet, addLabelSet, pool, labels)
	return sql.NullInt64{Int64: key, Valid: true}, err
}

// keyOf returns the key of a row, which it adds if it has to. An import adds many users with few pools and sets of labels, so the
// transaction remembers the keys.
func (tx *transaction) keyOf(find, add string, of ...any) (key int64, err error) {
	row := fmt.Sprintf("%s%q", find, of)
	key, known := tx.keys[row]
	if known {
		return key, nil
	}
	err = tx.value(&key, find, of...)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.value(&key, add, of...)
	}
	if err == nil {
		tx.keys[row] = key
	}
	return key, err
}
