package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

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
	tx := &transaction{ctx: context.WithoutCancel(ctx), engine: e, tx: begun, now: e.now(), used: make(map[string]*sql.Stmt)}
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
}

func (tx *transaction) find(ask bunstore.Ask) (bunstore.Found, error) {
	found := bunstore.Found{Now: tx.now, Free: make([][]bunstore.Row, len(ask.Free))}
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
	for i, search := range ask.Free {
		rows, err := tx.free(search.Want, search.Limit)
		if err != nil {
			return found, err
		}
		found.Free[i] = rows
	}
	return found, tx.findMore(ask, &found)
}

// findMore finds what few transactions ask for.
func (tx *transaction) findMore(ask bunstore.Ask, found *bunstore.Found) (err error) {
	if ask.Wants {
		found.Wants = tx.engine.line.wants()
	}
	if ask.Line {
		found.Line = tx.engine.line.heads(tx.now)
	}
	if ask.Expired > 0 {
		if found.Expired, err = tx.rows(expiredUsers, tx.now, ask.Expired); err != nil {
			return err
		}
	}
	if ask.Line || ask.Expired > 0 {
		err = tx.value(&found.NextExpiry, nextExpiry, tx.now)
		if err != nil {
			return err
		}
	}
	found.Calls, _, err = tx.Calls(tx.ctx, ask.Calls, true)
	return err
}

