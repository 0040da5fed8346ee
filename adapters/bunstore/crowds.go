package bunstore

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// countWaiting counts, in pools, the claims in line that want their users.
func (s *Store) countWaiting(ctx context.Context, db bun.IDB, now time.Time, pools []domain.PoolCount) error {
	crowds, err := s.engine.Crowds(ctx)
	if err != nil || len(crowds) == 0 {
		return err
	}
	homes, err := poolsOf(ctx, db, crowds)
	if err != nil {
		return err
	}
	for i := range pools {
		for _, crowd := range crowds {
			waits := slices.ContainsFunc(crowd.Want, func(s domain.Selector) bool {
				home, isNamed := homes[s.UserID]
				return isNamed && home == pools[i].Pool || s.InPool(pools[i].Pool)
			})
			if waits {
				pools[i].Waiting += crowd.Size
				pools[i].LongestWait = max(pools[i].LongestWait, now.Sub(instant(crowd.Since)))
			}
		}
	}
	return nil
}

// poolsOf returns the pools of the users that crowds name.
func poolsOf(ctx context.Context, db bun.IDB, crowds []Crowd) (map[domain.UserID]domain.Pool, error) {
	var named []string
	for _, crowd := range crowds {
		for _, selector := range crowd.Want {
			if !selector.UserID.IsZero() {
				named = append(named, selector.UserID.String())
			}
		}
	}
	if len(named) == 0 {
		return nil, nil
	}
	rows, err := db.NewSelect().TableExpr("users AS u").Column("u.user_id", "u.project_id", "u.env", "u.domain").
		Where("u.user_id IN (?)", bun.List(named)).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	homes := make(map[domain.UserID]domain.Pool, len(named))
	for rows.Next() {
		var userID, projectID uuid.UUID
		var pool domain.Pool
		if err := rows.Scan(&userID, &projectID, &pool.Env, &pool.Domain); err != nil {
			return nil, err
		}
		pool.ProjectID = domain.ProjectID(projectID)
		homes[domain.UserID(userID)] = pool
	}
	return homes, rows.Err()
}
