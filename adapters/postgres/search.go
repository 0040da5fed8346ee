package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// isFreeNow is the rule for users u that are free while the statement runs.
var isFreeNow = at(free, `(SELECT `+clock+`)`)

// at returns a rule with an expression in place of its ?.
func at(rule, expression string) string { return strings.ReplaceAll(rule, "?", expression) }

// searchFree is a query for the most rested free users that a selector without labels matches, which holds them and leaves out
// those that others hold. If the selector leaves fields of the pool open, it reads up to limit users of each pool that fits.
//
// It begins where the longest rested one is known to be; see [lowWater].
func searchFree(want domain.Selector, limit int, from mark) (sql string, args []any) {
	q := newSearch(want)
	sql = `SELECT ` + columns + ` FROM pools p CROSS JOIN LATERAL (
			SELECT u.ctid, u.* FROM users u WHERE u.pool_id = p.pool_id
			AND (u.free_at, u.user_id) >= (` + q.arg(from.freeAt) + `, ` + q.arg(from.userID) + `) AND ` + isFreeNow + `
			ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(limit) + ` FOR UPDATE OF u SKIP LOCKED
		) u WHERE ` + q.pools + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(limit)
	return sql, q.args
}

// searchCommitted is a query for users that a selector matches by what is committed: some of those that are free, the most
// rested first, and some in whatever state. As one statement, it sees one moment.
func searchCommitted(want domain.Selector, free, whatever int) (sql string, args []any) {
	if !want.UserID.IsZero() {
		return `SELECT ` + columns + ` FROM users u WHERE u.user_id = $1`, []any{[16]byte(want.UserID)}
	}
	q := newSearch(want)
	with, places, same := ``, `SELECT p.pool_id FROM pools p WHERE `+q.pools, `u.pool_id = m.pool_id`
	if len(want.Labels) > 0 {
		with, places, same = q.rarest, q.sets, `u.label_set_id = m.label_set_id`
	}
	some := `(SELECT ` + columns + ` FROM matching m CROSS JOIN LATERAL (SELECT u.ctid, u.* FROM users u WHERE ` + same
	sql = `WITH ` + with + ` matching AS MATERIALIZED (` + places + `)
		` + some + ` AND ` + isFreeNow + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(free) + `
		) u ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(free) + `)
		UNION ALL ` + some + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(whatever) + `) u LIMIT ` + q.arg(whatever) + `)`
	return sql, q.args
}

// search is what the searches for a selector have in common.
type search struct {
	args   []any
	pools  string // the condition for pools p
	sets   string // a query for the sets of labels that match
	rarest string // what sets needs in WITH, followed by a comma; may be empty
}

// newSearch returns the parts of the searches for a selector. Of several labels, the one that the fewest sets have leads to the sets.
func newSearch(want domain.Selector) *search {
	q := &search{pools: `true`}
	inPool := want
	inPool.Labels = nil
	for _, c := range matches(inPool, "p", "") {
		q.pools += ` AND ` + at(c.SQL, q.arg(c.Args[0])) // each rule of a selector has one argument
	}
	if len(want.Labels) == 0 {
		return q
	}
	names := slices.Sorted(maps.Keys(want.Labels))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = want.Labels[name]
	}
	if len(names) == 1 {
		q.sets = `SELECT l.label_set_id FROM set_labels l JOIN pools p USING (pool_id)
			WHERE (l.name, l.value) = (` + q.arg(names[0]) + `, ` + q.arg(values[0]) + `) AND ` + q.pools
		return q
	}
	q.rarest = `labels (name, value, sets) AS MATERIALIZED (
			SELECT n.name, n.value, (SELECT count(*) FROM (
				SELECT FROM set_labels l JOIN pools p USING (pool_id)
				WHERE (l.name, l.value) = (n.name, n.value) AND ` + q.pools + ` LIMIT ` + atOnce + `) AS sets)
			FROM unnest(` + q.arg(names) + `::text[], ` + q.arg(values) + `::text[]) AS n (name, value)),
		rarest AS MATERIALIZED (SELECT name, value FROM labels ORDER BY sets LIMIT 1),`
	q.sets = `SELECT l.label_set_id FROM rarest r JOIN set_labels l ON (l.name, l.value) = (r.name, r.value)
			JOIN pools p USING (pool_id) JOIN label_sets s USING (label_set_id) WHERE s.labels @> ` + q.labels(want) + ` AND ` + q.pools
	return q
}

// labels adds the labels of a selector as an argument and returns its placeholder.
func (q *search) labels(want domain.Selector) string {
	encoded, _ := json.Marshal(want.Labels) // a map of texts always encodes
	return q.arg(string(encoded)) + `::jsonb`
}

// arg adds an argument and returns its placeholder.
func (q *search) arg(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

// search adds queries for free users, each from where the longest rested one is known to be. It returns the searches that may take
// more steps; see [transaction.finish].
func (tx *transaction) search(
	x *exchange, searches []ledger.Search, from func(key string) mark, found [][]bunstore.Row,
) (labelled []*labelSearch) {
	for i, search := range searches {
		id := search.Want.UserID
		switch {
		case !id.IsZero():
			tx.hold(x, &found[i], holdUsers, uuids([]domain.UserID{id}))
		case len(search.Want.Labels) > 0:
			s := tx.searchLabels(search, &found[i])
			s.next(x)
			labelled = append(labelled, s)
		default:
			sql, args := searchFree(search.Want, search.Limit, from(search.Key))
			tx.hold(x, &found[i], sql, args...)
		}
	}
	return labelled
}

// Search implements [bunstore.Transaction].
func (tx *transaction) Search(ctx context.Context, searches []ledger.Search) (found [][]bunstore.Row, now int64, err error) {
	found = make([][]bunstore.Row, len(searches))
	x := exchange{conn: tx.conn.Conn()}
	fromBeginning := func(string) mark { return mark{} } // others may have released users that rested longest
	labelled := tx.search(&x, searches, fromBeginning, found)
	askNow := func(x *exchange) { x.value("SELECT "+clock, &now) }
	askNow(&x)
	if err := x.send(ctx); err != nil {
		return nil, 0, err
	}
	return found, now, tx.finish(ctx, labelled, askNow)
}

// Look implements [bunstore.Transaction].
func (tx *transaction) Look(ctx context.Context, want domain.Selector, free, whatever int) ([]bunstore.Row, error) {
	var rows []bunstore.Row
	e := exchange{conn: tx.conn.Conn()}
	sql, args := searchCommitted(want, free, whatever)
	e.rows(sql, args, func(r bunstore.Row, _ pgtype.TID) { rows = append(rows, r) })
	return rows, e.send(ctx)
}
