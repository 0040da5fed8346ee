package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/userfarm/userfarm/ports"
)

// There are more leases than one transaction forgets.
func TestForgetLeasesForgetsAllOldLeases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	store := open(t, path, keyRing(t, 1))
	other, err := sql.Open("sqlite", path) // not a farm, so both can have the file open
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, err = other.Exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
		INSERT INTO ended_leases (lease, ended_at) SELECT n, n FROM numbers`)
	if err != nil {
		t.Fatal(err)
	}

	if err := store.Forget(context.Background(), ports.Ages{Leases: 0, Events: 0}); err != nil {
		t.Error(err)
	}

	var left int
	if err := other.QueryRow("SELECT count(*) FROM ended_leases").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left > 0 {
		t.Errorf("%d leases are remembered", left)
	}
}
