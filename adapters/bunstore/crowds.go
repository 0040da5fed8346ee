package bunstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// countWaiting counts, in pools, the claims in line that want their users.
func (s *Store) countWaiting(ctx context.Context, db bun.IDB, now time.Time, pools []domain.PoolCount) error {
	crowds, err := s.findCrowds(ctx)
	if err != nil || len(crowds) == 0 {
		return err
	}
	named, err := s.named(ctx, db, wantsOf(crowds)...)
	if err != nil {
		return err
	}
	for i := range pools {
		for _, crowd := range crowds {
			waits := slices.ContainsFunc(crowd.Want, func(s domain.Selector) bool {
				u, isNamed := named[s.UserID]
				return isNamed && u.Pool() == pools[i].Pool || s.InPool(pools[i].Pool)
			})
			if waits {
				pools[i].Waiting += crowd.Size
				pools[i].LongestWait = max(pools[i].LongestWait, now.Sub(instant(crowd.Since)))
			}
		}
	}
	return nil
}

func wantsOf(crowds []Crowd) [][]domain.Selector {
	wants := make([][]domain.Selector, len(crowds))
	for i, crowd := range crowds {
		wants[i] = crowd.Want
	}
	return wants
}

// named returns the users that selectors name and that are there, without their secrets.
func (s *Store) named(ctx context.Context, db bun.IDB, wants ...[]domain.Selector) (map[domain.UserID]*domain.User, error) {
	var ids []string
	for _, want := range wants {
		for _, selector := range want {
			if !selector.UserID.IsZero() {
				ids = append(ids, selector.UserID.String())
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := s.all(ctx, users(db).Where("u.user_id IN (?)", bun.List(ids)), Row.restoreBare)
	named := make(map[domain.UserID]*domain.User, len(all))
	for _, u := range all {
		named[u.ID()] = u
	}
	return named, err
}

// CountWaiting implements [ports.LineReader].
func (s *Store) CountWaiting(ctx context.Context, want []domain.Selector) (count int, err error) {
	crowds, named, err := s.crowds(ctx, want)
	for _, crowd := range crowds {
		if domain.CompeteOn(crowd.Want, want, named) {
			count += crowd.Size
		}
	}
	return count, err
}

// lineAtOnce is how many claims of the line one query reads.
const lineAtOnce = 1000

// Line implements [ports.LineReader].
func (s *Store) Line(ctx context.Context, scope domain.Scope, limit int) (line []domain.Waiter, total int, err error) {
	crowds, named, err := s.crowds(ctx, nil)
	if err != nil {
		return nil, 0, err
	}
	for _, crowd := range crowds {
		if _, seen := (domain.Waiter{Want: crowd.Want}).In(scope, named); seen {
			total += crowd.Size
		}
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
			if s.line.isLeaving(ledger.Place(w.Place)) {
				continue
			}
			seen, ok := domain.Waiter{Want: w.Want, Asker: w.Asker, Since: instant(w.Since), Until: instant(w.Until)}.In(scope, named)
			if ok && len(line) < limit {
				line = append(line, seen)
			}
		}
	}
	return line, max(total, len(line)), nil
}

// crowds returns the crowds in line, and the users that they and a claim name.
func (s *Store) crowds(ctx context.Context, want []domain.Selector) (crowds []Crowd, named map[domain.UserID]*domain.User, err error) {
	err = s.bounded(ctx, "count the line", func(ctx context.Context) error {
		if crowds, err = s.findCrowds(ctx); err != nil || len(crowds) == 0 {
			return err
		}
		return s.retry(ctx, func() (_ bool, err error) {
			named, err = s.named(ctx, s.reader, append(wantsOf(crowds), want)...)
			return false, err
		})
	})
	return crowds, named, err
}

// findCrowds returns the crowds of those claims that wait, and not of those that were refused a moment ago: they are told how many
// others wait.
func (s *Store) findCrowds(ctx context.Context) (crowds []Crowd, err error) {
	err = s.quick(ctx, func() error {
		return s.retry(ctx, func() (_ bool, err error) {
			crowds, err = s.engine.Crowds(ctx, s.line.left())
			return false, err
		})
	})
	return crowds, err
}
