package postgres

import "github.com/userfarm/userfarm/adapters/bunstore"

const (
	saveSessions = `INSERT INTO sessions (user_id, session, sealing_key, saved_at, expires_at)
		SELECT n.user_id, n.session, n.sealing_key, n.saved_at, nullif(n.expires_at, 0)
		FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[]) AS n (user_id, session, sealing_key, saved_at, expires_at)
		ON CONFLICT (user_id) DO UPDATE SET session = excluded.session, sealing_key = excluded.sealing_key,
			saved_at = excluded.saved_at, expires_at = excluded.expires_at`

	dropSessions = `DELETE FROM sessions WHERE user_id = ANY ($1::uuid[])`

	noteSessions = `UPDATE users u SET session_saved_at = n.saved_at, session_expires_at = n.expires_at
		FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (user_id, saved_at, expires_at) WHERE u.user_id = n.user_id`
)

// moveSessions adds the statements that write the sessions of users, or drop them.
func (e *exchange) moveSessions(sessions []bunstore.SavedSession) {
	var users, saved, dropped [][16]byte
	var texts [][]byte
	var keys []string
	var savedAt, expiresAt, notedAt, notedUntil []int64
	for _, s := range sessions {
		users, notedAt, notedUntil = append(users, s.UserID), append(notedAt, s.SavedAt), append(notedUntil, s.ExpiresAt)
		if s.SavedAt == 0 {
			dropped = append(dropped, s.UserID)
			continue
		}
		saved, texts, keys = append(saved, s.UserID), append(texts, s.Session), append(keys, s.SealingKey)
		savedAt, expiresAt = append(savedAt, s.SavedAt), append(expiresAt, s.ExpiresAt)
	}
	if len(saved) > 0 {
		e.run(saveSessions, saved, texts, keys, savedAt, expiresAt)
	}
	if len(dropped) > 0 {
		e.run(dropSessions, dropped)
	}
	e.write(len(users), noteSessions, users, notedAt, notedUntil)
}
