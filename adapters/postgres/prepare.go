package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// reachTimeout bounds how long a start waits for the first answer of the server.
	reachTimeout = 10 * time.Second

	// turnTimeout bounds how long a start waits for other replicas that prepare the database. Its own work is not
	// bounded: a migration that takes longer could never finish.
	turnTimeout = time.Minute

	// startLock is the number of the advisory lock of the process that prepares the database: "userfarm" in ASCII.
	startLock = 0x75736572_6661726d
)

// prepare migrates the database and then does what else only one replica at a time may do. Replicas that start together
// queue, for up to a time each, at an advisory lock, which PostgreSQL drops when the session of its holder ends, be it by
// kill -9.
func prepare(
	ctx context.Context, session *pgx.ConnConfig, turn time.Duration, then func(context.Context, *bun.DB) error,
) error {
	pool := stdlib.OpenDB(*withoutTimeouts(session))
	defer func() { _ = pool.Close() }()
	if err := check(ctx, pool); err != nil {
		return err
	}
	lock, err := awaitTurn(ctx, pool, turn)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // gives the session back to the pool, which ends it

	db := bun.NewDB(pool, pgdialect.New())
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := bunstore.Migrate(ctx, db, files); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return then(ctx, db)
}

// awaitTurn returns a session that has the lock.
func awaitTurn(ctx context.Context, pool *sql.DB, timeout time.Duration) (*sql.Conn, error) {
	lock, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := lock.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", startLock)); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("waiting for another replica to migrate: %w", err)
	}
	return lock, nil
}

// withoutTimeouts returns the configuration of sessions that may take as long as a migration does.
func withoutTimeouts(session *pgx.ConnConfig) *pgx.ConnConfig {
	session = session.Copy()
	for name := range sessionSettings {
		if name != "application_name" {
			session.RuntimeParams[name] = "0"
		}
	}
	return settleSessions(session)
}
