package sqlite

import "github.com/userfarm/userfarm/adapters/bunstore"

const (
	// expiredUsers is in the order of expiry.
	expiredUsers = `SELECT ` + bunstore.Columns + ` FROM users u WHERE ` + expired + ` ORDER BY u.lock_expires_at LIMIT ?`
	nextExpiry   = `SELECT coalesce(min(u.lock_expires_at), 0) FROM users u WHERE ` + expires
)

// expiry finds the users whose locks have expired, and when the next lock expires.
func (tx *transaction) expiry(ask bunstore.Ask, found *bunstore.Found) (err error) {
	if ask.Expired > 0 {
		if found.Expired, err = tx.rows(expiredUsers, tx.now, ask.Expired); err != nil {
			return err
		}
	}
	if ask.FreeByTime > 0 {
		if found.FreeByTime, err = tx.rows(expiredUsers, tx.now, ask.FreeByTime); err != nil {
			return err
		}
	}
	if ask.Turn || ask.Expired > 0 {
		err = tx.value(&found.NextExpiry, nextExpiry, tx.now)
	}
	return err
}
