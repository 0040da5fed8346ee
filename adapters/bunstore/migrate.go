package bunstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// ErrAhead says that the database has a migration that this program does not know. The program must not use the database: it
// does not know the rules that the migration brought. A program that knows no API keys, for example, would serve every caller.
var ErrAhead = errors.New("a newer userfarm migrated the store")

// Migrate brings the schema of a database up to date, or returns [ErrAhead]. Each migration is a transaction, and may run again if
// the process ends before it is marked as applied. A database that is up to date is not written to, so that no process waits for it.
//
// The caller must hold a lock that keeps every other process from migrating and ends with its process. Bun's own lock does
// not: it is a row that stays when the process that wrote it is killed, and would keep the farm from ever starting again.
// Under the caller's lock such a row can only be a dead process's, so Migrate removes it.
func Migrate(ctx context.Context, db *bun.DB, sql fs.FS) error {
	migrator, err := newMigrator(db, sql)
	if err != nil {
		return err
	}
	if err := migrator.Init(ctx); err != nil {
		return err
	}
	missing, err := unapplied(ctx, migrator)
	if err != nil || missing == 0 {
		return err
	}
	if err := migrator.Unlock(ctx); err != nil {
		return err
	}
	if err := migrator.Lock(ctx); err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx); err != nil {
		return err
	}
	return migrator.Unlock(ctx)
}

// ErrBehind says that the schema of a database is not up to date, and that it is for another process to see to that.
var ErrBehind = errors.New("the farm that has it open is older than this program (use the one that it runs), or still migrates")

// CheckMigrated returns [ErrBehind] or [ErrAhead] unless the schema of a database is up to date. It fails where no schema was ever
// begun.
func CheckMigrated(ctx context.Context, db *bun.DB, sql fs.FS) error {
	migrator, err := newMigrator(db, sql)
	if err != nil {
		return err
	}
	missing, err := unapplied(ctx, migrator)
	if err == nil && missing > 0 {
		return ErrBehind
	}
	return err
}

// unapplied returns how many migrations the database lacks. It returns [ErrAhead] if it has one that is not known here.
func unapplied(ctx context.Context, migrator *migrate.Migrator) (int, error) {
	unknown, err := migrator.MissingMigrations(ctx)
	if err != nil {
		return 0, err
	}
	if len(unknown) > 0 {
		names := make([]string, len(unknown))
		for i, migration := range unknown {
			names[i] = migration.Name
		}
		slices.Sort(names)
		names = slices.Compact(names) // some have two marks
		return 0, fmt.Errorf("%w: this program does not know its migration %s; use the version that the store was last used with, "+
			"or a later one", ErrAhead, strings.Join(names, ", "))
	}
	all, err := migrator.MigrationsWithStatus(ctx)
	return len(all.Unapplied()), err
}

func newMigrator(db *bun.DB, sql fs.FS) (*migrate.Migrator, error) {
	migrations := migrate.NewMigrations()
	if err := migrations.Discover(sql); err != nil {
		return nil, err
	}
	return migrate.NewMigrator(db, migrations, migrate.WithMarkAppliedOnSuccess(true)), nil
}
