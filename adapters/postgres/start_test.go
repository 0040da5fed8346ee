package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// openError returns the error of opening a database, which must be one line without the password.
func openError(t *testing.T, databaseURL, password string) string {
	t.Helper()
	store, err := postgres.Open(context.Background(), databaseURL, newKeyRing(t), bunstore.Logins{})
	if err == nil {
		_ = store.Close()
		t.Fatal("the database was opened")
	}
	text := err.Error()
	if strings.Contains(text, "\n") {
		t.Errorf("the error has more than one line:\n%s", text)
	}
	if strings.Contains(text, password) {
		t.Error("the error contains the password")
	}
	return text
}

func TestOpenNamesTheCauseOfAFailure(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	edit := func(change func(u *url.URL)) string {
		u, err := url.Parse(databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	for _, test := range []struct {
		name, url, password, says string
	}{
		{
			name:     "wrong password",
			url:      edit(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "not the password") }),
			password: "not the password",
			says:     "password authentication failed",
		},
		{
			name:     "unknown database",
			url:      edit(func(u *url.URL) { u.Path = "/nowhere" }),
			password: server.Password(),
			says:     `database "nowhere" does not exist`,
		},
		{
			name:     "nothing listens at the address",
			url:      edit(func(u *url.URL) { u.Host = unusedAddress(t) }),
			password: server.Password(),
			says:     "connection refused",
		},
		{
			name:     "the server does not answer",
			url:      edit(func(u *url.URL) { u.Host = silentAddress(t) }),
			password: server.Password(),
			says:     "timeout",
		},
		{
			name:     "not a URL",
			url:      "postgres://user:se%zzcret@host/database",
			password: "cret",
			says:     "can't be read",
		},
		{
			name:     "a password with a slash that is not escaped",
			url:      "postgres://user:se/cret@host:5432/database",
			password: "cret",
			says:     "can't be read",
		},
		{
			name:     "a password with an @ that is not escaped, of which a part looks like a host",
			url:      "postgres://user:se@cret.invalid/x@host:5432/database",
			password: "cret",
			says:     "can't be read",
		},
		{
			name:     "a password among the settings with an & that is not escaped",
			url:      databaseURL + "?password=" + server.Password() + "&cret=x",
			password: "cret",
			says:     "%26",
		},
		{
			name:     "a setting that the server does not know",
			url:      databaseURL + "?statement_time=1",
			password: server.Password(),
			says:     "statement_time",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := openError(t, test.url, test.password)
			if !strings.Contains(text, test.says) {
				t.Errorf("got %q, want it to contain %q", text, test.says)
			}
		})
	}
}

// unusedAddress returns an address at which nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// silentAddress returns an address that accepts connections and never answers.
func silentAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestReplicasThatStartTogetherAllBecomeReady(t *testing.T) {
	const replicas = 3
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	keys := newKeyRing(t)
	start := make(chan struct{})
	var starting sync.WaitGroup
	for range replicas {
		starting.Go(func() {
			<-start
			store, err := postgres.Open(context.Background(), databaseURL, keys, bunstore.Logins{})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer func() { _ = store.Close() }()
			if err := store.Ping(context.Background()); err != nil {
				t.Errorf("ping: %v", err)
			}
		})
	}
	close(start)
	starting.Wait()
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	ctx := context.Background()
	for range 2 {
		if err := postgres.Migrate(ctx, databaseURL); err != nil {
			t.Fatal(err)
		}
	}
	open(t, databaseURL, newKeyRing(t))
}

func TestADatabaseThatCanNotStoreEveryTextIsRefused(t *testing.T) {
	server := postgrestest.Shared(t)
	for _, encoding := range []string{"SQL_ASCII", "LATIN1", "EUC_JP"} {
		databaseURL := server.NewDatabaseIn(t, encoding)
		_, err := postgres.Open(context.Background(), databaseURL, newKeyRing(t), bunstore.Logins{})
		for operation, err := range map[string]error{"Open": err, "Migrate": postgres.Migrate(context.Background(), databaseURL)} {
			if err == nil || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "UTF8") {
				t.Errorf("%s = %v, want an error that names %s and UTF8", operation, err, encoding)
			}
		}
	}
}

// In a temporary schema the tables of a farm would be gone with its first session.
func TestADatabaseWithoutAPlaceForTablesIsRefused(t *testing.T) {
	server := postgrestest.Shared(t)
	for _, path := range []string{"''", "nowhere", "pg_temp", "pg_temp, public", "pg_catalog, public"} {
		databaseURL := server.NewDatabase(t)
		server.Exec(t, databaseURL, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = "+
			strings.ReplaceAll(path, "'", "''")+"', current_database()); END $$")
		_, err := postgres.Open(context.Background(), databaseURL, newKeyRing(t), bunstore.Logins{})
		if err == nil || !strings.Contains(err.Error(), "search path") {
			t.Errorf("search_path = %s: %v, want an error that names it", path, err)
		}
	}
}

// Administrators keep users of several programs apart by a search path of a role or database.
func TestADatabaseMayHaveASearchPath(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	server.Exec(t, databaseURL, "CREATE SCHEMA farm; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = farm', current_database()); END $$")
	addUsers(t, open(t, databaseURL, newKeyRing(t)), 1)
	server.Exec(t, databaseURL, "SELECT 1/count(*) FROM farm.users")
}

func TestADatabaseThatANewerUserfarmMigratedIsRefused(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	if err := postgres.Migrate(ctx, databaseURL); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "INSERT INTO bun_migrations (name, group_id) VALUES ('9002', 9), ('9001', 9)")

	_, err := postgres.Open(ctx, databaseURL, newKeyRing(t), bunstore.Logins{})
	for operation, err := range map[string]error{"Open": err, "Migrate": postgres.Migrate(ctx, databaseURL)} {
		if !errors.Is(err, bunstore.ErrAhead) || !strings.Contains(err.Error(), "9001, 9002") {
			t.Errorf("%s = %v, want %v that names both migrations", operation, err, bunstore.ErrAhead)
		}
	}
}

// A replica that is killed during a migration leaves three things, one after the other: its session, until the server notices; a
// row, the lock of bun; and a migration that is applied but not marked as applied.
func TestOpenSucceedsAfterAReplicaWasKilledDuringAMigration(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	if err := postgres.Migrate(ctx, databaseURL); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, `
		DELETE FROM bun_migrations;
		INSERT INTO bun_migration_locks (table_name) VALUES ('bun_migrations')`)
	killed, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := killed.Exec(ctx, "SELECT pg_advisory_lock(x'757365726661726d'::bigint)"); err != nil {
		t.Fatal(err)
	}

	opened := make(chan error, 1)
	go func() {
		store, err := postgres.Open(ctx, databaseURL, newKeyRing(t), bunstore.Logins{})
		if err == nil {
			err = store.Close()
		}
		opened <- err
	}()
	awaitLockWait(t, databaseURL, opened)
	if err := killed.Close(ctx); err != nil {
		t.Fatal(err)
	}

	if err := <-opened; err != nil {
		t.Errorf("open: %v", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := postgres.Open(ctx, postgrestest.Shared(t).NewDatabase(t), newKeyRing(t), bunstore.Logins{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
