package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

const (
	// lineLock is the number of the advisory lock of who passes over the line: "the line" in ASCII.
	lineLock = 0x746865206c696e65

	// lineChannel is where replicas tell each other that users may be free.
	lineChannel = "userfarm_line"
)

const (
	keepLine = `SELECT pg_advisory_xact_lock($1)`

	// boundTurn ends the pass of a replica that was stopped in the middle of it, so that the others can go on.
	boundTurn = `SET LOCAL idle_in_transaction_session_timeout = '2s'`

	signOfLife = `INSERT INTO replicas (replica_id, seen_at) SELECT $1, ` + clock + `
		ON CONFLICT (replica_id) DO UPDATE SET seen_at = excluded.seen_at`

	// forgetLate removes those whose replica died before it could.
	forgetLate = `DELETE FROM waiters WHERE until < (SELECT ` + clock + `) - 1000000`

	// wantsInLine goes from one of the wants to the next one by the index, however many want the same.
	wantsInLine = `WITH RECURSIVE wants (key) AS (
			(SELECT w.want_key FROM waiters w ORDER BY w.want_key LIMIT 1)
			UNION ALL
			SELECT (SELECT w.want_key FROM waiters w WHERE w.want_key > wants.key ORDER BY w.want_key LIMIT 1)
			FROM wants WHERE wants.key IS NOT NULL
		) `

	// alive is the condition for who is in line still.
	alive = `w.until >= now.at
			AND EXISTS (SELECT FROM replicas r WHERE r.replica_id = w.replica_id AND r.seen_at >= now.at - $1::bigint)`

	findWants = wantsInLine + `, now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT w.want FROM wants CROSS JOIN now CROSS JOIN LATERAL (
			SELECT w.want FROM waiters w WHERE w.want_key = wants.key AND ` + alive + ` ORDER BY w.place LIMIT 1
		) w WHERE wants.key IS NOT NULL`

	findHeads = wantsInLine + `, now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT w.place, w.replica_id, w.want FROM wants CROSS JOIN now CROSS JOIN LATERAL (
			SELECT w.place, w.replica_id, w.want FROM waiters w
			WHERE w.want_key = wants.key AND ` + alive + `
			ORDER BY w.place LIMIT $2
		) w WHERE wants.key IS NOT NULL ORDER BY w.place`

	lastPlace = `SELECT coalesce(max(place), 0) FROM waiters`

	findCrowds = `WITH now (at) AS MATERIALIZED (SELECT ` + clock + `)
		SELECT min(w.want), count(*), min(w.since) FROM waiters w CROSS JOIN now WHERE ` + alive + ` GROUP BY w.want_key`

	joinLine = `INSERT INTO waiters (place, replica_id, want_key, want, since, until)
		SELECT n.place, $1, n.want_key, n.want, n.since, n.until
		FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[]) AS n (place, want_key, want, since, until)`

	leaveLine = `DELETE FROM waiters WHERE place = ANY ($1::bigint[]) AND replica_id = $2`

	// tellOthers wakes those who wait in other replicas, if there are any. It stands last before COMMIT: who joins the line
	// after it looks for itself.
	tellOthers = `SELECT pg_notify('` + lineChannel + `', '') FROM (SELECT FROM waiters WHERE replica_id <> $1 LIMIT 1) others`

	// expiredUsers is in the order of expiry.
	expiredUsers = `SELECT ` + columns + ` FROM users u WHERE u.lock_expires_at <= (SELECT ` + clock + `)
		ORDER BY u.lock_expires_at LIMIT $1 FOR UPDATE OF u SKIP LOCKED`

	nextExpiry = `SELECT coalesce(min(lock_expires_at), 0) FROM users WHERE lock_expires_at > (SELECT ` + clock + `)`
)

