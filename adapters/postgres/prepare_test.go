package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// turn is the timeout of waits in these tests. It is long enough to open a session and to take a free lock.
const turn = 2 * time.Second

func TestAMigrationHasNoTimeout(t *testing.T) {
	ctx := context.Background()
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	writeFirstSchema(ctx, t, databaseURL, func(func(string, ...any)) {})
	reader := connectTo(ctx, t, databaseURL)
	reading, err := reader.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Exec(ctx, "LOCK TABLE users IN ACCESS SHARE MODE"); err != nil { // blocks the migration
		t.Fatal(err)
	}

	prepared := startPrepare(ctx, t, databaseURL)
	awaitBlocked(ctx, t, databaseURL, prepared)
	time.Sleep(turn) // the migration must outlast the timeout
	if err := reading.Rollback(ctx); err != nil {
		t.Fatal(err)
	}

	if err := <-prepared; err != nil {
		t.Errorf("prepare = %v", err)
	}
}

func TestAReplicaStopsWaitingForAMigrationAtItsTimeout(t *testing.T) {
	ctx := context.Background()
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	other := connectTo(ctx, t, databaseURL)
	if _, err := other.Exec(ctx, "SELECT pg_advisory_lock($1)", startLock); err != nil {
		t.Fatal(err)
	}
	err := <-startPrepare(ctx, t, databaseURL)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another replica") {
		t.Errorf("prepare = %v, want it to stop waiting for the other replica", err)
	}
}

func TestAMigrationEndsWithItsContext(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	writeFirstSchema(context.Background(), t, databaseURL, func(func(string, ...any)) {})
	reading, err := connectTo(context.Background(), t, databaseURL).Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Exec(context.Background(), "LOCK TABLE users IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	prepared := startPrepare(ctx, t, databaseURL)
	awaitBlocked(context.Background(), t, databaseURL, prepared)
	cancel()
	if err := <-prepared; !errors.Is(err, context.Canceled) {
		t.Errorf("prepare = %v, want %v", err, context.Canceled)
	}
}

// startPrepare prepares a database in the background, and sends the result.
func startPrepare(ctx context.Context, t *testing.T, databaseURL string) <-chan error {
	t.Helper()
	config, err := parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	prepared := make(chan error, 1)
	go func() {
		prepared <- prepare(ctx, config.ConnConfig, turn, func(context.Context, *bun.DB) error { return nil })
	}()
	return prepared
}

// awaitBlocked returns when a session of the database waits for a lock on a table.
func awaitBlocked(ctx context.Context, t *testing.T, databaseURL string, done <-chan error) {
	t.Helper()
	conn := connectTo(ctx, t, databaseURL)
	for blocked := false; !blocked; {
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND l.locktype = 'relation' AND NOT l.granted)`).Scan(&blocked)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			t.Fatalf("prepare ended without waiting: %v", err)
		default:
		}
	}
}

func connectTo(ctx context.Context, t *testing.T, databaseURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
