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
	freeInLabelSet = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.label_set_id = ? AND ` + free + `
		ORDER BY u.free_at, u.user_id LIMIT ?`

	anyInPool     = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.pool_id = ? LIMIT ?`
	anyInLabelSet = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.label_set_id = ? LIMIT ?`
)

// free returns the most rested free users that a selector matches, up to a limit.
func (tx *transaction) free(want domain.Selector, limit int) ([]bunstore.Row, error) {
	rows, err := tx.search(want, freeInPool, freeInLabelSet, tx.now, limit)
	slices.SortFunc(rows, func(a, b bunstore.Row) int {
		return cmp.Or(cmp.Compare(a.FreeAt, b.FreeAt), slices.Compare(a.UserID[:], b.UserID[:]))
	})
	return rows[:min(len(rows), limit)], err
}

// search runs a statement for each pool that a selector matches, or another for each set of labels. Both take its key and
// then args.
func (tx *transaction) search(want domain.Selector, inPool, inLabelSet string, args ...any) ([]bunstore.Row, error) {
	text, find := inPool, tx.poolsOf
	if len(want.Labels) > 0 {
		text, find = inLabelSet, tx.labelSetsOf
	}
	keys, err := find(want)
	if err != nil {
		return nil, err
	}
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
	if !want.ProjectID.IsZero() && want.Env != "" && want.Domain != "" && !want.Scope().Limited {
		return keys(tx.statement(findPool).QueryContext(tx.ctx, want.ProjectID.String(), want.Env, want.Domain))
	}
	where, args := whereClause(matches(want, "p", ""))
	return keys(tx.tx.QueryContext(tx.ctx, "SELECT p.pool_id FROM pools p"+where, args...))
}

// labelSetsOf returns the keys of the sets of labels that have all the labels of a selector, in the pools that it matches.
func (tx *transaction) labelSetsOf(want domain.Selector) ([]int64, error) {
	conditions := matches(want, "p", "s")
	where, args := whereClause(conditions)
	text := "SELECT s.label_set_id FROM label_sets s"
	if len(conditions) > len(want.Labels) { // without conditions on pools, there may be many that have no such set
		text += " JOIN pools p USING (pool_id)"
	}
	return keys(tx.tx.QueryContext(tx.ctx, text+where, args...))
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
			found[i], err = tx.free(search.Want, search.Limit)
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
	rows, err := tx.free(want, free)
	if err != nil {
		return nil, err
	}
	more, err := tx.search(want, anyInPool, anyInLabelSet, whatever)
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
