package sqlite

import (
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

const (
	saveSession = `INSERT OR REPLACE INTO sessions (user_id, session, sealing_key, saved_at, expires_at) VALUES (?, ?, ?, ?, nullif(?, 0))`
	dropSession = `DELETE FROM sessions WHERE user_id = ?`
	noteSession = `UPDATE users SET session_saved_at = ?, session_expires_at = ? WHERE user_id = ?`
)

// moveSession writes the session of a user, or drops it.
func (tx *transaction) moveSession(s bunstore.SavedSession) (err error) {
	id := uuid.UUID(s.UserID).String()
	if s.SavedAt != 0 {
		_, err = tx.exec(saveSession, id, s.Session, s.SealingKey, s.SavedAt, s.ExpiresAt)
	} else {
		_, err = tx.exec(dropSession, id)
	}
	if err != nil {
		return err
	}
	return tx.mustChange(noteSession, s.SavedAt, s.ExpiresAt, id)
}
