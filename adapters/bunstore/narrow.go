package bunstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// fewUsers is up to how many users a list looks up by an index and sorts. If more match, a page of them is soon found in their order.
const fewUsers int64 = 20_000

// byUserID is the condition that users u are among those of a search.
const byUserID = "u.user_id IN (?)"

// narrow returns a condition that a list of users in a state has anyway, and that an index leads to, if one is for few users. Without
// it, a list that few users match would read the whole farm.
func (s *Store) narrow(ctx context.Context, db bun.IDB, q ports.Query, now time.Time) (*Condition, error) {
	pool := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain}.In(q.Scope)
	if q.Login != "" {
		// The index on logins begins with the project and the environment.
		pools := where(db.NewSelect().TableExpr("pools AS p").ColumnExpr("p.project_id, p.env"), s.dialect.Rules.Matches(pool, "p", "p"))
		return &Condition{SQL: "(u.project_id, u.env) IN (?)", Args: []any{pools}}, nil
	}
	if q.Owner != "" {
		return nil, nil //nolint:nilnil // the index on expiries leads to the users of an owner
	}
	var ways []*bun.SelectQuery
	if q.Env != "" || q.Domain != "" || q.Status != "" || q.Scope.Limited {
		ways = append(ways, where(db.NewSelect().TableExpr("pools AS p CROSS JOIN users AS u").Where("u.pool_id = p.pool_id"),
			s.dialect.Rules.Matches(pool, "p", "p")))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Labels)) {
		ways = append(ways, db.NewSelect().TableExpr("set_labels AS l CROSS JOIN users AS u").Where("u.label_set_id = l.label_set_id").
			Where("l.name = ? AND l.value = ?", name, q.Labels[name]))
	}
	var shortest *bun.SelectQuery
	fewest := fewUsers + 1
	for _, way := range ways {
		way = s.dialect.Rules.byFreedom(way, q.Status, now)
		if !q.After.IsZero() {
			way = way.Where(afterUser(q), q.After.String())
		}
		n, err := db.NewSelect().TableExpr("(?) AS counted", way.Clone().ColumnExpr("1").Limit(fewest)).Count(ctx)
		if err != nil {
			return nil, err
		}
		if n < fewest {
			shortest, fewest = way, n
		}
	}
	if shortest == nil {
		return nil, nil //nolint:nilnil // many match
	}
	return &Condition{SQL: byUserID, Args: []any{shortest.ColumnExpr("u.user_id")}}, nil
}

// afterUser is the condition for the users after q.After.
func afterUser(q ports.Query) string {
	if q.NewestFirst {
		return "u.user_id < ?"
	}
	return "u.user_id > ?"
}

// byFreedom narrows a search to users that may be in a state at a time, by the end of the indexes on free users.
func (r Rules) byFreedom(search *bun.SelectQuery, state domain.Status, at time.Time) *bun.SelectQuery {
	switch state {
	case domain.Free:
		return search.Where(r.Free, micros(at))
	case domain.Locked:
		return search.Where(r.NotFree, micros(at))
	case domain.Quarantined:
		return search.Where(r.NeverFree)
	default:
		return search
	}
}
