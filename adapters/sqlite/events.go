package sqlite

import (
	"context"
	"database/sql"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

const addEvent = `INSERT INTO events
	(at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, waited, changed, held, want, name, key_id, about_key_id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''),
		nullif(?, '00000000-0000-0000-0000-000000000000'), nullif(?, '00000000-0000-0000-0000-000000000000'))`

func (tx *transaction) addEvents(events []domain.Event) error {
	for _, e := range events {
		if _, err := tx.exec(addEvent, eventColumns(e, tx.now)...); err != nil {
			return err
		}
	}
	return nil
}

// addEventsIn is [bunstore.Dialect.AddEvents].
func addEventsIn(ctx context.Context, tx *sql.Tx, at int64, events []domain.Event) error {
	for _, e := range events {
		if _, err := tx.ExecContext(ctx, addEvent, eventColumns(e, at)...); err != nil {
			return err
		}
	}
	return nil
}

// eventColumns returns the arguments of addEvent.
func eventColumns(e domain.Event, at int64) []any {
	return []any{
		at, string(e.Kind), e.UserID.String(), e.Login, e.Pool.ProjectID.String(), e.Pool.Env, e.Pool.Domain, e.Owner, e.Note,
		int64(e.Fence), e.Reason, e.Waited.Microseconds(), e.Changed.String(), //nolint:gosec // counts locks
		e.Held.Microseconds(), bunstore.EncodeEventWant(e), e.Name, e.Key.String(), e.About.String(),
	}
}
