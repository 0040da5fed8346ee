// Package postgres keeps users in PostgreSQL: the store that several replicas of a farm share.
//
// The database's clock decides about locks, and its row locks keep the replicas apart.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// closeTimeout bounds how long Close waits for connections to close, with a server that may not answer.
const closeTimeout = 5 * time.Second

// Open connects to the database of a URL (postgres://user:password@host:port/database, of one or several hosts) and brings
// its schema up to date. It returns [bunstore.ErrMissingKey] if sealer lacks a key that the database was opened with
// before. It gives up on a server that does not answer within ten seconds, and on replicas that migrate for more than a
// minute. No error of it has the URL's password in it.
//
// The store compares logins as logins says; see [bunstore.KeyLogins]. All farms of a database must be started with the same
// rule: one that was started with another rule than the latest can't add users anymore.
//
// What libpq understands in a URL is understood here, and pool_max_conns. The servers that take no writes are passed over,
// unless the URL sets target_session_attrs.
//
// The store tells observers what it has written.
func Open(
	ctx context.Context, url string, sealer ports.Sealer, logins bunstore.Logins, observers ...ports.Observer,
) (*bunstore.Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	store, err := open(ctx, config, sealer, &logins, observers...)
	return store, hideSettings(url, err)
}

// OpenShared is [Open] for programs that manage API keys and encryption keys. It leaves the keys of the logins alone. The store
// must not add users: it does not know how the farm compares logins.
func OpenShared(ctx context.Context, url string, sealer ports.Sealer) (*bunstore.Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	store, err := open(ctx, config, sealer, nil)
	return store, hideSettings(url, err)
}

// Migrate brings the schema of the database of a URL up to date.
func Migrate(ctx context.Context, url string) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	err = prepare(ctx, config.ConnConfig, turnTimeout, func(context.Context, *bun.DB) error { return nil })
	return hideSettings(url, oneLine(err))
}

// open does without logins what OpenShared does.
func open(
	ctx context.Context, config *pgxpool.Config, sealer ports.Sealer, logins *bunstore.Logins, observers ...ports.Observer,
) (*bunstore.Store, error) {
	var rule login.Rule
	err := prepare(ctx, config.ConnConfig, turnTimeout, func(ctx context.Context, db *bun.DB) error {
		if err := continueHistory(ctx, db); err != nil {
			return err
		}
		if err := bunstore.CheckKeys(ctx, db, dialect, sealer); err != nil || logins == nil {
			return err
		}
		rule = logins.Rule
		return bunstore.KeyLogins(ctx, db, dialect, *logins)
	})
	if err != nil {
		return nil, oneLine(err)
	}
	forReads, forWrites := split(config)
	reads, err := pgxpool.NewWithConfig(ctx, forReads)
	if err != nil {
		return nil, oneLine(err)
	}
	writes, err := pgxpool.NewWithConfig(ctx, forWrites)
	if err != nil {
		reads.Close()
		return nil, oneLine(err)
	}
	db := bun.NewDB(stdlib.OpenDBFromPool(reads), pgdialect.New())
	return bunstore.New(bunstore.Config{
		Dialect: dialect,
		Sealer:  sealer,
		Logins:  rule,
		Writer:  db,
		Reader:  db,
		Engine:  engine{pool: writes, low: newLowWater(), candidates: new(bunstore.Candidates)},
		Listen:  listen(config.ConnConfig),

		CheckSpace: checkSpace(db),
		Observers:  observers,

		// One connection is for groups, one for the line, one for pings.
		SoloSlots:  max(1, int(forWrites.MaxConns)-3-quickSlots),
		QuickSlots: quickSlots,

		Reconnect: func() {
			reads.Reset()
			writes.Reset()
		},
		Close: func() error { return errors.Join(db.Close(), closePool(reads), closePool(writes)) },
	}), nil
}

// quickSlots is how many transactions may run at a time that wait for no rival, besides groups and the line.
const quickSlots = 2

func closePool(pool *pgxpool.Pool) error {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("postgres: close: connections did not end within %v", closeTimeout)
	}
}

// oneLine makes one line of an error, which may be about several hosts.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	return lineError{err}
}

type lineError struct{ err error }

func (e lineError) Error() string { return "postgres: " + bunstore.OneLine(e.err) }

func (e lineError) Unwrap() error { return e.err }
