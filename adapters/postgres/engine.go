package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// engine implements [bunstore.Engine] with pgx itself: its statements are prepared once for each connection, and a
// transaction takes two exchanges with the server, one that begins it and finds, one that writes and commits.
type engine struct {
	pool       *pgxpool.Pool
	low        *lowWater
	candidates *bunstore.Candidates
}

// rollbackTimeout bounds how long a rollback waits for the server before the connection is given up.
const rollbackTimeout = time.Second

// transaction implements [bunstore.Transaction].
type transaction struct {
	engine
	conn   *pgxpool.Conn                // nil once it has ended
	places map[domain.UserID]pgtype.TID // of the rows that it holds: they stay there until it writes them

	searched []string // the keys of searches with labels
}

// Begin implements [bunstore.Engine].
func (e engine) Begin(ctx context.Context, ask bunstore.Ask) (bunstore.Transaction, bunstore.Found, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, bunstore.Found{}, err
	}
	tx := &transaction{engine: e, conn: conn, places: make(map[domain.UserID]pgtype.TID)}
	found := bunstore.Found{Free: make([][]bunstore.Row, len(ask.Searches))}
	x := exchange{conn: conn.Conn()}
	if ask.OneMoment {
		x.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	} else {
		x.run("BEGIN")
	}
	if len(ask.Calls) > 0 {
		x.calls(ask, &found)
	}
	if len(ask.Users)+len(ask.Leases) > 0 {
		tx.targets(&x, ask, &found)
	}
	labelled := tx.search(&x, ask.Searches, tx.low.of, found.Free)
	if ask.Turn {
		x.turn(ask, &found)
	}
	if ask.Turn || ask.Expired > 0 {
		tx.expiry(&x, ask, &found)
	}
	asOfHeld := func(x *exchange) {
		if ask.Turn || ask.Line {
			x.changes(ask, &found)
		}
		x.value("SELECT "+clock, &found.Now)
	}
	asOfHeld(&x)
	if err = x.send(ctx); err == nil {
		err = tx.finish(ctx, labelled, asOfHeld)
	}
	if err != nil {
		tx.Rollback()
		return nil, bunstore.Found{}, err
	}
	for i, search := range ask.Searches {
		if len(search.Want.Labels) == 0 {
			tx.low.seen(search.Key, found.Free[i])
		}
	}
	return tx, found, nil
}

// targets adds the queries for users that are named, and those of leases.
func (tx *transaction) targets(x *exchange, ask bunstore.Ask, found *bunstore.Found) {
	users, leases := uuids(ask.Users), digests(ask.Leases)
	if ask.Wait {
		tx.hold(x, &found.Targets, awaitTargets, users, leases)
		return
	}
	if len(users) > 0 {
		tx.hold(x, &found.Targets, holdUsers, users)
	}
	if len(leases) > 0 {
		tx.hold(x, &found.Targets, holdLeases, leases)
	}
}

// hold adds a query for rows that the transaction holds.
func (tx *transaction) hold(x *exchange, into *[]bunstore.Row, sql string, args ...any) {
	x.rows(sql, args, func(r bunstore.Row, place pgtype.TID) { tx.held(into, r, place) })
}

func (tx *transaction) held(into *[]bunstore.Row, r bunstore.Row, place pgtype.TID) {
	*into = append(*into, r)
	tx.places[r.UserID] = place
}

// Commit implements [bunstore.Transaction].
func (tx *transaction) Commit(
	ctx context.Context, changes bunstore.Changes,
) (added map[domain.UserID]bool, committing bool, err error) {
	x := exchange{conn: tx.conn.Conn()}
	if len(changes.Moved) > 0 {
		tx.moveUsers(&x, changes.Moved)
	}
	if len(changes.Removed) > 0 {
		x.writeCounted(len(changes.Removed), removeUsers, uuids(changes.Removed))
		x.run(dropSessions, uuids(changes.Removed))
	}
	if len(changes.Leases) > 0 {
		x.endLeases(changes.Leases)
	}
	if len(changes.Accounts) > 0 {
		x.changeAccounts(changes.Accounts)
	}
	if len(changes.Sessions) > 0 {
		x.moveSessions(changes.Sessions)
	}
	events, calls := changes.Events, changes.Calls
	if len(changes.Rows) > 0 { // what is to be written of new users depends on whether they could be added
		added = make(map[domain.UserID]bool, len(changes.Rows))
		x.addUsers(changes.Rows, added)
		x.checkLoginRule(changes.LoginRule)
		if err := x.send(ctx); err != nil || changes.Together && len(added) < len(changes.Rows) {
			return nil, false, err
		}
		x = exchange{conn: tx.conn.Conn()}
		events, calls = changes.WithAdded(added)
	}
	if len(events) > 0 {
		x.addEvents(events, changes.At)
	}
	if len(calls) > 0 {
		x.addCalls(calls, changes.At)
	}
	if len(changes.Waiters)+len(changes.Left)+len(changes.Aside) > 0 {
		x.moveLine(changes)
	}
	for _, text := range changes.Tell {
		x.run(tellOthers, text)
	}
	x.run("COMMIT")
	if err := x.send(ctx); err != nil {
		return nil, !isUndone(err), err
	}
	tx.conn.Release()
	tx.conn = nil
	tx.low.wrote(changes)
	tx.candidates.Wrote(changes, tx.searched)
	return added, false, nil
}

// isUndone reports whether an error is the server's word that the transaction is. An error that ends the session is not: it
// may come after the commit.
func isUndone(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.Severity == "ERROR"
}

// Rollback implements [bunstore.Transaction].
func (tx *transaction) Rollback() {
	if tx.conn == nil {
		return
	}
	if tx.conn.Conn().PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_, _ = tx.conn.Exec(ctx, "ROLLBACK") // if this fails, the pool does away with the connection
	}
	tx.conn.Release()
	tx.conn = nil
}

func uuids(ids []domain.UserID) [][16]byte {
	all := make([][16]byte, len(ids))
	for i, id := range ids {
		all[i] = id
	}
	return all
}

func digests(leases []domain.LeaseDigest) [][]byte {
	all := make([][]byte, len(leases))
	for i, lease := range leases {
		all[i] = lease[:]
	}
	return all
}
