package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"

	"github.com/userfarm/userfarm/ports"
)

// Two replicas forget at the same time, and there are more leases than one transaction forgets.
func TestForgetLeasesForgetsAllOldLeases(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	keys := newKeyRing(t)
	one, other := open(t, databaseURL, keys), open(t, databaseURL, keys)
	server.Exec(t, databaseURL, "INSERT INTO ended_leases (lease, ended_at) SELECT n, n FROM generate_series(1, 2500) AS n")

	ctx := context.Background()
	forgotten := make(chan error, 1)
	go func() { forgotten <- other.Forget(ctx, ports.Ages{Leases: 0, Events: 0}) }()
	if err := one.Forget(ctx, ports.Ages{Leases: 0, Events: 0}); err != nil {
		t.Error(err)
	}
	if err := <-forgotten; err != nil {
		t.Error(err)
	}

	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var left int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM ended_leases").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left > 0 {
		t.Errorf("%d leases are remembered", left)
	}
}
