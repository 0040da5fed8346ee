// Package sqlite keeps users in an embedded SQLite file: the store that one farm runs on with nothing to install.
//
// The file belongs to one process at a time, which a lock on a file beside it ensures, and which lets that process's clock
// be the store's. What was answered is on disk: write-ahead log, synchronous=FULL.
package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/ports"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the file at path, makes it if there is none, and brings its schema up to date. It returns [ErrInUse] if
// another userfarm has it open, and [bunstore.ErrMissingKey] if sealer lacks a key that the file was opened with before.
func Open(ctx context.Context, path string, sealer ports.Sealer) (*bunstore.Store, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	var clock clock
	now := func() int64 { return clock.now().UnixMicro() }
	dialect := bunstore.SQLite(now)
	err = bunstore.CheckKeys(ctx, db.writer, dialect, sealer)
	var engine *engine
	if err == nil {
		engine, err = newEngine(ctx, db.writer.DB, dialect, now)
	}
	if err != nil {
		_ = db.close()
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	return bunstore.New(bunstore.Config{
		Dialect: dialect,
		Sealer:  sealer,
		Writer:  db.writer,
		Reader:  db.reader,
		Engine:  engine,
		Close:   db.close,
	}), nil
}

// Migrate brings the schema of the file at path up to date. It returns [ErrInUse] if a userfarm has it open.
func Migrate(ctx context.Context, path string) error {
	db, err := open(ctx, path)
	if err != nil {
		return err
	}
	return db.close()
}

// database is an open file whose schema is up to date.
type database struct {
	file           *file
	writer, reader *bun.DB
}

func open(ctx context.Context, path string) (*database, error) {
	file, err := claim(path)
	if err != nil {
		return nil, err
	}
	db := &database{file: file}
	if err := db.connect(ctx); err != nil {
		_ = db.close()
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	return db, nil
}

func (db *database) connect(ctx context.Context) (err error) {
	if db.writer, err = connectWriter(db.file.path); err != nil {
		return err
	}
	if db.reader, err = connectReaders(db.file.path); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return bunstore.Migrate(ctx, db.writer, files)
}

// close ends the readers first, so that the writer is the last and moves the log into the file.
func (db *database) close() error {
	var errs []error
	for _, pool := range []*bun.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.file.release())...)
}
