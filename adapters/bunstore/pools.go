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
	bun.BaseModel `bun:"table:pools,alias:p"`

	ProjectID   string
	Env         string
	Domain      string
	Free        int
	NotFree     int
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
		// The index on free users has all that is counted, except whether a user that time alone does not free is in quarantine.
		const inPool = "(SELECT count(*) FROM users AS u WHERE u.pool_id = p.pool_id AND "
		err = where(db.NewSelect().Model(&rows), rules.InScope(scope, "p.project_id")).
			Column("project_id", "env", "domain").
			ColumnExpr(inPool+rules.Free+") AS free", micros(now)).
			ColumnExpr(inPool+rules.NotFree+") AS not_free", micros(now)).
			ColumnExpr(inPool+rules.NeverFree+" AND "+rules.Quarantined+") AS quarantined", micros(now)).
			Order("project_id", "env", "domain").
			Scan(ctx)
		if err != nil {
			return err
		}
		pools = make([]domain.PoolCount, 0, len(rows))
		for _, r := range rows {
			count, err := r.count()
			if err != nil {
				return err
			}
			if count.Total > 0 {
				pools = append(pools, count)
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
		Total:       r.Free + r.NotFree,
		Free:        r.Free,
		Locked:      r.NotFree - r.Quarantined,
		Quarantined: r.Quarantined,
	}, nil
}
