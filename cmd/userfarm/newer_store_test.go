package main_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

const noteMigration = "INSERT INTO bun_migrations (name, group_id) VALUES ('9001', 9)"

// A program that is older than the store would serve it by rules that no longer hold.
func TestNoCommandUsesAStoreThatANewerUserfarmMigrated(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			farm := serve(t, dir, settings...)
			farm.signal(syscall.SIGTERM)
			farm.wait()
			if name == "SQLite" {
				executeSQLite(t, filepath.Join(dir, "userfarm.db"), noteMigration)
			} else {
				executePostgres(t, settings[1], noteMigration)
			}
			for _, command := range []string{
				"serve --listen 127.0.0.1:0", "migrate", "keys create --name ann --role admin", "keys list", "keyring list", "keyring reseal",
			} {
				done := execute(t, dir, append(strings.Fields(command), settings...)...)
				if done.code != 1 || !strings.Contains(done.stderr, "a newer userfarm migrated the store") || !strings.Contains(done.stderr, "9001") {
					t.Errorf("%s: exit code %d, want 1 and the name of the migration:\n%s", command, done.code, done.stderr)
				}
			}
		})
	}
}

func executeSQLite(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func executePostgres(t *testing.T, databaseURL, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
