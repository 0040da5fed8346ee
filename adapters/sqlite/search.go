package sqlite

import (
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
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
	conditions, args := poolConditions(want)
	switch {
	case len(conditions) == 0:
		return keys(tx.tx.QueryContext(tx.ctx, "SELECT p.pool_id FROM pools p"))
	case !want.ProjectID.IsZero() && want.Env != "" && want.Domain != "" && !want.Scope().Limited:
		return keys(tx.statement(findPool).QueryContext(tx.ctx, args...))
	default:
		return keys(tx.tx.QueryContext(tx.ctx, "SELECT p.pool_id FROM pools p WHERE "+strings.Join(conditions, " AND "), args...))
	}
}

// labelSetsOf returns the keys of the sets of labels that have all the labels of a selector, in the pools that it matches.
func (tx *transaction) labelSetsOf(want domain.Selector) ([]int64, error) {
	condition, args := tx.engine.dialect.HasLabels(want.Labels)
	conditions, more := poolConditions(want)
	text := "SELECT u.label_set_id FROM label_sets u"
	if len(conditions) > 0 { // without any, there may be many pools that have no such set
		text += " JOIN pools p USING (pool_id)"
	}
	text += " WHERE " + strings.Join(append([]string{condition}, conditions...), " AND ")
	return keys(tx.tx.QueryContext(tx.ctx, text, append(args, more...)...))
}

// poolConditions returns the conditions, and their arguments, on the columns of a table p that a selector makes.
func poolConditions(want domain.Selector) (conditions []string, args []any) {
	if !want.ProjectID.IsZero() {
		conditions, args = append(conditions, "p.project_id = ?"), append(args, want.ProjectID.String())
	}
	if want.Env != "" {
		conditions, args = append(conditions, "p.env = ?"), append(args, want.Env)
	}
	if want.Domain != "" {
		conditions, args = append(conditions, "p.domain = ?"), append(args, want.Domain)
	}
	if want.Scope().Limited {
		marks := make([]string, len(want.Scope().Projects))
		for i, project := range want.Scope().Names() {
			marks[i], args = "?", append(args, project)
		}
		conditions = append(conditions, "p.project_id IN ("+strings.Join(marks, ", ")+")")
	}
	return conditions, args
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
