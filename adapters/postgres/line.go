package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	// lineLock is the number of the advisory lock of the process that passes over the line: "the line" in ASCII.
	lineLock = 0x746865206c696e65

	// lineChannel is on which replicas notify each other that users may be free.
	lineChannel = "userfarm_line"
)

const (
	takeTurn = `SELECT pg_advisory_xact_lock($1)`

	// boundTurn ends the pass of a replica that stalls, so that the others can go on.
	boundTurn = `SET LOCAL idle_in_transaction_session_timeout = '2s'`

	noteBeat = `INSERT INTO replicas (replica_id, seen_at) SELECT $1, ` + clock + `
		ON CONFLICT (replica_id) DO UPDATE SET seen_at = excluded.seen_at`

	// forgetLate removes the claims of replicas that died, and places that were kept for long enough.
	forgetLate = `DELETE FROM waiters w
		WHERE NOT w.gone AND w.until < (SELECT ` + clock + `) - 1000000
			AND (w.call IS NULL OR w.until < (SELECT ` + clock + `) - $1::bigint)
		RETURNING ` + waiterColumns + `, true`

	forgetGone = `DELETE FROM waiters w WHERE w.gone AND w.until < (SELECT ` + clock + `) - $1::bigint`

	// alive is the condition for claims that are still in line.
	alive = `w.until >= now.at
			AND EXISTS (SELECT FROM replicas r WHERE r.replica_id = w.replica_id AND r.seen_at >= now.at - $1::bigint)`

	// findChanges returns the version of the line, the replicas that are alive, and, as one moment has all of this, the claims
	// that have changed after a version.
	findChanges = `WITH now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT l.version,
			(SELECT coalesce(array_agg(r.replica_id), '{}') FROM replicas r, now WHERE r.seen_at >= now.at - $1::bigint),
			coalesce(w.place, 0), coalesce(w.replica_id, 0), coalesce(w.want, '[]'), coalesce(w.since, 0), coalesce(w.until, 0),
			w.call, coalesce(w.owner, ''), coalesce(w.note, ''), w.api_key, w.gone OR w.until < now.at
		FROM line_state l CROSS JOIN now LEFT JOIN waiters w ON w.version > $2::bigint`

	raiseVersion = `UPDATE line_state SET version = version + 1`

	waiterColumns = `w.place, w.replica_id, w.want, w.since, w.until, w.call, w.owner, w.note, w.api_key`

	// findWaiters returns claims in line.
	findWaiters = `WITH now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT ` + waiterColumns + `, false
		FROM waiters w CROSS JOIN now WHERE w.place > $2::bigint AND ` + alive + ` ORDER BY w.place LIMIT $3`

	// findPlaces returns the places of calls. Those of claims that have left are returned for as long as they are kept. The + 0 keeps
	// PostgreSQL from the index on until, by which it would read all that are in line.
	findPlaces = `WITH now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT ` + waiterColumns + `, NOT (` + alive + `)
		FROM waiters w CROSS JOIN now WHERE w.call = ANY ($2::bytea[]) AND w.until + 0 >= now.at - $3::bigint AND NOT w.gone`

	lastPlace = `SELECT coalesce(max(place), 0) FROM waiters`

	findCrowds = `WITH now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT min(w.want), count(*), min(w.since) FROM waiters w CROSS JOIN now WHERE ` + alive + ` AND w.place <> ALL ($2::bigint[]) GROUP BY w.want_key`

	joinLine = `INSERT INTO waiters (place, replica_id, want_key, want, since, until, call, owner, note, api_key, version)
		SELECT n.place, n.replica_id, n.want_key, n.want, n.since, n.until, n.call, n.owner, n.note, n.api_key, l.version
		FROM line_state l, unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[], $10::uuid[])
			AS n (replica_id, place, want_key, want, since, until, call, owner, note, api_key)
		ON CONFLICT (place) DO UPDATE
			SET replica_id = excluded.replica_id, until = excluded.until, version = excluded.version, gone = false`

	// stepAside ends the wait of claims. Places without a call are not kept; see forgetLate.
	stepAside = `UPDATE waiters w SET until = least(w.until, $3::bigint - 1), version = l.version
		FROM line_state l WHERE w.place = ANY ($1::bigint[]) AND w.replica_id = $2`

	leaveLine = `UPDATE waiters w SET until = least(w.until, $3::bigint - 1), version = l.version, gone = true
		FROM line_state l WHERE w.place = ANY ($1::bigint[]) AND w.replica_id = $2`

	// tellOthers sends the other replicas a text; see [bunstore.Changes].
	tellOthers = `SELECT pg_notify('` + lineChannel + `', $1)`
)

// changes adds the query for what has changed in the line.
func (e *exchange) changes(ask bunstore.Ask, found *bunstore.Found) {
	found.Line = bunstore.LineChanges{Since: ask.Since}
	e.read(findChanges, []any{bunstore.DeadAfter.Microseconds(), ask.Since}, func(rows pgx.Rows) error {
		for rows.Next() {
			w, err := scanWaiter(rows, &found.Line.Version, &found.Line.Alive)
			if err != nil {
				return err
			}
			if w.Place != 0 {
				found.Line.Changed = append(found.Line.Changed, w)
			}
		}
		return rows.Err()
	})
}

