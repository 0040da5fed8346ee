package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// keyOfCall is the number of the advisory lock that a transaction holds while it carries out a call: the beginning of its key.
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

// calls adds the statements that find out which calls were carried out, and keep others from carrying out the rest.
func (e *exchange) calls(ask bunstore.Ask, found *bunstore.Found) {
	keys := callKeys(ask.Calls)
	if ask.Wait {
		e.run(awaitCalls, keys)
	} else {
		found.Busy = make(map[ledger.CallKey]struct{})
		e.tryCalls(keys, found.Busy)
	}
	e.findCalls(keys, &found.Calls)
}

func (e *exchange) tryCalls(keys [][]byte, busy map[ledger.CallKey]struct{}) {
	e.read(tryCalls, []any{keys}, func(rows pgx.Rows) error {
		those, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, key := range those {
			busy[ledger.CallKey(key)] = struct{}{}
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
	ctx context.Context, keys []ledger.CallKey, hold bool,
) (calls []domain.Once, busy map[ledger.CallKey]struct{}, err error) {
	e := exchange{conn: tx.conn.Conn()}
	busy = make(map[ledger.CallKey]struct{})
	if hold {
		e.tryCalls(callKeys(keys), busy)
	}
	e.findCalls(callKeys(keys), &calls)
	return calls, busy, e.send(ctx)
}

// addCalls adds the statement that remembers calls which were carried out.
func (e *exchange) addCalls(calls []domain.Once, at int64) {
	n := len(calls)
	keys, requests, outcomes := make([][]byte, n), make([][]byte, n), make([][16]byte, n)
	for i, call := range calls {
		keys[i], requests[i], outcomes[i] = call.Key[:], call.Request[:], call.Outcome
	}
	e.run(addCalls, at, keys, requests, outcomes)
}

func callKeys(keys []ledger.CallKey) [][]byte {
	all := make([][]byte, len(keys))
	for i, key := range keys {
		all[i] = key[:]
	}
	return all
}
