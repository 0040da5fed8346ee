package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// engine implements [bunstore.Engine] on the one connection that writes. Its statements are prepared once and run row by
// row: there is no server to go to, and a transaction has the database to itself.
type engine struct {
	writer     *sql.DB
	dialect    bunstore.Dialect
	now        func() int64
	statements map[string]*sql.Stmt // by their texts
	line       line
	candidates bunstore.Candidates
}

// hotStatements are prepared when the database is opened.
var hotStatements = []string{
	userByID, usersByLease, freeInPool, anyInPool, anyInSet, candidateByID, freeInSet, freeInPoolWithLabels, setsInPool, moveUser, accountOfUser, removeUser, firstOfAccount, rememberEnded, endedLease, mergeEnded,
	expiredUsers, nextExpiry, addEvent.one, addEvent.block, findCall, addCall, poolOfUser, changeAccount, findPool, addPool, findLabelSet, addLabelSet, addUser.one, addUser.block,
	saveSession, dropSession, noteSession,
}

// newEngine prepares the statements of a database whose schema is up to date.
func newEngine(ctx context.Context, writer *sql.DB, dialect bunstore.Dialect, now func() int64) (*engine, error) {
	e := &engine{writer: writer, dialect: dialect, now: now, statements: make(map[string]*sql.Stmt)}
	for _, text := range hotStatements {
		prepared, err := writer.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		e.statements[text] = prepared
	}
	return e, nil
}

// Begin implements [bunstore.Engine].
func (e *engine) Begin(ctx context.Context, ask bunstore.Ask) (bunstore.Transaction, bunstore.Found, error) {
	begun, err := e.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, bunstore.Found{}, err
	}
	// A context that can end costs each statement a goroutine, and none of them waits for anybody.
	tx := &transaction{ctx: context.WithoutCancel(ctx), engine: e, tx: begun, now: e.now(), used: make(map[string]*sql.Stmt), keys: make(map[string]int64)}
	found, err := tx.find(ask)
	if err != nil {
		tx.Rollback()
		return nil, bunstore.Found{}, err
	}
	return tx, found, nil
}

// transaction implements [bunstore.Transaction].
type transaction struct {
	ctx    context.Context //nolint:containedctx // of the transaction, as in database/sql
	engine *engine
	tx     *sql.Tx
	now    int64
	used   map[string]*sql.Stmt // the statements that it used already
	keys   map[string]int64     // of pools and sets of labels that it used already

	searched []string // the keys of searches with labels
}

func (tx *transaction) find(ask bunstore.Ask) (bunstore.Found, error) {
	found := bunstore.Found{Now: tx.now, Free: make([][]bunstore.Row, len(ask.Searches))}
	for _, id := range ask.Users {
		rows, err := tx.rows(userByID, id.String())
		if err != nil {
			return found, err
		}
		found.Targets = append(found.Targets, rows...)
	}
	for _, lease := range ask.Leases {
		rows, err := tx.rows(usersByLease, lease[:])
		if err != nil {
			return found, err
		}
		found.Targets = append(found.Targets, rows...)
	}
	for i, search := range ask.Searches {
		rows, err := tx.free(search)
		if err != nil {
			return found, err
		}
		found.Free[i] = rows
	}
	if ask.Turn || ask.Line {
		found.Line = tx.engine.line.changes(ask.Since)
	}
	if ask.Turn {
		found.Last = tx.engine.line.lastPlace()
		found.Places = tx.engine.line.places(ask.Places, tx.now)
	}
	if ask.Late {
		found.Late = tx.engine.line.late(tx.now)
	}
	if err := tx.expiry(ask, &found); err != nil {
		return found, err
	}
	var err error
	found.Calls, _, err = tx.Calls(tx.ctx, ask.Calls, true)
	return found, err
}

// Commit implements [bunstore.Transaction].
func (tx *transaction) Commit(
	_ context.Context, changes bunstore.Changes,
) (added map[domain.UserID]bool, committing bool, err error) {
	if added, err = tx.writeUsers(changes); err != nil {
		return nil, false, err
	}
	if changes.Together && len(added) < len(changes.Rows) {
		return nil, false, nil
	}
	if err := tx.endLeases(changes.Leases); err != nil {
		return nil, false, err
	}
	events, calls := changes.WithAdded(added)
	if err := tx.addEvents(events); err != nil {
		return nil, false, err
	}
	if err := tx.addCalls(calls); err != nil {
		return nil, false, err
	}
	if err := tx.engine.line.change(changes, tx.tx.Commit); err != nil {
		return nil, true, err
	}
	tx.engine.candidates.Wrote(changes, tx.searched)
	return added, false, nil
}

// Rollback implements [bunstore.Transaction].
func (tx *transaction) Rollback() { _ = tx.tx.Rollback() }

// value reads the one column of the one row that a statement answers with.
func (tx *transaction) value(into *int64, text string, args ...any) error {
	return tx.row(text, args, into)
}

// row reads the one row that a statement answers with.
func (tx *transaction) row(text string, args []any, into ...any) error {
	return tx.statement(text).QueryRowContext(tx.ctx, args...).Scan(into...)
}

// statement returns a prepared statement for use in the transaction.
func (tx *transaction) statement(text string) *sql.Stmt {
	s, ok := tx.used[text]
	if !ok {
		s = tx.tx.StmtContext(tx.ctx, tx.engine.statements[text])
		tx.used[text] = s
	}
	return s
}

func (tx *transaction) rows(text string, args ...any) ([]bunstore.Row, error) {
	rows, err := tx.statement(text).QueryContext(tx.ctx, args...) //nolint:rowserrcheck // Scan does
	if err != nil {
		return nil, err
	}
	return bunstore.Scan(rows)
}

// exec returns how many rows a statement changed.
func (tx *transaction) exec(text string, args ...any) (int64, error) {
	result, err := tx.statement(text).ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// errVanished says that a row which the transaction read was not there to be written. It would be a bug.
var errVanished = errors.New("a row that was read is gone")

func (tx *transaction) mustChange(text string, args ...any) error {
	n, err := tx.exec(text, args...)
	if err == nil && n != 1 {
		return errVanished
	}
	return err
}
