package postgres

import (
	"context"
	"fmt"
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

// searchFree is a query for the most rested free users that a selector matches, which holds them and leaves out those that
// others hold. For a selector that leaves fields of the pool open, or has labels, it holds up to limit users of each pool, or
// set of labels, that fits.
//
// It begins where the longest rested one is known to be; see [lowWater].
func searchFree(want domain.Selector, limit int, from mark) (sql string, args []any) {
	q := newSearch(want)
	sql = `SELECT ` + columns + ` FROM ` + q.from + ` CROSS JOIN LATERAL (
			SELECT u.ctid, u.* FROM users u WHERE ` + q.join + `
			AND (u.free_at, u.user_id) >= (` + q.arg(from.freeAt) + `, ` + q.arg(from.userID) + `) AND ` + isFreeNow + `
			ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(limit) + ` FOR UPDATE OF u SKIP LOCKED
		) u` + q.where + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(limit)
	return sql, q.args
}

// searchCommitted is a query for users that a selector matches by what is committed: some of those that are free, the most
// rested first, and some in whatever state. As one statement, it sees one moment.
func searchCommitted(want domain.Selector, free, whatever int) (sql string, args []any) {
	if !want.UserID.IsZero() {
		return `SELECT ` + columns + ` FROM users u WHERE u.user_id = $1`, []any{[16]byte(want.UserID)}
	}
	q := newSearch(want)
	some := `(SELECT ` + columns + ` FROM ` + q.from + ` CROSS JOIN LATERAL (SELECT u.ctid, u.* FROM users u WHERE ` + q.join
	sql = some + ` AND ` + isFreeNow + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(free) + `
		) u` + q.where + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(free) + `)
		UNION ALL ` + some + ` ORDER BY u.free_at, u.user_id LIMIT ` + q.arg(whatever) + `) u` + q.where + ` LIMIT ` + q.arg(whatever) + `)`
	return sql, q.args
}

// search is what the searches for a selector have in common: they go from the pools, or the sets of labels, that the selector
// matches to the users of each, by an index that has these in the order of their rest.
type search struct {
	from, join, where string
	args              []any
}

func newSearch(want domain.Selector) *search {
	q := &search{from: `pools p`, join: `u.pool_id = p.pool_id`}
	if len(want.Labels) > 0 {
		q.from, q.join = `pools p JOIN label_sets s USING (pool_id)`, `u.label_set_id = s.label_set_id`
	}
	for i, c := range matches(want, "p", "s") {
		keyword := ` AND `
		if i == 0 {
			keyword = ` WHERE `
		}
		q.where += keyword + at(c.SQL, q.arg(c.Args[0])) // each rule of a selector has one argument
	}
	return q
}

// arg adds an argument and returns its placeholder.
func (q *search) arg(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

// Search implements [bunstore.Transaction].
func (tx *transaction) Search(ctx context.Context, searches []ledger.Search) (found [][]bunstore.Row, now int64, err error) {
	found = make([][]bunstore.Row, len(searches))
	e := exchange{conn: tx.conn.Conn()}
	for i, search := range searches {
		if id := search.Want.UserID; !id.IsZero() {
			tx.hold(&e, &found[i], holdUsers, uuids([]domain.UserID{id}))
			continue
		}
		sql, args := searchFree(search.Want, search.Limit, mark{}) // others may have released users that rested longest
		tx.hold(&e, &found[i], sql, args...)
	}
	e.value("SELECT "+clock, &now)
	err = e.send(ctx)
	return found, now, err
}

// Look implements [bunstore.Transaction].
func (tx *transaction) Look(ctx context.Context, want domain.Selector, free, whatever int) ([]bunstore.Row, error) {
	var rows []bunstore.Row
	e := exchange{conn: tx.conn.Conn()}
	sql, args := searchCommitted(want, free, whatever)
	e.rows(sql, args, func(r bunstore.Row, _ pgtype.TID) { rows = append(rows, r) })
	return rows, e.send(ctx)
}
