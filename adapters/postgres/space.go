package postgres

import (
	"context"

	"github.com/uptrace/bun"
)

// checkSpace makes the server write some hundred kilobytes to a temporary file, which it removes. That needs no right, and nothing that
// is to be vacuumed.
func checkSpace(db *bun.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, `SET LOCAL temp_tablespaces = ''`); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `SET LOCAL work_mem = '64kB'`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `SELECT count(*) FROM generate_series(1, 50000)`)
			return err
		})
	}
}
