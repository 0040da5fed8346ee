package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// addEvents numbers events by the transaction that writes them: what has a lower number than the oldest transaction that is
// under way is complete, which numbers of a sequence could not tell.
const addEvents = `INSERT INTO events (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id)
	SELECT ((h.transactions + pg_current_xact_id()::text::bigint) << 20) + n.place, $1, n.kind, n.user_id, n.login, n.project_id,
		n.env, n.domain, n.owner, n.note, n.fence, n.reason, nullif(n.key_id, '00000000-0000-0000-0000-000000000000')
	FROM history_base h, unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::bigint[], $11::text[], $12::uuid[]) WITH ORDINALITY
		AS n (kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, place)`

// raiseBase keeps new events behind those that are there, if these come from a server that had higher numbers.
const raiseBase = `UPDATE history_base SET transactions = last.transactions + 1 - pg_current_xact_id()::text::bigint
	FROM (SELECT coalesce(max(event_id), 0) >> 20 AS transactions FROM events) last
	WHERE last.transactions >= history_base.transactions + pg_current_xact_id()::text::bigint`

// continueHistory makes the history of a database that was restored from another server go on.
func continueHistory(ctx context.Context, db *bun.DB) error {
	_, err := db.ExecContext(ctx, raiseBase)
	return err
}

// keyOfCall is the number of the advisory lock of who carries out a call: the beginning of its key.
const keyOfCall = `('x' || encode(substring(c.key FROM 1 FOR 8), 'hex'))::bit(64)::bigint`

const (
	tryCalls   = `SELECT c.key FROM unnest($1::bytea[]) AS c (key) WHERE NOT pg_try_advisory_xact_lock(` + keyOfCall + `)`
	awaitCalls = `SELECT pg_advisory_xact_lock(k.key) FROM (
		SELECT DISTINCT ` + keyOfCall + ` AS key FROM unnest($1::bytea[]) AS c (key) ORDER BY 1 OFFSET 0) k`
	findCalls = `SELECT c.key, c.request, c.outcome FROM calls c WHERE c.key = ANY ($1::bytea[]) AND c.called_at >= (SELECT ` + clock + `) - $2`
	addCalls  = `INSERT INTO calls (key, request, outcome, called_at) SELECT DISTINCT ON (n.key) n.key, n.request, n.outcome, $1::bigint
		FROM unnest($2::bytea[], $3::bytea[], $4::uuid[]) AS n (key, request, outcome)
		ON CONFLICT (key) DO UPDATE SET request = excluded.request, outcome = excluded.outcome, called_at = excluded.called_at`
)

// record adds the statements that write what happened, and which calls were carried out.
func (e *exchange) record(changes bunstore.Changes, added []domain.UserID) {
	events, calls := changes.WithAdded(added)
	if n := len(events); n > 0 {
		kinds, logins, envs, domains := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		owners, notes, reasons := make([]string, n), make([]string, n), make([]string, n)
		users, projects, byKeys, fences := make([][16]byte, n), make([][16]byte, n), make([][16]byte, n), make([]int64, n)
		for i, event := range events {
			kinds[i], logins[i], envs[i], domains[i] = string(event.Kind), event.Login, event.Pool.Env, event.Pool.Domain
			owners[i], notes[i], reasons[i] = event.Owner, event.Note, event.Reason
			users[i], projects[i], byKeys[i] = event.UserID, event.Pool.ProjectID, event.Key
			fences[i] = int64(event.Fence) //nolint:gosec // counts locks
		}
		e.run(addEvents, changes.Now, kinds, users, logins, projects, envs, domains, owners, notes, fences, reasons, byKeys)
	}
	if n := len(calls); n > 0 {
		keys, requests, outcomes := make([][]byte, n), make([][]byte, n), make([][16]byte, n)
		for i, call := range calls {
			keys[i], requests[i], outcomes[i] = call.Key[:], call.Request[:], call.Outcome
		}
		e.run(addCalls, changes.Now, keys, requests, outcomes)
	}
}

// calls adds the statements that find out which calls were carried out, and keep others from carrying out the rest.
func (e *exchange) calls(ask bunstore.Ask, found *bunstore.Found) {
	if len(ask.Calls) == 0 {
		return
	}
	keys := callKeys(ask.Calls)
	if ask.Wait {
		e.run(awaitCalls, keys)
	} else {
		found.Busy = make(map[bunstore.CallKey]struct{})
		e.tryCalls(keys, found.Busy)
	}
	e.findCalls(keys, &found.Calls)
}

func (e *exchange) tryCalls(keys [][]byte, busy map[bunstore.CallKey]struct{}) {
	e.read(tryCalls, []any{keys}, func(rows pgx.Rows) error {
		those, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, key := range those {
			busy[bunstore.CallKey(key)] = struct{}{}
		}
		return err
	})
}

func (e *exchange) findCalls(keys [][]byte, into *[]domain.Once) {
	e.read(findCalls, []any{keys, domain.IdempotencyWindow.Microseconds()}, func(rows pgx.Rows) error {
		for rows.Next() {
			var key, request []byte
			var call domain.Once
			if err := rows.Scan(&key, &request, &call.Outcome); err != nil {
				return err
			}
			copy(call.Key[:], key)
			copy(call.Request[:], request)
			*into = append(*into, call)
		}
		return rows.Err()
	})
}

// Calls implements [bunstore.Transaction].
func (tx *transaction) Calls(
	ctx context.Context, keys []bunstore.CallKey, keep bool,
) (calls []domain.Once, busy map[bunstore.CallKey]struct{}, err error) {
	e := exchange{conn: tx.conn.Conn()}
	busy = make(map[bunstore.CallKey]struct{})
	if keep {
		e.tryCalls(callKeys(keys), busy)
	}
	e.findCalls(callKeys(keys), &calls)
	return calls, busy, e.send(ctx)
}

func callKeys(keys []bunstore.CallKey) [][]byte {
	all := make([][]byte, len(keys))
	for i, key := range keys {
		all[i] = key[:]
	}
	return all
}
