package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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
	places map[domain.UserID]pgtype.TID // of the rows that it keeps: they stay there until it writes them
}

func (tx *transaction) begin(ctx context.Context, ask bunstore.Ask) (bunstore.Found, error) {
	found := bunstore.Found{Free: make([][]bunstore.Row, len(ask.Free))}
	e := exchange{conn: tx.conn.Conn()}
	if ask.OneMoment {
		e.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	} else {
		e.run("BEGIN")
	}
	e.calls(ask, &found)
	users, leases := uuids(ask.Users), digests(ask.Leases)
	if ask.Wait && len(users)+len(leases) > 0 {
		tx.keep(&e, &found.Targets, awaitTargets, users, leases)
	}
	if !ask.Wait && len(users) > 0 {
		tx.keep(&e, &found.Targets, keepUsers, users)
	}
	if !ask.Wait && len(leases) > 0 {
		tx.keep(&e, &found.Targets, keepLeases, leases)
	}
	for i, search := range ask.Free {
		sql, args := searchFree(search.Want, search.Limit, tx.low.of(search.Key))
		tx.keep(&e, &found.Free[i], sql, args...)
	}
	if ask.Expired > 0 {
		tx.keep(&e, &found.Expired, expiredUsers, ask.Expired)
	}
	e.line(ask, &found)
	e.read("SELECT "+clock, nil, func(rows pgx.Rows) (err error) {
		found.Now, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		return err
	})
	if err := e.send(ctx); err != nil {
		return bunstore.Found{}, err
	}
	for i, search := range ask.Free {
		tx.low.seen(search.Key, found.Free[i])
	}
	return found, nil
}

// keep adds a query for rows that the transaction keeps.
func (tx *transaction) keep(e *exchange, into *[]bunstore.Row, sql string, args ...any) {
	e.rows(sql, args, func(r bunstore.Row, place pgtype.TID) {
		*into = append(*into, r)
		tx.places[r.UserID] = place
	})
}

// Look implements [bunstore.Transaction].
func (tx *transaction) Look(ctx context.Context, want domain.Selector, free, whatever int) ([]bunstore.Row, error) {
	var rows []bunstore.Row
	e := exchange{conn: tx.conn.Conn()}
	sql, args := searchCommitted(want, free, whatever)
	e.rows(sql, args, func(r bunstore.Row, _ pgtype.TID) { rows = append(rows, r) })
	return rows, e.send(ctx)
}

// errVanished says that rows which the transaction kept were not there to be written. That can't be.
var errVanished = errors.New("rows that were kept are gone")

// Commit implements [bunstore.Transaction].
func (tx *transaction) Commit(
	ctx context.Context, changes bunstore.Changes,
) (added []domain.UserID, committing bool, err error) {
	e := exchange{conn: tx.conn.Conn()}
	tx.write(&e, changes, &added)
	if len(changes.Added) > 0 {
		// What is to be written of them depends on whether they could be added.
		if err := e.send(ctx); err != nil || changes.Together && len(added) < len(changes.Added) {
			return nil, false, err
		}
		e = exchange{conn: tx.conn.Conn()}
	}
	e.record(changes, added)
	e.move(changes)
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

// write adds the statements that write changes. The order matters: see [bunstore.Engine].
func (tx *transaction) write(e *exchange, changes bunstore.Changes, added *[]domain.UserID) {
	if len(changes.Moved) > 0 {
		moved := make([]bunstore.Circulation, len(changes.Moved))
		places := make([]pgtype.TID, len(changes.Moved))
		for i, m := range changes.Moved {
			moved[i], places[i] = m.Circulation, tx.places[m.UserID]
		}
		e.write(len(moved), moveUsers, append(circulations(moved), places)...)
	}
	if len(changes.Removed) > 0 {
		e.write(len(changes.Removed), removeUsers, uuids(changes.Removed))
	}
	if len(changes.Ended) > 0 {
		leases, projects := ended(changes.Ended)
		e.run(rememberEnded, leases, projects, changes.Now)
	}
	if len(changes.Accounts) > 0 {
		ids, passwords, keys, labels := accounts(changes.Accounts)
		e.run(addLabelSetsOf, ids, labels)
		e.write(len(changes.Accounts), changeAccounts, ids, passwords, keys, labels)
	}
	if len(changes.Added) > 0 {
		new := additions(changes.Added)
		e.run(addPools, new.projects, new.envs, new.domains)
		e.run(addLabelSets, new.projects, new.envs, new.domains, new.labels)
		e.read(addUsers, new.arguments(), func(rows pgx.Rows) error {
			ids, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
			for _, id := range ids {
				*added = append(*added, id)
			}
			return err
		})
	}
}

// exchange is a number of statements that are sent together, and whose answers come together.
type exchange struct {
	conn  *pgx.Conn
	batch pgx.Batch
	reads []func(pgx.BatchResults) error
}

// run adds a statement.
func (e *exchange) run(sql string, args ...any) {
	e.batch.Queue(sql, args...)
	e.reads = append(e.reads, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		if err == nil && sql == "COMMIT" && tag.String() != "COMMIT" {
			return fmt.Errorf("commit answered with %s", tag)
		}
		return err
	})
}

// write adds a statement that must change n rows.
func (e *exchange) write(n int, sql string, args ...any) {
	e.batch.Queue(sql, args...)
	e.reads = append(e.reads, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		if err == nil && tag.RowsAffected() != int64(n) {
			return fmt.Errorf("%w: %d of %d", errVanished, int64(n)-tag.RowsAffected(), n)
		}
		return err
	})
}

// read adds a query.
func (e *exchange) read(sql string, args []any, scan func(pgx.Rows) error) {
	e.batch.Queue(sql, args...)
	e.reads = append(e.reads, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		if err := scan(rows); err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	})
}

// rows adds a query for users, whose columns are [columns].
func (e *exchange) rows(sql string, args []any, take func(bunstore.Row, pgtype.TID)) {
	e.read(sql, args, func(rows pgx.Rows) error {
		var r bunstore.Row
		var place pgtype.TID
		var userID, projectID [16]byte
		fields := append([]any{&place}, r.Fields(&userID, &projectID)...)
		for rows.Next() {
			r.Password, r.Labels = nil, nil // not to be shared with the row before
			if err := rows.Scan(fields...); err != nil {
				return err
			}
			r.UserID, r.ProjectID = userID, projectID
			take(r, place)
		}
		return rows.Err()
	})
}

// send sends the statements, prepared where the connection does not have them yet, and reads the answers.
func (e *exchange) send(ctx context.Context) (err error) {
	for _, query := range e.batch.QueuedQueries {
		if _, err := e.conn.Prepare(ctx, query.SQL, query.SQL); err != nil {
			return err
		}
	}
	results := e.conn.SendBatch(ctx, &e.batch)
	for _, read := range e.reads {
		if err := read(results); err != nil {
			_ = results.Close()
			return err
		}
	}
	return results.Close()
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
