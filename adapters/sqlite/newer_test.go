package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sqlite"
)

func TestAFileThatANewerUserfarmMigratedIsRefused(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "users.db")
	farm := open(t, path, keyRing(t, 1))
	addMigration(t, path, "9001")
	addMigration(t, path, "9001") // as a migration leaves it that marks itself

	openShared := func() error { _, err := sqlite.OpenShared(ctx, path, keyRing(t, 1)); return err }
	wantAhead(t, "OpenShared beside a farm", openShared())
	if err := farm.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(ctx, path, keyRing(t, 1), bunstore.Logins{})
	wantAhead(t, "Open", err)
	wantAhead(t, "OpenShared", openShared())
	wantAhead(t, "Migrate", sqlite.Migrate(ctx, path))
}

// addMigration notes that a migration was applied, as Bun does.
func addMigration(t *testing.T, path, name string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO bun_migrations (name, group_id) VALUES (?, 9)", name); err != nil {
		t.Fatal(err)
	}
}

func wantAhead(t *testing.T, operation string, err error) {
	t.Helper()
	if !errors.Is(err, bunstore.ErrAhead) || strings.Count(err.Error(), "9001") != 1 || !strings.Contains(err.Error(), "newer userfarm") {
		t.Errorf("%s = %v, want %v that names migration 9001", operation, err, bunstore.ErrAhead)
	}
}
