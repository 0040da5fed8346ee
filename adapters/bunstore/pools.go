package bunstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// poolRow is the count of one pool.
type poolRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ProjectID   string
	Env         string
	Domain      string
	Total       int
	Locked      int
	Quarantined int
}

// CountPools implements [ports.PoolCounter].
func (s *Store) CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error) {
	var pools []domain.PoolCount
	err := s.read(ctx, "count pools", func(ctx context.Context, db bun.IDB) error {
		now, err := s.clock(ctx, db)
		if err != nil {
			return err
		}
		var rows []poolRow
		rules := s.dialect.Rules
		err = where(db.NewSelect().Model(&rows), rules.InScope(scope, "u.project_id")).
			Column("project_id", "env", "domain").
			ColumnExpr("count(*) AS total").
			ColumnExpr("count(*) FILTER (WHERE "+rules.Quarantined+") AS quarantined", micros(now)).
			ColumnExpr("count(*) FILTER (WHERE "+rules.locked()+") AS locked", micros(now), micros(now)).
			Group("project_id", "env", "domain").
			Order("project_id", "env", "domain").
			Scan(ctx)
		if err != nil {
			return err
		}
		pools = make([]domain.PoolCount, len(rows))
		for i, r := range rows {
			if pools[i], err = r.count(); err != nil {
				return err
			}
		}
		return s.countWaiting(ctx, db, now, pools)
	})
	if err != nil {
		return nil, err
	}
	return pools, nil
}

func (r poolRow) count() (domain.PoolCount, error) {
	project, err := uuid.Parse(r.ProjectID)
	if err != nil {
		return domain.PoolCount{}, refuse(fmt.Errorf("project_id: %w", err))
	}
	return domain.PoolCount{
		Pool:        domain.Pool{ProjectID: domain.ProjectID(project), Env: r.Env, Domain: r.Domain},
		Total:       r.Total,
		Free:        r.Total - r.Locked - r.Quarantined,
		Locked:      r.Locked,
		Quarantined: r.Quarantined,
	}, nil
}