// turn adds the statements that take the turn at the line, and find places in it.
func (e *exchange) turn(ask bunstore.Ask, found *bunstore.Found) {
	e.run(boundTurn)
	e.run(takeTurn, int64(lineLock))
	if ask.Beat != 0 {
		e.run(noteBeat, int64(ask.Beat))
	}
	if ask.Late {
		e.read(forgetLate, []any{domain.PlaceKept.Microseconds()}, func(rows pgx.Rows) error { return readWaiters(rows, &found.Late) })
		e.run(forgetGone, bunstore.GoneKept.Microseconds())
	}
	e.value(lastPlace, &found.Last)
	if len(ask.Places) > 0 {
		calls := make([][]byte, len(ask.Places))
		for i, call := range ask.Places {
			calls[i] = call[:]
		}
		args := []any{bunstore.DeadAfter.Microseconds(), calls, domain.PlaceKept.Microseconds()}
		e.read(findPlaces, args, func(rows pgx.Rows) error { return readWaiters(rows, &found.Places) })
	}
}

// readWaiters reads what findPlaces, findWaiters and forgetLate return.
func readWaiters(rows pgx.Rows, waiters *[]bunstore.Waiter) error {
	for rows.Next() {
		w, err := scanWaiter(rows)
		if err != nil {
			return err
		}
		*waiters = append(*waiters, w)
	}
	return rows.Err()
}

// scanWaiter reads columns into first, then waiterColumns, and then whether the claim is away.
func scanWaiter(rows pgx.Rows, first ...any) (w bunstore.Waiter, err error) {
	var text string
	var call []byte
	var key *[16]byte
	var away *bool
	fields := []any{&w.Place, &w.Replica, &text, &w.Since, &w.Until, &call, &w.Asker.Owner, &w.Asker.Note, &key, &away}
	if err := rows.Scan(append(first, fields...)...); err != nil {
		return w, err
	}
	copy(w.Call[:], call)
	if key != nil {
		w.Asker.Key = *key
	}
	w.Away = away != nil && *away
	w.Want, err = bunstore.DecodeWant(text)
	return w, err
}

// moveLine adds the statements that change the line.
func (e *exchange) moveLine(changes bunstore.Changes) {
	e.run(raiseVersion)
	if n := len(changes.Waiters); n > 0 {
		replicas, places, keys := make([]int64, n), make([]int64, n), make([]int64, n)
		since, until := make([]int64, n), make([]int64, n)
		wants, calls := make([]string, n), make([][]byte, n)
		owners, notes, apiKeys := make([]string, n), make([]string, n), make([]*[16]byte, n)
		for i, w := range changes.Waiters {
			replicas[i], places[i], since[i], until[i] = int64(w.Replica), w.Place, w.Since, w.Until
			wants[i], keys[i] = bunstore.EncodeWant(w.Want)
			if !w.Call.IsZero() {
				calls[i] = w.Call[:]
			}
			owners[i], notes[i] = w.Asker.Owner, w.Asker.Note
			if !w.Asker.Key.IsZero() {
				apiKeys[i] = (*[16]byte)(&w.Asker.Key)
			}
		}
		e.run(joinLine, replicas, places, keys, wants, since, until, calls, owners, notes, apiKeys)
	}
	if len(changes.Aside) > 0 {
		e.run(stepAside, places(changes.Aside), int64(changes.Replica), changes.At)
	}
	if len(changes.Left) > 0 {
		e.run(leaveLine, places(changes.Left), int64(changes.Replica), changes.At)
	}
}

func places(left []ledger.Place) []int64 {
	all := make([]int64, len(left))
	for i, place := range left {
		all[i] = int64(place)
	}
	return all
}

// Crowds implements [bunstore.Engine].
func (e engine) Crowds(ctx context.Context, left []int64) ([]bunstore.Crowd, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var crowds []bunstore.Crowd
	x := exchange{conn: conn.Conn()}
	x.read(findCrowds, []any{bunstore.DeadAfter.Microseconds(), left}, func(rows pgx.Rows) error {
		for rows.Next() {
			var text string
			var crowd bunstore.Crowd
			if err := rows.Scan(&text, &crowd.Size, &crowd.Since); err != nil {
				return err
			}
			var err error
			if crowd.Want, err = bunstore.DecodeWant(text); err != nil {
				return err
			}
			crowds = append(crowds, crowd)
		}
		return rows.Err()
	})
	return crowds, x.send(ctx)
}

// Waiters implements [bunstore.Engine].
func (e engine) Waiters(ctx context.Context, after int64, limit int) (waiters []bunstore.Waiter, err error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	x := exchange{conn: conn.Conn()}
	x.read(findWaiters, []any{bunstore.DeadAfter.Microseconds(), after, limit}, func(rows pgx.Rows) error {
		return readWaiters(rows, &waiters)
	})
	return waiters, x.send(ctx)
}