// Search implements [bunstore.Transaction].
func (tx *transaction) Search(_ context.Context, searches []bunstore.Search) (found [][]bunstore.Row, err error) {
	found = make([][]bunstore.Row, len(searches))
	for i, search := range searches {
		if search.Want.UserID.IsZero() {
			found[i], err = tx.free(search.Want, search.Limit)
		} else {
			found[i], err = tx.rows(userByID, search.Want.UserID.String())
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Calls implements [bunstore.Transaction].
func (tx *transaction) Calls(
	_ context.Context, keys []bunstore.CallKey, _ bool,
) (calls []domain.Once, busy map[bunstore.CallKey]struct{}, err error) {
	for _, key := range keys {
		call := domain.Once{Key: key}
		var request, outcome []byte
		row := tx.statement(findCall).QueryRowContext(tx.ctx, key[:], tx.now-domain.IdempotencyWindow.Microseconds())
		switch err := row.Scan(&request, &outcome); {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return nil, nil, err
		}
		copy(call.Request[:], request)
		copy(call.Outcome[:], outcome)
		calls = append(calls, call)
	}
	return calls, nil, nil
}

// Look implements [bunstore.Transaction].
func (tx *transaction) Look(_ context.Context, want domain.Selector, free, whatever int) ([]bunstore.Row, error) {
	if !want.UserID.IsZero() {
		return tx.rows(userByID, want.UserID.String())
	}
	rows, err := tx.free(want, free)
	if err != nil {
		return nil, err
	}
	more, err := tx.search(want, anyInPool, anyInLabelSet, whatever)
	return append(rows, more...), err
}

// Commit implements [bunstore.Transaction].
func (tx *transaction) Commit(
	_ context.Context, changes bunstore.Changes,
) (added []domain.UserID, committing bool, err error) {
	if added, err = tx.write(changes); err != nil {
		return nil, false, err
	}
	if changes.Together && len(added) < len(changes.Added) {
		return nil, false, nil
	}
	events, calls := changes.WithAdded(added)
	if err := tx.record(events, calls); err != nil {
		return nil, false, err
	}
	return added, true, tx.engine.line.change(changes.Joined, changes.Left, tx.tx.Commit)
}

func (tx *transaction) record(events []domain.Event, calls []domain.Once) error {
	for _, e := range events {
		_, err := tx.exec(addEvent, tx.now, string(e.Kind), e.UserID.String(), e.Login, e.Pool.ProjectID.String(), e.Pool.Env,
			e.Pool.Domain, e.Owner, e.Note, int64(e.Fence), e.Reason, e.Key.String()) //nolint:gosec // counts locks
		if err != nil {
			return err
		}
	}
	for _, c := range calls {
		if _, err := tx.exec(addCall, c.Key[:], c.Request[:], c.Outcome[:], tx.now); err != nil {
			return err
		}
	}
	return nil
}

// Rollback implements [bunstore.Transaction].
func (tx *transaction) Rollback() { _ = tx.tx.Rollback() }

func (tx *transaction) write(changes bunstore.Changes) (added []domain.UserID, err error) {
	for _, m := range changes.Moved {
		if err := tx.mustChange(moveUser, append(circulation(m.Circulation), uuid.UUID(m.UserID).String())...); err != nil {
			return nil, err
		}
	}
	for _, id := range changes.Removed {
		if err := tx.mustChange(removeUser, id.String()); err != nil {
			return nil, err
		}
	}
	for _, lease := range changes.Ended {
		if err := tx.rememberEnded(lease, changes.Now); err != nil {
			return nil, err
		}
	}
	for _, account := range changes.Accounts {
		if err := tx.changeAccount(account); err != nil {
			return nil, err
		}
	}
	for _, addition := range changes.Added {
		isNew, err := tx.add(addition.Row)
		if err != nil {
			return nil, err
		}
		if isNew {
			added = append(added, addition.UserID)
		}
	}
	return added, nil
}

// rememberEnded adds to what is known of a lease that is over.
func (tx *transaction) rememberEnded(lease bunstore.EndedLease, now int64) error {
	n, err := tx.exec(rememberEnded, lease.Key, lease.Projects, now)
	if err != nil || n == 1 {
		return err
	}
	var projects []byte
	if err := tx.statement(projectsOf).QueryRowContext(tx.ctx, lease.Key).Scan(&projects); err != nil {
		return err
	}
	return tx.mustChange(mergeEnded, bunstore.MergeProjects(projects, lease.Projects), lease.Key)
}

func (tx *transaction) changeAccount(a bunstore.Account) error {
	id := uuid.UUID(a.UserID).String()
	var pool int64
	if err := tx.value(&pool, poolOfUser, id); err != nil {
		return err
	}
	set, err := tx.labelSet(pool, string(a.Labels))
	if err != nil {
		return err
	}
	return tx.mustChange(changeAccount, a.Password, a.SealingKey, string(a.Labels), set, id)
}

// add reports whether the user was added, and not there already.
func (tx *transaction) add(r bunstore.Row) (bool, error) {
	project := uuid.UUID(r.ProjectID).String()
	pool, err := tx.keyOf(findPool, addPool, project, r.Env, r.Domain)
	if err != nil {
		return false, err
	}
	set, err := tx.labelSet(pool, string(r.Labels))
	if err != nil {
		return false, err
	}
	n, err := tx.exec(addUser, append(circulation(r.Circulation), uuid.UUID(r.UserID).String(), r.CreatedAt, project, r.Env,
		r.Domain, pool, r.Login, r.Password, r.SealingKey, string(r.Labels), set)...)
	return n == 1, err
}

// labelSet returns the key of a set of labels, which it adds if it has to: NULL for none.
func (tx *transaction) labelSet(pool int64, labels string) (sql.NullInt64, error) {
	if labels == "{}" {
		return sql.NullInt64{}, nil
	}
	key, err := tx.keyOf(findLabelSet, addLabelSet, pool, labels)
	return sql.NullInt64{Int64: key, Valid: true}, err
}

// keyOf returns the key of a row, which it adds if it has to.
func (tx *transaction) keyOf(find, add string, of ...any) (key int64, err error) {
	err = tx.value(&key, find, of...)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.value(&key, add, of...)
	}
	return key, err
}

// value reads the one column of the one row that a statement answers with.
func (tx *transaction) value(into *int64, text string, args ...any) error {
	return tx.statement(text).QueryRowContext(tx.ctx, args...).Scan(into)
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

// errVanished says that a row which the transaction read was not there to be written. That can't be.
var errVanished = errors.New("a row that was read is gone")

func (tx *transaction) mustChange(text string, args ...any) error {
	n, err := tx.exec(text, args...)
	if err == nil && n != 1 {
		return errVanished
	}
	return err
}
