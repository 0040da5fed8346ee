package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	driver "modernc.org/sqlite"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/ports"
)

// OpenShared is [Open] for programs that manage API keys and encryption keys. A farm may have the file open, or open it at the
// same time. The store must not add or hand out users: it does not know how the farm compares logins, nor which claims are in
// line. OpenShared returns [bunstore.ErrBehind] if a farm has the file open and does not bring the schema up to date within
// five seconds.
func OpenShared(ctx context.Context, path string, sealer ports.Sealer) (store *bunstore.Store, err error) {
	err = retryOpen(ctx, func() error {
		store, err = prepare(ctx, path, sealer)
		if errors.Is(err, ErrInUse) && !errors.Is(err, errOtherName) {
			store, err = join(ctx, path, sealer)
		}
		return err
	})
	return store, err
}

// prepare opens a file as a farm does, and then lets farms open it.
func prepare(ctx context.Context, path string, sealer ports.Sealer) (*bunstore.Store, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	store, err := db.store(ctx, sealer, nil)
	if err != nil {
		return nil, err
	}
	if err := db.file.release(); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", path, err), store.Close())
	}
	return store, nil
}

// join opens a file that another store has open, and has brought up to date.
func join(ctx context.Context, path string, sealer ports.Sealer) (*bunstore.Store, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	db := &database{path: resolved}
	if err := db.connect(func(files fs.FS) error { return db.check(ctx, files) }); err != nil {
		return nil, err
	}
	return db.store(ctx, sealer, nil)
}

// check returns [bunstore.ErrBehind] unless the schema is up to date. The process that has the lock may not even have begun.
func (db *database) check(ctx context.Context, files fs.FS) error {
	err := checkInode(db.path)
	if errors.Is(err, fs.ErrNotExist) {
		return bunstore.ErrBehind
	}
	if err != nil {
		return err
	}
	err = bunstore.CheckMigrated(ctx, db.reader, files)
	var answer *driver.Error
	if errors.As(err, &answer) && strings.Contains(answer.Error(), "no such table") {
		return bunstore.ErrBehind
	}
	return err
}
