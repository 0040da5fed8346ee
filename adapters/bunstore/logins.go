package bunstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
)

// Logins says how a farm compares logins.
type Logins struct {
	Rule login.Rule

	// Report is told which users are in quarantine now because they are the same account as an older user: their number, and
	// up to [MostReported] of them. It may be nil.
	Report func(number int, some []Duplicate)
}

// MostReported is how many duplicates are reported by name.
const MostReported = 20

// Duplicate is a user that is the same account as an older user.
type Duplicate struct {
	User, Older domain.UserID
	Login       string
}

// ErrOtherRule says that another process has the keys of the logins computed by another rule, so that this one can't tell
// whether a login is taken.
var ErrOtherRule = errors.New("another farm on this database was started with another setting of how logins are compared; " +
	"start all with the same one")

// loginKey is the same for logins that are one account. A hash has the same size for all logins, and every lock writes an
// entry to the index that it is in. 16 bytes are enough for equality by chance never to happen.
func loginKey(rule login.Rule, text string) []byte {
	digest := sha256.Sum256([]byte(rule.Key(text)))
	return digest[:16]
}

// loginsAtOnce is how many logins are in memory while the keys of all are computed.
const loginsAtOnce = 1000

// KeyLogins computes the keys of all logins by a rule, unless they were computed by it before. Of users that are the same
// account by this rule and not by the one before, all but the oldest go into quarantine. All of it is one transaction. The caller must
// keep other processes from doing the same at the same time. Farms that serve meanwhile wait.
func KeyLogins(ctx context.Context, db *bun.DB, dialect Dialect, logins Logins) error {
	var before string
	if err := db.NewSelect().Table("login_rule").Column("rule").Scan(ctx, &before); err != nil {
		return err
	}
	if before == logins.Rule.String() {
		return nil
	}
	var found duplicates
	err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		keying := keying{tx: tx, dialect: dialect, rule: logins.Rule}
		var err error
		found, err = keying.run(ctx)
		return err
	})
	if err == nil && found.number > 0 && logins.Report != nil {
		logins.Report(found.number, found.some)
	}
	return err
}

type keying struct {
	tx      bun.Tx
	dialect Dialect
	rule    login.Rule
}

type duplicates struct {
	number int
	some   []Duplicate
}

const (
	// dropIndex also keeps other farms from adding users until the transaction ends.
	dropIndex = `DROP INDEX users_login_key`
	makeIndex = `CREATE UNIQUE INDEX users_login_key ON users (project_id, env, login_key, duplicate)`

	// numberDuplicates numbers the users of each account by age. The number of a new duplicate is negative until it is in
	// quarantine.
	numberDuplicates = `UPDATE users AS u SET duplicate = CASE WHEN u.duplicate = 0 THEN -n.place ELSE n.place END
		FROM (SELECT user_id, row_number() OVER (PARTITION BY project_id, env, login_key ORDER BY created_at, user_id) - 1 AS place
			FROM users) AS n
		WHERE n.user_id = u.user_id AND n.place <> u.duplicate`
)

func (k keying) run(ctx context.Context) (found duplicates, err error) {
	if _, err := k.tx.ExecContext(ctx, dropIndex); err != nil {
		return found, err
	}
	if err := k.computeKeys(ctx); err != nil {
		return found, err
	}
	for _, statement := range []string{numberDuplicates, makeIndex} {
		if _, err := k.tx.ExecContext(ctx, statement); err != nil {
			return found, err
		}
	}
	if found, err = k.quarantineDuplicates(ctx); err != nil {
		return found, err
	}
	_, err = k.tx.NewUpdate().Table("login_rule").Set("rule = ?", k.rule.String()).Where("true").Exec(ctx)
	return found, err
}

// keyedLogin is the part of a row that computing keys is about.
type keyedLogin struct {
	UserID   uuid.UUID `bun:"type:uuid"`
	Login    string    `bun:"-"`
	LoginKey []byte    `bun:"type:bytea"`
}

