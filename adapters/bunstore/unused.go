package bunstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// unusable is a table whose rows serve searches, and are of no use when no user refers to them anymore.
type unusable struct {
	table, key string
	used       string // an SQL expression for something that refers to a row r; NULL if nothing does
	atOnce     int    // how many rows one transaction deletes at most
}

// unusables are in this order: sets of labels refer to pools. A pool is dear to delete, because the database looks among all
// sets of labels for one that refers to it.
var unusables = []unusable{
	{"label_sets", "label_set_id", "(SELECT u.pool_id FROM users u WHERE u.label_set_id = r.label_set_id LIMIT 1)", 100},
	{"pools", "pool_id", "coalesce((SELECT u.pool_id FROM users u WHERE u.pool_id = r.pool_id LIMIT 1), " +
		"(SELECT s.pool_id FROM label_sets s WHERE s.pool_id = r.pool_id LIMIT 1))", 10},
}

const (
	// examineAtOnce is how many rows one query examines.
	examineAtOnce = 1_000

	// yieldToAdds lies between two transactions that delete, so that those that add users get their turn.
	yieldToAdds = 10 * time.Millisecond
)

// errAdding says that transactions which add users take too long to wait for.
var errAdding = errors.New("users are being added")

// forgetUnused deletes the sets of labels and the pools that no user has anymore: a search reads all that fit. It looks for
// them outside of a transaction, and only if this process may have left some behind since it looked before.
func (s *Store) forgetUnused(ctx context.Context) error {
	if !s.leftUnused.Swap(false) {
		return nil
	}
	err := s.deleteAllUnused(ctx)
	if err != nil {
		s.leftUnused.Store(true) // for the next time
	}
	if errors.Is(err, errAdding) {
		return nil
	}
	return err
}

func (s *Store) deleteAllUnused(ctx context.Context) error {
	for _, u := range unusables {
		for after, more := int64(0), true; more; {
			var unused []int64
			var err error
			if unused, after, more, err = s.findUnused(ctx, u, after); err != nil {
				return err
			}
			for len(unused) > 0 {
				some := unused[:min(len(unused), u.atOnce)]
				if err := s.deleteUnused(ctx, u, some); err != nil {
					return err
				}
				unused = unused[len(some):]
				time.Sleep(yieldToAdds)
			}
		}
	}
	return nil
}

// findUnused examines the next rows after a key.
func (s *Store) findUnused(ctx context.Context, u unusable, after int64) (unused []int64, last int64, more bool, err error) {
	var rows []struct {
		Key    int64
		Unused bool
	}
	err = s.read(ctx, "find unused "+u.table, func(ctx context.Context, db bun.IDB) error {
		rows = nil
		return db.NewSelect().TableExpr("? AS r", bun.Ident(u.table)).
			ColumnExpr("r.? AS key", bun.Ident(u.key)).ColumnExpr(u.used+" IS NULL AS unused").
			Where("r.? > ?", bun.Ident(u.key), after).OrderExpr("r.?", bun.Ident(u.key)).Limit(examineAtOnce).
			Scan(ctx, &rows)
	})
	for _, row := range rows {
		last = row.Key
		if row.Unused {
			unused = append(unused, row.Key)
		}
	}
	return unused, last, len(rows) == examineAtOnce, err
}

// deleteUnused deletes those of the rows that are still unused.
func (s *Store) deleteUnused(ctx context.Context, u unusable, keys []int64) error {
	return s.bounded(ctx, "forget unused "+u.table, func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			return false, s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				for _, statement := range s.dialect.HoldOffAdds {
					if _, err := tx.ExecContext(ctx, statement); err != nil {
						return refuse(fmt.Errorf("%w: %w", errAdding, err))
					}
				}
				_, err := tx.NewDelete().TableExpr("? AS r", bun.Ident(u.table)).
					Where("r.? IN ?", bun.Ident(u.key), bun.Tuple(keys)).Where(u.used + " IS NULL").Exec(ctx)
				return err
			})
		})
	})
}
