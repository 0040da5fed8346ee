package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// searchFewSets is [searchFree] for a selector with labels, as long as few sets of labels match. It also returns how many users it
// looked for in each set at most, and with the first user all candidates. If many sets match, that number is 0, and there is no
// user, but a row.
func searchFewSets(want domain.Selector, limit int) (sql string, args []any) {
	q := newSearch(want)
	atMost, remember := q.arg(limit)+`::bigint`, q.arg(max(limit, bunstore.CandidatesAtOnce))
	sql = `WITH ` + q.rarest + ` matching AS MATERIALIZED (` + q.sets + ` LIMIT ` + fewSets + ` + 1),
		sets (of_each) AS MATERIALIZED (
			SELECT CASE WHEN count(*) <= ` + fewSets + `
				THEN greatest(` + atMost + `, least(` + atOnce + `, ` + usersAtOnce + ` / greatest(count(*), 1))) ELSE 0 END FROM matching),
		found AS MATERIALIZED (` + freeInSets(`matching`, `(SELECT of_each FROM sets)`, `(SELECT of_each FROM sets) > 0`, remember) + `)
		` + holdFound(atMost, `sets.of_each`, `sets LEFT JOIN LATERAL`, `ON true`)
	return sql, q.args
}

// searchManySets is [searchFewSets] for many sets. It reads the users of the pool in the order of their rest, because many will
// have the labels. If too few of those have them, or if the selector leaves the pool open, it goes by all sets.
func searchManySets(want domain.Selector, limit int) (sql string, args []any) {
	q := newSearch(want)
	atMost, remember := q.arg(limit)+`::bigint`, q.arg(max(limit, bunstore.CandidatesAtOnce))
	inPool := `SELECT NULL::uuid AS user_id, 0::bigint AS free_at, 0::bigint AS label_set_id WHERE false`
	if _, named := want.Pool(); named {
		inPool = `SELECT u.user_id, u.free_at, 0 FROM (
				SELECT u.user_id, u.free_at, u.label_set_id FROM users u
				WHERE u.pool_id = (SELECT p.pool_id FROM pools p WHERE ` + q.pools + `) AND ` + isFreeNow + `
				ORDER BY u.free_at, u.user_id LIMIT ` + usersAtOnce + `
			) u WHERE (SELECT s.labels @> ` + q.labels(want) + ` FROM label_sets s WHERE s.label_set_id = u.label_set_id)
			ORDER BY u.free_at, u.user_id LIMIT ` + remember
	}
	ofEach := q.arg(max(limit, bunstore.OfEachSet)) + `::bigint`
	sql = `WITH ` + q.rarest + ` in_pool (user_id, free_at, label_set_id) AS MATERIALIZED (` + inPool + `),
		enough (enough) AS MATERIALIZED (SELECT count(*) >= ` + atMost + ` FROM in_pool),
		found AS MATERIALIZED (
			SELECT * FROM in_pool WHERE (SELECT enough FROM enough)
			UNION ALL ` + freeInSets(`(`+q.sets+`)`, ofEach, `NOT (SELECT enough FROM enough)`, remember) + `)
		` + holdFound(atMost, ofEach, ``, ``)
	return sql, q.args
}

var (
	fewSets     = strconv.Itoa(bunstore.FewSets)
	atOnce      = strconv.Itoa(bunstore.CandidatesAtOnce)
	usersAtOnce = strconv.Itoa(bunstore.UsersAtOnce)
)

// freeInSets is a query for the most rested free users of sets, up to ofEach of each and limit in all, under a condition.
func freeInSets(sets, ofEach, condition, limit string) string {
	return `(SELECT u.user_id, u.free_at, m.label_set_id FROM ` + sets + ` m CROSS JOIN LATERAL (
				SELECT u.user_id, u.free_at FROM users u WHERE u.label_set_id = m.label_set_id AND ` + isFreeNow + `
				ORDER BY u.free_at, u.user_id LIMIT ` + ofEach + `
			) u WHERE ` + condition + ` ORDER BY u.free_at, u.user_id LIMIT ` + limit + `)`
}

