package postgres

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// numberEvents are the statements before addEvents. They draw the number of the transaction's events, when it holds all rows that
// it is about. A transaction that changed one of these rows before has committed, and drew a lower number; so the events of a
// user are in the order in which its row was locked. The id of the transaction would not do: it has that since its first row.
//
// After the savepoint, the transaction writes with another id, which is higher than those of all that drew lower numbers.
var numberEvents = []string{"SELECT nextval('event_numbers')", "SAVEPOINT events"}

const addEvents = `INSERT INTO events (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, waited, changed, held, want,
		about_key_id, name)
	SELECT (currval('event_numbers') << 20) + n.place, $1, n.kind, n.user_id, n.login, n.project_id,
		n.env, n.domain, n.owner, n.note, n.fence, n.reason, nullif(n.key_id, '00000000-0000-0000-0000-000000000000'), n.waited, n.changed,
		n.held, n.want, nullif(n.about_key_id, '00000000-0000-0000-0000-000000000000'), nullif(n.name, '')
	FROM unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::bigint[], $11::text[], $12::uuid[], $13::bigint[], $14::text[], $15::bigint[], $16::text[], $17::uuid[], $18::text[]) WITH ORDINALITY
		AS n (kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, waited, changed, held, want, about_key_id, name,
			place)`

// settled is the condition for events e before which no event is still to be written. These are the events up to the latest
// one that was written with an older id than any transaction under way has: what drew a lower number has ended. The oldest
// transaction under way may be one of another database that takes hours. Ours take seconds, so events of a minute ago are
// settled in any case, and there is no need to look at more than the latest events.
const settled = "e.event_id <= greatest(" +
	"(SELECT x.event_id FROM (SELECT l.event_id, l.xmin AS written FROM events l ORDER BY l.event_id DESC LIMIT 10000) x " +
	"WHERE age(x.written) > age(pg_snapshot_xmin(pg_current_snapshot())::xid) ORDER BY x.event_id DESC LIMIT 1), " +
	minuteOld + ")"

// minuteOld is an id up to which all events were written more than a minute ago. It halves the range of the ids until it has
// found that: times are nearly in the order of ids, so they need no index, which every acquire and every release would write to.
const minuteOld = "(WITH RECURSIVE ids (low, high) AS (" +
	"SELECT coalesce(min(event_id), 1) - 1, coalesce(max(event_id), 0) + 1 FROM events " +
	"UNION ALL SELECT CASE WHEN n.old THEN n.middle ELSE i.low END, CASE WHEN n.old THEN i.high ELSE n.middle END " +
	"FROM (SELECT low, high, low + (high - low) / 2 AS middle FROM ids WHERE low + 1 < high) i CROSS JOIN LATERAL (" +
	"SELECT i.middle, l.at < (SELECT " + clock + ") - 60000000 AS old FROM events l WHERE l.event_id >= i.middle ORDER BY l.event_id LIMIT 1) n" +
	") SELECT max(low) FROM ids)"

// raiseNumbers keeps new events behind those that are there. A database may have got these from another server, and the
// numbers not: logical replication leaves sequences out.
const raiseNumbers = `SELECT setval('event_numbers', last.number)
	FROM (SELECT max(event_id) >> 20 AS number FROM events) last, event_numbers n
	WHERE last.number > n.last_value OR last.number = n.last_value AND NOT n.is_called`

// continueHistory makes the history of a database go on that came from another server.
func continueHistory(ctx context.Context, db *bun.DB) error {
	_, err := db.ExecContext(ctx, raiseNumbers)
	return err
}

// addEvents adds the statement that records events.
func (e *exchange) addEvents(events []domain.Event, at int64) {
	for _, sql := range numberEvents {
		e.run(sql)
	}
	e.run(addEvents, eventColumns(events, at)...)
}

// addEventsIn is [bunstore.Dialect.AddEvents].
func addEventsIn(ctx context.Context, tx *sql.Tx, at int64, events []domain.Event) error {
	for _, sql := range numberEvents {
		if _, err := tx.ExecContext(ctx, sql); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, addEvents, append([]any{pgx.QueryExecModeDescribeExec}, eventColumns(events, at)...)...)
	return err
}

// eventColumns returns the arguments of addEvents.
func eventColumns(events []domain.Event, at int64) []any {
	n := len(events)
	kinds, logins, envs, domains := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	owners, notes, reasons, changed := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	names := make([]string, n)
	users, projects, byKeys, aboutKeys := make([][16]byte, n), make([][16]byte, n), make([][16]byte, n), make([][16]byte, n)
	fences, waited, held := make([]int64, n), make([]int64, n), make([]int64, n)
	wants := make([]*string, n)
	for i, event := range events {
		kinds[i], logins[i], envs[i], domains[i] = string(event.Kind), event.Login, event.Pool.Env, event.Pool.Domain
		owners[i], notes[i], reasons[i] = event.Owner, event.Note, event.Reason
		users[i], projects[i], byKeys[i] = event.UserID, event.Pool.ProjectID, event.Key
		fences[i] = int64(event.Fence) //nolint:gosec // counts locks
		waited[i], changed[i] = event.Waited.Microseconds(), event.Changed.String()
		held[i], wants[i] = event.Held.Microseconds(), bunstore.EncodeEventWant(event)
		aboutKeys[i], names[i] = event.About, event.Name
	}
	return []any{
		at, kinds, users, logins, projects, envs, domains, owners, notes, fences, reasons, byKeys, waited, changed, held, wants, aboutKeys, names,
	}
}
