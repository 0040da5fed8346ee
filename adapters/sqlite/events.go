package sqlite

import "github.com/userfarm/userfarm/domain"

const addEvent = `INSERT INTO events (at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, '00000000-0000-0000-0000-000000000000'))`

func (tx *transaction) addEvents(events []domain.Event) error {
	for _, e := range events {
		_, err := tx.exec(addEvent, tx.now, string(e.Kind), e.UserID.String(), e.Login, e.Pool.ProjectID.String(), e.Pool.Env,
			e.Pool.Domain, e.Owner, e.Note, int64(e.Fence), e.Reason, e.Key.String()) //nolint:gosec // counts locks
		if err != nil {
			return err
		}
	}
	return nil
}
