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

	// prepareTimeout bounds how long a start waits for other replicas to migrate, and then migrates itself.
	prepareTimeout = time.Minute

	// startLock is the number of the advisory lock of who prepares the database: "userfarm" in ASCII.
	startLock = 0x75736572_6661726d
)

// prepare migrates the database and then does what else only one replica at a time may do. Replicas that start together
// queue at an advisory lock, which PostgreSQL drops when the session of its holder ends, be it by kill -9.
func prepare(
	ctx context.Context, session *pgx.ConnConfig, then func(context.Context, *bun.DB) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()

	pool := stdlib.OpenDB(*withoutTimeouts(session))
	defer func() { _ = pool.Close() }()
	lock, err := reach(ctx, pool)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // gives the session back to the pool, which ends it
	if _, err := lock.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", startLock)); err != nil {
		return fmt.Errorf("waiting for another replica to migrate: %w", err)
	}

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

// reach connects to the server, or fails in time for whoever watches the start.
func reach(ctx context.Context, pool *sql.DB) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	return pool.Conn(ctx)
}

// withoutTimeouts returns the configuration of sessions that may take as long as a migration does.
func withoutTimeouts(session *pgx.ConnConfig) *pgx.ConnConfig {
	session = session.Copy()
	for name := range sessionSettings {
		if name != "application_name" {
			session.RuntimeParams[name] = "0"
		}
	}
	return session
}