// holdFound is a query that holds the first of the users in the table found. See [labelSearch.scan].
func holdFound(limit, ofEach, from, on string) string {
	all := func(column string) string {
		return `CASE WHEN row_number() OVER () = 1 THEN (SELECT array_agg(f.` + column + ` ORDER BY f.free_at, f.user_id) FROM found f) END, `
	}
	return `SELECT ` + all(`user_id`) + all(`free_at`) + all(`label_set_id`) + ofEach + `, ` + columns + ` FROM ` + from + ` (
			SELECT u.* FROM (SELECT f.user_id FROM found f ORDER BY f.free_at, f.user_id) f CROSS JOIN LATERAL (
				SELECT u.ctid, u.* FROM users u WHERE u.user_id = f.user_id AND ` + isFreeNow + ` FOR UPDATE OF u SKIP LOCKED
			) u LIMIT ` + limit + `
		) u ` + on
}

// holdCandidates holds the first of a list of candidates, as far as they still are.
const holdCandidates = `SELECT ` + columns + ` FROM unnest($1::uuid[], $2::bigint[]) AS f (user_id, free_at) CROSS JOIN LATERAL (
		SELECT u.ctid, u.* FROM users u WHERE u.user_id = f.user_id AND u.free_at = f.free_at FOR UPDATE OF u SKIP LOCKED
	) u LIMIT $3`

// labelSearch is a search with labels. It takes one step or more: it holds candidates if there are enough, looks into few sets of
// labels if too few of these are left, and into many if many match.
type labelSearch struct {
	ledger.Search
	tx    *transaction
	found *[]bunstore.Row
	next  func(*exchange) // adds the query of the next step; nil if the search is done
}

// searchLabels returns a search that begins with the candidates that are known.
func (tx *transaction) searchLabels(search ledger.Search, found *[]bunstore.Row) *labelSearch {
	tx.searched = append(tx.searched, search.Key)
	s := &labelSearch{Search: search, tx: tx, found: found}
	if s.next = s.fewSets; len(tx.candidates.Of(search.Key)) >= search.Limit {
		s.next = s.candidates
	}
	return s
}

func (s *labelSearch) candidates(x *exchange) {
	known := s.tx.candidates.Of(s.Key)
	users, freeAt := make([][16]byte, len(known)), make([]int64, len(known))
	for i, candidate := range known {
		users[i], freeAt[i] = candidate.User, candidate.FreeAt
	}
	x.read(holdCandidates, []any{users, freeAt, s.Limit}, func(rows pgx.Rows) error {
		err := scanUsers(rows, nil, s.take)
		s.tx.candidates.Held(s.Key, *s.found)
		if s.next = nil; len(*s.found) < s.Limit {
			*s.found, s.next = nil, s.fewSets
		}
		return err
	})
}

func (s *labelSearch) fewSets(x *exchange) {
	sql, args := searchFewSets(s.Want, s.Limit)
	x.read(sql, args, func(rows pgx.Rows) error {
		few, err := s.scan(rows)
		if s.next = nil; !few {
			s.next = s.manySets
		}
		return err
	})
}

func (s *labelSearch) manySets(x *exchange) {
	sql, args := searchManySets(s.Want, s.Limit)
	x.read(sql, args, func(rows pgx.Rows) error {
		s.next = nil
		_, err := s.scan(rows)
		return err
	})
}

// scan reads what holdFound returns, and keeps the candidates. It reports whether any sets were looked into.
func (s *labelSearch) scan(rows pgx.Rows) (looked bool, err error) {
	var users [][16]byte
	var freeAt, sets []int64
	var ofEach int
	var found []bunstore.Candidate
	err = scanUsers(rows, []any{&users, &freeAt, &sets, &ofEach}, func(r bunstore.Row, place pgtype.TID) {
		s.take(r, place)
		for i, user := range users {
			found = append(found, bunstore.Candidate{User: user, FreeAt: freeAt[i], Set: sets[i]})
		}
	})
	s.tx.candidates.Found(s.Key, found, ofEach)
	return ofEach > 0, err
}

func (s *labelSearch) take(r bunstore.Row, place pgtype.TID) { s.tx.held(s.found, r, place) }

// finish sends the queries of searches until all are done, with those that are to be answered again after each step.
func (tx *transaction) finish(ctx context.Context, searches []*labelSearch, again func(*exchange)) error {
	for {
		x := exchange{conn: tx.conn.Conn()}
		for _, s := range searches {
			if s.next != nil {
				s.next(&x)
			}
		}
		if len(x.reads) == 0 {
			return nil
		}
		again(&x)
		if err := x.send(ctx); err != nil {
			return err
		}
	}
}
