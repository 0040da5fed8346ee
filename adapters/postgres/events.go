package postgres

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// addEvents numbers events by the transaction that writes them: what has a lower number than the oldest transaction that is
// under way is complete, which numbers of a sequence could not tell.
const addEvents = `INSERT INTO events (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id)
	SELECT ((h.transactions + pg_current_xact_id()::text::bigint) << 20) + $13 + n.place, $1, n.kind, n.user_id, n.login, n.project_id,
		n.env, n.domain, n.owner, n.note, n.fence, n.reason, nullif(n.key_id, '00000000-0000-0000-0000-000000000000')
	FROM history_base h, unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::bigint[], $11::text[], $12::uuid[]) WITH ORDINALITY
		AS n (kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, place)`

// settled is the condition for events e before which no event is still to be written. The oldest transaction under way may be
// one of another database that takes hours; ours take seconds, so events of a minute ago are settled in any case.
const settled = "e.event_id < greatest(" +
	"(SELECT h.transactions + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM history_base h) << 20, " +
	"(SELECT x.event_id + 1 FROM events x WHERE x.at < (SELECT " + clock + ") - 60000000 ORDER BY x.at DESC LIMIT 1))"

// raiseBase keeps new events behind those that are there, if these come from a server that had higher numbers.
const raiseBase = `UPDATE history_base SET transactions = last.transactions + 1 - pg_current_xact_id()::text::bigint
	FROM (SELECT coalesce(max(event_id), 0) >> 20 AS transactions FROM events) last
	WHERE last.transactions >= history_base.transactions + pg_current_xact_id()::text::bigint`

// continueHistory makes the history of a database that was restored from another server go on.
func continueHistory(ctx context.Context, db *bun.DB) error {
	_, err := db.ExecContext(ctx, raiseBase)
	return err
}

// addEvents adds the statement that records events.
func (e *exchange) addEvents(events []domain.Event, at int64) {
	e.run(addEvents, eventColumns(events, at, 0)...)
}

// addEventsIn is [bunstore.Dialect.AddEvents].
func addEventsIn(ctx context.Context, tx *sql.Tx, at int64, before int, events []domain.Event) error {
	_, err := tx.ExecContext(ctx, addEvents, append([]any{pgx.QueryExecModeDescribeExec}, eventColumns(events, at, before)...)...)
	return err
}

// eventColumns returns the arguments of addEvents. before is how many events the transaction has recorded already.
func eventColumns(events []domain.Event, at int64, before int) []any {
	n := len(events)
	kinds, logins, envs, domains := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	owners, notes, reasons := make([]string, n), make([]string, n), make([]string, n)
	users, projects, byKeys, fences := make([][16]byte, n), make([][16]byte, n), make([][16]byte, n), make([]int64, n)
	for i, event := range events {
		kinds[i], logins[i], envs[i], domains[i] = string(event.Kind), event.Login, event.Pool.Env, event.Pool.Domain
		owners[i], notes[i], reasons[i] = event.Owner, event.Note, event.Reason
		users[i], projects[i], byKeys[i] = event.UserID, event.Pool.ProjectID, event.Key
		fences[i] = int64(event.Fence) //nolint:gosec // counts locks
	}
	return []any{at, kinds, users, logins, projects, envs, domains, owners, notes, fences, reasons, byKeys, before}
}
