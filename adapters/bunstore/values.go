package bunstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// mostGroups is how many pools, or sets of labels, a count of values looks at.
const mostGroups = 1_000

// alike are users of one pool, or with one set of labels.
type alike struct {
	ProjectID string
	Env       string
	Domain    string
	Labels    string // a JSON object
	Users     int    // at most [domain.MostCounted]
}

// The number of users of a pool, of those without labels in it, and of a set of labels. Each reads a bounded part of an index.
const (
	usersOfPool     = `(SELECT count(*) FROM (SELECT 1 FROM users u WHERE u.pool_id = p.pool_id LIMIT ?) counted)`
	usersUnlabelled = `(SELECT count(*) FROM (SELECT u.label_set_id AS labelled FROM users u WHERE u.pool_id = p.pool_id LIMIT ?) counted
		WHERE labelled IS NULL)`
	usersOfLabelSet = `(SELECT count(*) FROM (SELECT 1 FROM users u WHERE u.label_set_id = s.label_set_id LIMIT ?) counted)`
)

// CountValues implements [ports.PoolCounter]. It goes from the pools, or the sets of labels, to some users of each: a search
// among all users, for one env or for labels, would read them all.
func (s *Store) CountValues(ctx context.Context, want domain.Selector, field domain.Field) ([]domain.ValueCount, error) {
	if !findable(want) {
		return nil, nil
	}
	var groups []alike
	err := s.read(ctx, "count values", func(ctx context.Context, db bun.IDB) error {
		groups = nil
		count := func(search *bun.SelectQuery, users string) error {
			var some []alike
			err := where(search, s.dialect.Rules.Matches(want, "p", "s")).
				ColumnExpr("p.project_id, p.env, p.domain").
				ColumnExpr(users+" AS users", domain.MostCounted).
				Limit(mostGroups).
				Scan(ctx, &some)
			groups = append(groups, some...)
			return err
		}
		pools := db.NewSelect().TableExpr("pools AS p").ColumnExpr("'{}' AS labels")
		sets := db.NewSelect().TableExpr("label_sets AS s").Join("JOIN pools AS p ON p.pool_id = s.pool_id").
			ColumnExpr("CAST(s.labels AS text) AS labels")
		_, ofLabel := field.Label()
		switch {
		case len(want.Labels) > 0:
			return count(sets, usersOfLabelSet)
		case ofLabel:
			if err := count(sets, usersOfLabelSet); err != nil {
				return err
			}
			return count(pools, usersUnlabelled)
		default:
			return count(pools, usersOfPool)
		}
	})
	if err != nil {
		return nil, err
	}
	return countValues(groups, field)
}

// countValues adds up the users that have the same value.
func countValues(groups []alike, field domain.Field) ([]domain.ValueCount, error) {
	var counts []domain.ValueCount
	at := make(map[domain.ValueCount]int)
	for _, g := range groups {
		if g.Users == 0 {
			continue
		}
		project, err := uuid.Parse(g.ProjectID)
		if err != nil {
			return nil, fmt.Errorf("project_id: %w", err)
		}
		var labels domain.Labels
		if err := json.Unmarshal([]byte(g.Labels), &labels); err != nil {
			return nil, fmt.Errorf("labels: %w", err)
		}
		pool := domain.Pool{ProjectID: domain.ProjectID(project), Env: g.Env, Domain: g.Domain}
		value, has := field.Of(pool, labels)
		key := domain.ValueCount{Value: value, Absent: !has}
		i, known := at[key]
		if !known {
			i = len(counts)
			at[key] = i
			counts = append(counts, key)
		}
		counts[i].Users += g.Users
	}
	return counts, nil
}
