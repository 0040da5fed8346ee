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
	pool *pgxpool.Pool
	low  *lowWater
}

// rollbackTimeout bounds how long a rollback waits for the server before the connection is given up.
const rollbackTimeout = time.Second

// Begin implements [bunstore.Engine].
func (e engine) Begin(ctx context.Context, ask bunstore.Ask) (bunstore.Transaction, bunstore.Found, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, bunstore.Found{}, err
	}
	tx := &transaction{conn: conn, low: e.low, places: make(map[domain.UserID]pgtype.TID)}
	found, err := tx.begin(ctx, ask)
	if err != nil {
		tx.Rollback()
		return nil, bunstore.Found{}, err
	}
	return tx, found, nil
}

// transaction implements [bunstore.Transaction].
type transaction struct {
	conn   *pgxpool.Conn // nil once it has ended
	low    *lowWater
	places map[domain.UserID]pgtype.TID // of the rows that it holds: they stay there until it writes them
}

func (tx *transaction) begin(ctx context.Context, ask bunstore.Ask) (bunstore.Found, error) {
	found := bunstore.Found{Free: make([][]bunstore.Row, len(ask.Searches))}
	e := exchange{conn: tx.conn.Conn()}
	if ask.OneMoment {
		e.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	} else {
		e.run("BEGIN")
	}
	e.calls(ask, &found)
	users, leases := uuids(ask.Users), digests(ask.Leases)
	if ask.Wait && len(users)+len(leases) > 0 {
		tx.hold(&e, &found.Targets, awaitTargets, users, leases)
	}
	if !ask.Wait && len(users) > 0 {
		tx.hold(&e, &found.Targets, holdUsers, users)
	}
	if !ask.Wait && len(leases) > 0 {
		tx.hold(&e, &found.Targets, holdLeases, leases)
	}
	for i, search := range ask.Searches {
		sql, args := searchFree(search.Want, search.Limit, tx.low.of(search.Key))
		tx.hold(&e, &found.Free[i], sql, args...)
	}
	e.line(ask, &found)
	tx.expiry(&e, ask, &found)
	e.value("SELECT "+clock, &found.Now)
	if err := e.send(ctx); err != nil {
		return bunstore.Found{}, err
	}
	for i, search := range ask.Searches {
		tx.low.seen(search.Key, found.Free[i])
	}
	return found, nil
}

// hold adds a query for rows that the transaction holds.
func (tx *transaction) hold(e *exchange, into *[]bunstore.Row, sql string, args ...any) {
	e.rows(sql, args, func(r bunstore.Row, place pgtype.TID) {
		*into = append(*into, r)
		tx.places[r.UserID] = place
	})
}

// Commit implements [bunstore.Transaction].
func (tx *transaction) Commit(
	ctx context.Context, changes bunstore.Changes,
) (added map[domain.UserID]bool, committing bool, err error) {
	e := exchange{conn: tx.conn.Conn()}
	tx.moveUsers(&e, changes.Moved)
	e.removeUsers(changes.Removed)
	e.endLeases(changes)
	e.changeAccounts(changes.Accounts)
	if len(changes.Rows) > 0 {
		// What is to be written of new users depends on whether they could be added.
		added = make(map[domain.UserID]bool, len(changes.Rows))
		e.addUsers(changes.Rows, added)
		if err := e.send(ctx); err != nil || changes.Together && len(added) < len(changes.Rows) {
			return nil, false, err
		}
		e = exchange{conn: tx.conn.Conn()}
	}
	events, calls := changes.WithAdded(added)
	e.addEvents(events, changes.At)
	e.addCalls(calls, changes.At)
	e.moveLine(changes)
	e.run("COMMIT")
	if err := e.send(ctx); err != nil {
		return nil, !isUndone(err), err
	}
	tx.conn.Release()
	tx.conn = nil
	tx.low.wrote(changes)
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
