package sqlite

import (
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"github.com/google/uuid"

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
	text := inPool
	keys, err := tx.poolsOf(want)
	if err == nil && len(want.Labels) > 0 {
		text = inLabelSet
		keys, err = tx.labelSetsOf(keys, want.Labels)
	}
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
	var conditions []string
	var args []any
	if !want.ProjectID.IsZero() {
		conditions, args = append(conditions, "project_id = ?"), append(args, uuid.UUID(want.ProjectID).String())
	}
	if want.Env != "" {
		conditions, args = append(conditions, "env = ?"), append(args, want.Env)
	}
	if want.Domain != "" {
		conditions, args = append(conditions, "domain = ?"), append(args, want.Domain)
	}
	if want.Scope.Limited {
		marks := make([]string, len(want.Scope.Projects))
		for i, project := range want.Scope.Projects {
			marks[i], args = "?", append(args, project.String())
		}
		conditions = append(conditions, "project_id IN ("+strings.Join(marks, ", ")+")")
	}
	isPool := !want.ProjectID.IsZero() && want.Env != "" && want.Domain != ""
	switch {
	case len(conditions) == 0:
		return keys(tx.tx.QueryContext(tx.ctx, "SELECT pool_id FROM pools"))
	case isPool && !want.Scope.Limited:
		return keys(tx.statement(findPool).QueryContext(tx.ctx, args...))
	default:
		return keys(tx.tx.QueryContext(tx.ctx, "SELECT pool_id FROM pools WHERE "+strings.Join(conditions, " AND "), args...))
	}
}

// labelSetsOf returns the keys of the sets of labels, in the pools, that have all the labels.
func (tx *transaction) labelSetsOf(pools []int64, labels domain.Labels) ([]int64, error) {
	condition, args := tx.engine.dialect.HasLabels(labels)
	text := "SELECT u.label_set_id FROM label_sets u WHERE " + condition + " AND u.pool_id = ?"
	var sets []int64
	for _, pool := range pools {
		some, err := keys(tx.tx.QueryContext(tx.ctx, text, append(slices.Clone(args), pool)...))
		if err != nil {
			return nil, err
		}
		sets = append(sets, some...)
	}
	return sets, nil
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
