package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	freeInPool = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.pool_id = ? AND ` + free + `
		ORDER BY u.free_at, u.user_id LIMIT ?`

	anyInPool = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.pool_id = ? LIMIT ?`
	anyInSet  = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.label_set_id = ? LIMIT ?`
)

// free returns the most rested free users that a search wants.
func (tx *transaction) free(search ledger.Search) ([]bunstore.Row, error) {
	if len(search.Want.Labels) > 0 {
		return tx.freeWithLabels(search)
	}
	pools, err := tx.poolsOf(search.Want)
	if err != nil {
		return nil, err
	}
	rows, err := tx.inEach(pools, freeInPool, tx.now, search.Limit)
	slices.SortFunc(rows, func(a, b bunstore.Row) int {
		return cmp.Or(cmp.Compare(a.FreeAt, b.FreeAt), slices.Compare(a.UserID[:], b.UserID[:]))
	})
	return rows[:min(len(rows), search.Limit)], err
}

// whatever returns users that a selector matches, in whatever state, up to limit of each pool or set of labels.
func (tx *transaction) whatever(want domain.Selector, limit int) ([]bunstore.Row, error) {
	if len(want.Labels) > 0 {
		sets, err := tx.setsOf(want, noLimit)
		if err != nil {
			return nil, err
		}
		return tx.inEach(sets, anyInSet, limit)
	}
	pools, err := tx.poolsOf(want)
	if err != nil {
		return nil, err
	}
	return tx.inEach(pools, anyInPool, limit)
}

// inEach runs a statement for each key of a pool, or of a set of labels. It takes the key and then args.
func (tx *transaction) inEach(keys []int64, text string, args ...any) ([]bunstore.Row, error) {
	var found []bunstore.Row
	for _, key := range keys {
		rows, err := tx.rows(text, append([]any{key}, args...)...)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// poolsOf returns the keys of the pools that a selector matches.
func (tx *transaction) poolsOf(want domain.Selector) ([]int64, error) {
	if namesPool(want) {
		return keys(tx.statement(findPool).QueryContext(tx.ctx, want.ProjectID.String(), want.Env, want.Domain))
	}
	where, args := whereClause(matches(want, "p", ""))
	return keys(tx.tx.QueryContext(tx.ctx, "SELECT p.pool_id FROM pools p"+where, args...))
}

// namesPool reports whether a selector matches users of one pool only, which it names.
func namesPool(want domain.Selector) bool {
	_, named := want.Pool()
	return named && want.Scope().Has(want.ProjectID)
}

// whereClause joins conditions. It is empty if there are none.
func whereClause(conditions []bunstore.Condition) (clause string, args []any) {
	for i, c := range conditions {
		keyword := " AND "
		if i == 0 {
			keyword = " WHERE "
		}
		clause, args = clause+keyword+c.SQL, append(args, c.Args...)
	}
	return clause, args
}

// Search implements [bunstore.Transaction].
func (tx *transaction) Search(_ context.Context, searches []ledger.Search) (found [][]bunstore.Row, now int64, err error) {
	found = make([][]bunstore.Row, len(searches))
	for i, search := range searches {
		if search.Want.UserID.IsZero() {
			found[i], err = tx.free(search)
		} else {
			found[i], err = tx.rows(userByID, search.Want.UserID.String())
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return found, tx.now, nil
}

// Look implements [bunstore.Transaction].
func (tx *transaction) Look(_ context.Context, want domain.Selector, free, whatever int) ([]bunstore.Row, error) {
	if !want.UserID.IsZero() {
		return tx.rows(userByID, want.UserID.String())
	}
	rows, err := tx.free(ledger.Search{Want: want, Key: ledger.SearchKey(want), Limit: free})
	if err != nil {
		return nil, err
	}
	more, err := tx.whatever(want, whatever)
	return append(rows, more...), err
}

func keys(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []int64
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, rows.Err()
}
