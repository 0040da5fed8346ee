package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
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

// Two replicas do so at once, and one looks only for what it may have left behind itself.
func TestForgetDeletesUnusedLabelSetsAndPools(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	keys := newKeyRing(t)
	store, other := open(t, databaseURL, keys), open(t, databaseURL, keys)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	user := addUsers(t, store, 1)[0]
	server.Exec(t, databaseURL, "INSERT INTO pools (project_id, env, domain) SELECT gen_random_uuid(), n, 'b' FROM generate_series(1, 25) AS n")
	server.Exec(t, databaseURL, `INSERT INTO label_sets (pool_id, labels)
		SELECT 1 + n % 26, jsonb_build_object('n', n::text) FROM generate_series(1, 2500) AS n`)
	relabel := func(labels domain.Labels) {
		t.Helper()
		_, err := store.Update(ctx, ports.ByUser(user), func(now time.Time, users []*domain.User) error {
			return users[0].Change(now, domain.Change{Labels: &labels})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	forget := func() {
		t.Helper()
		forgotten := make(chan error, 1)
		go func() { forgotten <- other.Forget(ctx, ports.Ages{}) }()
		if err := store.Forget(ctx, ports.Ages{}); err != nil {
			t.Error(err)
		}
		if err := <-forgotten; err != nil {
			t.Error(err)
		}
	}

	// A replica that had to wait for the other one may have left some for the next time.
	wantLeft := func(wantSets, wantPools int) {
		t.Helper()
		for attempt := 1; ; attempt++ {
			var sets, pools int
			row := conn.QueryRow(ctx, "SELECT (SELECT count(*) FROM label_sets), (SELECT count(*) FROM pools)")
			if err := row.Scan(&sets, &pools); err != nil {
				t.Fatal(err)
			}
			if sets == wantSets && pools == wantPools {
				return
			}
			if attempt == 10 {
				t.Fatalf("%d sets of labels and %d pools are left, want %d and %d", sets, pools, wantSets, wantPools)
			}
			forget()
		}
	}

	relabel(domain.Labels{"n": "26"}) // which was unused
	forget()
	wantLeft(1, 1)
	relabel(domain.Labels{"n": "1"})
	relabel(domain.Labels{"n": "2"})
	forget()
	wantLeft(1, 1)

	// While users are added, nothing is deleted, and nobody waits for long.
	adding, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	relabel(domain.Labels{"n": "3"})
	if _, err := adding.Exec(ctx, "SELECT pg_advisory_xact_lock_shared(x'75736572732b2b'::bigint)"); err != nil {
		t.Fatal(err)
	}
	forget()
	if err := adding.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	wantLeft(2, 1)
	forget()
	wantLeft(1, 1)

	if err := store.Remove(ctx, user, func(time.Time, []*domain.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	forget()
	wantLeft(0, 0)
}
