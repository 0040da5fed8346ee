package sqlite

import (
	"context"
	"database/sql"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

var addEvent = newInsertion(`INSERT INTO events
	(at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, waited, changed, held, want, name, key_id, about_key_id)`,
	`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''),
		nullif(?, '00000000-0000-0000-0000-000000000000'), nullif(?, '00000000-0000-0000-0000-000000000000'))`, "")

func (tx *transaction) addEvents(events []domain.Event) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = eventColumns(e, tx.now)
	}
	_, err := tx.insert(addEvent, rows)
	return err
}

// addEventsIn is [bunstore.Dialect.AddEvents].
func addEventsIn(ctx context.Context, tx *sql.Tx, at int64, events []domain.Event) error {
	for _, e := range events {
		if _, err := tx.ExecContext(ctx, addEvent.one, eventColumns(e, at)...); err != nil {
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