func (k keying) computeKeys(ctx context.Context) error {
	for last := (uuid.UUID{}); ; {
		logins, err := k.loginsAfter(ctx, last)
		if err != nil || len(logins) == 0 {
			return err
		}
		last = logins[len(logins)-1].UserID
		var changed []keyedLogin
		for _, l := range logins {
			if key := loginKey(k.rule, l.Login); !bytes.Equal(key, l.LoginKey) {
				changed = append(changed, keyedLogin{UserID: l.UserID, LoginKey: key})
			}
		}
		if len(changed) == 0 {
			continue
		}
		_, err = k.tx.NewUpdate().With("k", k.tx.NewValues(&changed)).Table("users", "k").
			Set("login_key = k.login_key").Where("users.user_id = k.user_id").Exec(ctx)
		if err != nil {
			return err
		}
	}
}

// loginsAfter returns the next logins, in the order of their users' ids.
func (k keying) loginsAfter(ctx context.Context, last uuid.UUID) (logins []keyedLogin, err error) {
	rows, err := k.tx.NewSelect().Table("users").Column("user_id", "login", "login_key").
		Where("user_id > ?", last.String()).Order("user_id").Limit(loginsAtOnce).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l keyedLogin
		if err := rows.Scan(&l.UserID, &l.Login, &l.LoginKey); err != nil {
			return nil, err
		}
		logins = append(logins, l)
	}
	return logins, rows.Err()
}

// quarantineDuplicates puts the new duplicates into quarantine, also those whose secrets can't be read.
func (k keying) quarantineDuplicates(ctx context.Context) (found duplicates, err error) {
	for last := (domain.UserID{}); ; {
		search, err := users(k.tx).Where("u.user_id > ?", last.String()).Where("u.duplicate < 0").Order("u.user_id").Limit(loginsAtOnce).Rows(ctx)
		if err != nil {
			return found, err
		}
		rows, err := Scan(search)
		if err != nil || len(rows) == 0 {
			return found, err
		}
		var now int64
		if err := k.tx.NewSelect().ColumnExpr("?", k.dialect.Clock()).Scan(ctx, &now); err != nil {
			return found, err
		}
		var events []domain.Event
		for _, row := range rows {
			last = row.UserID
			user, older, err := k.quarantine(ctx, row, now)
			if err != nil {
				return found, err
			}
			events = append(events, user.Events()...)
			if found.number++; found.number <= MostReported {
				found.some = append(found.some, Duplicate{User: last, Older: older, Login: row.Login})
			}
		}
		if err := k.dialect.AddEvents(ctx, k.tx.Tx, now, events); err != nil {
			return found, err
		}
	}
}

// quarantine puts a duplicate into quarantine. older is the user that is the same account.
func (k keying) quarantine(ctx context.Context, row Row, now int64) (user *domain.User, older domain.UserID, err error) {
	id := domain.UserID(row.UserID).String()
	var first uuid.UUID
	err = k.tx.NewSelect().TableExpr("users AS u").ColumnExpr("o.user_id").
		Join("JOIN users AS o ON (o.project_id, o.env, o.login_key, o.duplicate) = (u.project_id, u.env, u.login_key, 0)").
		Where("u.user_id = ?", id).Scan(ctx, &first)
	if err != nil {
		return nil, older, err
	}
	if user, err = row.restoreBare(); err != nil {
		return nil, older, fmt.Errorf("user %s: %w", id, err)
	}
	older = domain.UserID(first)
	user.MarkDuplicate(instant(now), older)
	c := circulationOf(user)
	_, err = k.tx.NewUpdate().Table("users").Set("duplicate = -duplicate").Set("free_at = ?", c.FreeAt).
		Set("quarantine_reason = ?", c.QuarantineReason).Set("quarantined_at = ?", c.QuarantinedAt).Where("user_id = ?", id).Exec(ctx)
	return user, older, err
}