// line adds the statements that find out who stands in line.
func (e *exchange) line(ask bunstore.Ask, found *bunstore.Found) {
	if ask.Wants {
		e.read(findWants, []any{bunstore.DeadAfter.Microseconds()}, func(rows pgx.Rows) error {
			texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, text := range texts {
				want, err := bunstore.DecodeWant(text)
				if err != nil {
					return err
				}
				found.Wants = append(found.Wants, want)
			}
			return err
		})
	}
	if ask.Line {
		e.run(boundTurn)
		e.run(keepLine, int64(lineLock))
		if ask.Beat != 0 {
			e.run(signOfLife, int64(ask.Beat))
			e.run(forgetLate)
		}
		e.read(findHeads, []any{bunstore.DeadAfter.Microseconds(), bunstore.MaxAlike}, func(rows pgx.Rows) error {
			return readLine(rows, &found.Line)
		})
		e.value(lastPlace, &found.Line.Last)
	}
	if ask.Line || ask.Expired > 0 {
		e.value(nextExpiry, &found.NextExpiry)
	}
}

func readLine(rows pgx.Rows, line *bunstore.Line) error {
	for rows.Next() {
		var w bunstore.Waiter
		var text string
		if err := rows.Scan(&w.Place, &w.Replica, &text); err != nil {
			return err
		}
		var err error
		if w.Want, err = bunstore.DecodeWant(text); err != nil {
			return err
		}
		line.Waiters = append(line.Waiters, w)
	}
	return rows.Err()
}

// value adds a query for one number.
func (e *exchange) value(sql string, into *int64) {
	e.read(sql, nil, func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		return err
	})
}

// move adds the statements that change the line, and tell others what it may mean for them.
func (e *exchange) move(changes bunstore.Changes) {
	if n := len(changes.Joined); n > 0 {
		places, keys, since, until := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		wants := make([]string, n)
		for i, w := range changes.Joined {
			places[i], since[i], until[i] = w.Place, w.Since, w.Until
			wants[i], keys[i] = bunstore.EncodeWant(w.Want)
		}
		e.run(joinLine, int64(changes.Replica), places, keys, wants, since, until)
	}
	if len(changes.Left) > 0 {
		e.run(leaveLine, changes.Left, int64(changes.Replica))
	}
	if changes.Frees {
		e.run(tellOthers, int64(changes.Replica))
	}
}

// Search implements [bunstore.Transaction].
func (tx *transaction) Search(ctx context.Context, searches []bunstore.Search) ([][]bunstore.Row, error) {
	found := make([][]bunstore.Row, len(searches))
	e := exchange{conn: tx.conn.Conn()}
	for i, search := range searches {
		if id := search.Want.UserID; !id.IsZero() {
			tx.keep(&e, &found[i], keepUsers, uuids([]domain.UserID{id}))
			continue
		}
		sql, args := searchFree(search.Want, search.Limit, mark{}) // others may have set free who rested longest
		tx.keep(&e, &found[i], sql, args...)
	}
	return found, e.send(ctx)
}

// Crowds implements [bunstore.Engine].
func (e engine) Crowds(ctx context.Context) ([]bunstore.Crowd, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var crowds []bunstore.Crowd
	x := exchange{conn: conn.Conn()}
	x.read(findCrowds, []any{bunstore.DeadAfter.Microseconds()}, func(rows pgx.Rows) error {
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

// listenAgain is how long after its connection was lost a listener connects again.
const listenAgain = time.Second

// listen calls wake whenever another replica may have set users free, and each time that it has begun to listen: what
// happened before that it has not heard.
func listen(config *pgx.ConnConfig) func(ctx context.Context, wake func()) {
	session := withoutTimeouts(config)
	return func(ctx context.Context, wake func()) {
		for ctx.Err() == nil {
			_ = hear(ctx, session, wake) // it hears nothing while the database is away; who waits looks by itself
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	}
}

func hear(ctx context.Context, session *pgx.ConnConfig, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, session)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+lineChannel); err != nil {
		return err
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
