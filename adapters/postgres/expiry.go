package postgres

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

var (
	// expiredUsers is in the order of expiry.
	expiredUsers = `SELECT ` + columns + ` FROM users u WHERE ` + at(expired, `(SELECT `+clock+`)`) + `
		ORDER BY u.lock_expires_at LIMIT $1`
	holdExpired = expiredUsers + ` FOR UPDATE OF u SKIP LOCKED`

	nextExpiry = `SELECT coalesce(min(u.lock_expires_at), 0) FROM users u WHERE ` + at(expires, `(SELECT `+clock+`)`)
)

// expiry adds the statements that find the users whose locks have expired, and when the next lock expires.
func (tx *transaction) expiry(e *exchange, ask bunstore.Ask, found *bunstore.Found) {
	if ask.Expired > 0 {
		tx.hold(e, &found.Expired, holdExpired, ask.Expired)
	}
	if ask.FreeByTime > 0 {
		e.rows(expiredUsers, []any{ask.FreeByTime}, func(r bunstore.Row, _ pgtype.TID) { found.FreeByTime = append(found.FreeByTime, r) })
	}
	e.value(nextExpiry, &found.NextExpiry)
}
