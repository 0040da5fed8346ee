package bunstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// alikeRow counts users of one pool that have the same labels.
type alikeRow struct {
	ProjectID   string
	Env         string
	Domain      string
	Labels      string // a JSON object
	Users       int    // in whatever state
	Quarantined int
}

// The users with a set of labels, and those of a pool without labels.
const (
	ofLabelSet = "u.label_set_id = s.label_set_id"
	unlabelled = "u.pool_id = p.pool_id AND u.label_set_id IS NULL"
)

// CountAlike implements [ports.PoolCounter]. It goes from the sets of labels, and from the pools for users without labels, to the
// users of each.
func (s *Store) CountAlike(ctx context.Context, want domain.Selector) (stocks []domain.Stock, now time.Time, err error) {
	var rows []alikeRow
	err = s.read(ctx, "count users with the same labels", func(ctx context.Context, db bun.IDB) error {
		rows = nil
		if now, err = s.clock(ctx, db); err != nil || !findable(want) {
			return err
		}
		count := func(search *bun.SelectQuery, users string) error {
			var some []alikeRow
			err := where(search, s.dialect.Rules.Matches(want, "p", "s")).
				ColumnExpr("p.project_id, p.env, p.domain").
				ColumnExpr("(SELECT count(*) FROM (SELECT 1 FROM users u WHERE "+users+" LIMIT ?) counted) AS users", domain.MostAlike).
				ColumnExpr("(SELECT count(*) FILTER (WHERE unfit) FROM (SELECT "+s.dialect.Rules.Quarantined+" AS unfit FROM users u WHERE "+
					users+" LIMIT ?) counted) AS quarantined", micros(now), domain.MostAlike).
				Limit(mostGroups).
				Scan(ctx, &some)
			rows = append(rows, some...)
			return err
		}
		sets := db.NewSelect().TableExpr("label_sets AS s").Join("JOIN pools AS p ON p.pool_id = s.pool_id").
			ColumnExpr("CAST(s.labels AS text) AS labels")
		if err := count(sets, ofLabelSet); err != nil || len(want.Labels) > 0 {
			return err
		}
		return count(db.NewSelect().TableExpr("pools AS p").ColumnExpr("'{}' AS labels"), unlabelled)
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	stocks, err = stocksOf(rows)
	return stocks, now, err
}

// stocksOf puts the users of each pool together.
func stocksOf(rows []alikeRow) (stocks []domain.Stock, err error) {
	at := make(map[domain.Pool]int)
	for _, r := range rows {
		if r.Users == 0 {
			continue
		}
		project, err := uuid.Parse(r.ProjectID)
		if err != nil {
			return nil, fmt.Errorf("project_id: %w", err)
		}
		alike := domain.Alike{Users: r.Users - r.Quarantined, Quarantined: r.Quarantined}
		if err := json.Unmarshal([]byte(r.Labels), &alike.Labels); err != nil {
			return nil, fmt.Errorf("labels: %w", err)
		}
		pool := domain.Pool{ProjectID: domain.ProjectID(project), Env: r.Env, Domain: r.Domain}
		i, known := at[pool]
		if !known {
			i = len(stocks)
			at[pool] = i
			stocks = append(stocks, domain.Stock{Pool: pool})
		}
		stocks[i].Users = append(stocks[i].Users, alike)
	}
	return stocks, nil
}
