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
	crowds, err := s.findCrowds(ctx)
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

// CountWaiting implements [ports.LineReader].
func (s *Store) CountWaiting(ctx context.Context, want []domain.Selector) (count int, err error) {
	err = s.crowds(ctx, func(crowd Crowd) {
		if domain.Compete(crowd.Want, want) {
			count += crowd.Size
		}
	})
	return count, err
}

// lineAtOnce is how many claims of the line one query reads.
const lineAtOnce = 1000

// Line implements [ports.LineReader].
func (s *Store) Line(ctx context.Context, scope domain.Scope, limit int) (line []domain.Waiter, total int, err error) {
	err = s.crowds(ctx, func(crowd Crowd) {
		if _, seen := (domain.Waiter{Want: crowd.Want}).In(scope); seen {
			total += crowd.Size
		}
	})
	if err != nil {
		return nil, 0, err
	}
	for after := int64(0); len(line) < min(limit, total); {
		var batch []Waiter
		err := s.bounded(ctx, "read the line", func(ctx context.Context) error {
			return s.quick(ctx, func() error {
				return s.retry(ctx, func() (_ bool, err error) {
					batch, err = s.engine.Waiters(ctx, after, lineAtOnce)
					return false, err
				})
			})
		})
		if err != nil {
			return nil, 0, err
		}
		if len(batch) == 0 {
			break // claims have left meanwhile
		}
		for _, w := range batch {
			after = w.Place
			seen, ok := domain.Waiter{Want: w.Want, Asker: w.Asker, Since: instant(w.Since), Until: instant(w.Until)}.In(scope)
			if ok && len(line) < limit {
				line = append(line, seen)
			}
		}
	}
	return line, max(total, len(line)), nil
}

// crowds calls see with each crowd in line.
func (s *Store) crowds(ctx context.Context, see func(Crowd)) error {
	return s.bounded(ctx, "count the line", func(ctx context.Context) error {
		crowds, err := s.findCrowds(ctx)
		for _, crowd := range crowds {
			see(crowd)
		}
		return err
	})
}

func (s *Store) findCrowds(ctx context.Context) (crowds []Crowd, err error) {
	err = s.quick(ctx, func() error {
		return s.retry(ctx, func() (_ bool, err error) {
			crowds, err = s.engine.Crowds(ctx)
			return false, err
		})
	})
	return crowds, err
}
