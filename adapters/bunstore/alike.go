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

// CountAlike implements [ports.PoolCounter]. It goes from the sets of labels, and from the pools for users without labels, to the
// users of each. Indexes have all that is counted, except whether a user that time alone does not free is in quarantine.
func (s *Store) CountAlike(ctx context.Context, want domain.Selector) (stocks []domain.Stock, now time.Time, err error) {
	var rows []alikeRow
	err = s.read(ctx, "count users with the same labels", func(ctx context.Context, db bun.IDB) error {
		rows = nil
		if now, err = s.clock(ctx, db); err != nil || !findable(want) {
			return err
		}
		const (
			ofSet        = "(SELECT count(*) FROM users u WHERE u.label_set_id = s.label_set_id"
			ofPool       = "(SELECT count(*) FROM users u WHERE u.pool_id = p.pool_id"
			withLabels   = "(SELECT count(*) FROM label_sets l JOIN users u ON u.label_set_id = l.label_set_id WHERE l.pool_id = p.pool_id)"
			withoutLabel = " AND u.label_set_id IS NULL"
		)
		rules := s.dialect.Rules
		inQuarantine := " AND " + rules.NeverFree + " AND " + rules.Quarantined
		count := func(search *bun.SelectQuery, users, quarantined string) error {
			var some []alikeRow
			err := where(search, rules.Matches(want, "p", "s")).
				ColumnExpr("p.project_id, p.env, p.domain").
				ColumnExpr(users+" AS users").
				ColumnExpr(quarantined+inQuarantine+") AS quarantined", micros(now)).
				Limit(mostGroups).
				Scan(ctx, &some)
			rows = append(rows, some...)
			return err
		}
		sets := db.NewSelect().TableExpr("label_sets AS s").Join("JOIN pools AS p ON p.pool_id = s.pool_id").
			ColumnExpr("CAST(s.labels AS text) AS labels")
		if err := count(sets, ofSet+")", ofSet); err != nil || len(want.Labels) > 0 {
			return err
		}
		pools := db.NewSelect().TableExpr("pools AS p").ColumnExpr("'{}' AS labels")
		return count(pools, ofPool+") - "+withLabels, ofPool+withoutLabel)
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
