package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// errVanished says that rows which the transaction held were not there to be written. It would be a bug.
var errVanished = errors.New("rows that were held are gone")

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

// write adds a statement that must change n rows. Otherwise the statement fails, so that a COMMIT that is sent together with it
// commits nothing.
func (e *exchange) write(n int, sql string, args ...any) {
	e.writeCounted(n, "WITH written AS ("+sql+" RETURNING 1) "+failUnless("written", len(args)+1), args...)
}

// failUnless returns a query that fails unless the rows of a table are as many as an argument says.
func failUnless(table string, argument int) string {
	return "SELECT 1 / (count(*) = $" + strconv.Itoa(argument) + "::bigint)::int FROM " + table
}

// writeCounted is write for a statement that ends with failUnless. Its last argument is n.
func (e *exchange) writeCounted(n int, sql string, args ...any) {
	e.batch.Queue(sql, append(args, n)...)
	e.reads = append(e.reads, func(results pgx.BatchResults) error {
		_, err := results.Exec()
		if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == divisionByZero {
			return fmt.Errorf("%w: not all of %d: %w", errVanished, n, err)
		}
		return err
	})
}

const divisionByZero = "22012"

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
	e.read(sql, args, func(rows pgx.Rows) error { return scanUsers(rows, nil, take) })
}

// scanUsers reads columns into first, and then users, whose columns are [columns]. There may be a row without a user.
func scanUsers(rows pgx.Rows, first []any, take func(bunstore.Row, pgtype.TID)) error {
	var r bunstore.Row
	var place pgtype.TID
	var userID, projectID [16]byte
	fields := slices.Concat(first, []any{&place}, r.Fields(&userID, &projectID))
	for rows.Next() {
		if rows.RawValues()[len(first)] == nil {
			if err := rows.Scan(append(slices.Clone(first), make([]any, len(fields)-len(first))...)...); err != nil {
				return err
			}
			continue
		}
		r.Password, r.Labels = nil, nil // not to be shared with the row before
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		r.UserID, r.ProjectID = userID, projectID
		take(r, place)
	}
	return rows.Err()
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

// value adds a query for one number.
func (e *exchange) value(sql string, into *int64) {
	e.read(sql, nil, func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		return err
	})
}
