// Package sqlite keeps users in an embedded SQLite file: the store that one farm runs on with nothing to install.
//
// The file belongs to one farm at a time, which a lock ensures: only the farm hands out users, by its process's clock, and knows
// which claims are in line. The process that has the lock also brings the schema up to date. A program that manages keys has
// the lock for no longer than that takes: a farm may serve, or start, at the same time. If the file is removed, renamed or
// replaced while a store has it open, the store is unavailable.
// What was answered is on disk: write-ahead log, synchronous=FULL.
package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the file at path, makes it if there is none, and brings its schema up to date. It returns [ErrInUse] if
// another userfarm has it open, also two seconds later: a program that manages keys has it for moments only. It returns
// [bunstore.ErrMissingKey] if sealer lacks a key that the file was opened with before. The store compares logins as logins
// says; see [bunstore.KeyLogins]. It tells observers what it has written.
func Open(
	ctx context.Context, path string, sealer ports.Sealer, logins bunstore.Logins, observers ...ports.Observer,
) (store *bunstore.Store, err error) {
	err = retryOpen(ctx, func() error {
		db, err := open(ctx, path)
		if err == nil {
			store, err = db.store(ctx, sealer, &logins, observers...)
		}
		return err
	})
	return store, err
}

// store returns the store of a database, which it closes if it can't. Without logins, it leaves the keys of the logins alone.
func (db *database) store(
	ctx context.Context, sealer ports.Sealer, logins *bunstore.Logins, observers ...ports.Observer,
) (*bunstore.Store, error) {
	var clock clock
	return db.storeBy(ctx, sealer, logins, func() int64 { return clock.now().UnixMicro() }, observers...)
}

// storeBy is store with a clock, which tells microseconds since 1970.
func (db *database) storeBy(
	ctx context.Context, sealer ports.Sealer, logins *bunstore.Logins, now func() int64, observers ...ports.Observer,
) (*bunstore.Store, error) {
	dialect := dialectOf(now)
	err := bunstore.CheckKeys(ctx, db.writer, dialect, sealer)
	var rule login.Rule
	if err == nil && logins != nil {
		rule = logins.Rule
		err = bunstore.KeyLogins(ctx, db.writer, dialect, *logins)
	}
	var engine *engine
	if err == nil {
		engine, err = newEngine(ctx, db.writer.DB, dialect, now)
	}
	var present *presence
	if err == nil {
		present, err = presenceOf(db.path)
	}
	if err != nil {
		_ = db.close()
		return nil, fmt.Errorf("sqlite: open %s: %w", db.path, err)
	}
	return bunstore.New(bunstore.Config{
		Dialect:    dialect,
		Sealer:     sealer,
		Logins:     rule,
		Writer:     db.writer,
		Reader:     db.reader,
		Engine:     engine,
		Check:      present.check,
		Close:      db.close,
		CheckSpace: db.checkSpace,
		Observers:  observers,
	}), nil
}

// Migrate brings the schema of the file at path up to date. It returns [ErrInUse] as [Open] does.
func Migrate(ctx context.Context, path string) error {
	return retryOpen(ctx, func() error {
		db, err := open(ctx, path)
		if err != nil {
			return err
		}
		return db.close()
	})
}

// database is an open file whose schema is up to date.
type database struct {
	path           string
	file           *file // nil if it is another store's
	writer, reader *bun.DB
}

func open(ctx context.Context, path string) (*database, error) {
	file, err := claim(path)
	if err != nil {
		return nil, err
	}
	db := &database{path: file.path, file: file}
	return db, db.connect(func(files fs.FS) error { return bunstore.Migrate(ctx, db.writer, files) })
}

// connect connects to the file, and closes it if that, or what is done about its schema, fails.
func (db *database) connect(prepare func(migrations fs.FS) error) (err error) {
	defer func() {
		if err != nil {
			_ = db.close()
			err = fmt.Errorf("sqlite: open %s: %w", db.path, reason(db.path, err))
		}
	}()
	if db.writer, err = connectWriter(db.path); err != nil {
		return err
	}
	if db.reader, err = connectReaders(db.path); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return prepare(files)
}

// close ends the readers first, so that the writer is the last and moves the log into the file.
func (db *database) close() error {
	var errs []error
	for _, pool := range []*bun.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.file != nil {
		errs = append(errs, db.file.close())
	}
	return errors.Join(errs...)
}
