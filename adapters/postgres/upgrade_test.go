package postgres

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A database of the first schema, with a lease of two users with labels, one user in quarantine, one with the login
// of the first in capital letters, and a lease that ended.
func TestADatabaseOfTheFirstSchemaIsBroughtUpToDate(t *testing.T) {
	ctx := context.Background()
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	one, two, quarantined := domain.NewUserID(time.Now()), domain.NewUserID(time.Now()), domain.NewUserID(time.Now())
	duplicate := domain.NewUserID(time.Now())
	lease, ended := domain.NewLeaseID(), domain.NewLeaseID()
	writeFirstSchema(ctx, t, databaseURL, func(insert func(string, ...any)) {
		now, later := time.Now().UnixMicro(), time.Now().Add(time.Hour).UnixMicro()
		const user = `INSERT INTO users (user_id, created_at, project_id, env, domain, login, password, labels, fence,
			free_at, lock_position, lock_lease, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at)
			VALUES ($1, $2, '01000000-0000-0000-0000-000000000000', 'staging', 'shop', $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12)`
		digest, past := lease.Digest(), ended.Digest()
		insert(user, one.String(), now, "ann", seal(t, keys, one), `{"role":"admin"}`, later, 0, digest[:], now, later, nil, nil)
		insert(user, two.String(), now, "eve", seal(t, keys, two), `{"role":"admin"}`, later, 1, digest[:], now, later, nil, nil)
		insert(user, quarantined.String(), now, "bob", seal(t, keys, quarantined), `{}`, 0, 0, nil, nil, nil, "dirty", now)
		insert(user, duplicate.String(), now+1, "ANN", seal(t, keys, duplicate), `{"role":"admin"}`, 0, 0, nil, nil, nil, nil, nil)
		insert(`INSERT INTO ended_leases VALUES ($1, $2)`, past[:], now)
	})

	var reported []bunstore.Duplicate
	store, err := Open(ctx, databaseURL, keys, bunstore.Logins{Report: func(_ int, some []bunstore.Duplicate) { reported = some }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if want := []bunstore.Duplicate{{User: duplicate, Older: one, Login: "ANN"}}; !slices.Equal(reported, want) {
		t.Errorf("the duplicates are %v, want %v", reported, want)
	}
	anyone := domain.Selector{Env: "staging"}
	take := func(now time.Time, users []*domain.User) error { return users[0].LockOpen(now, 0) }
	if _, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyone}, Decide: take}); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("a claim while two users are leased and one is in quarantine = %v", err)
	}
	_, _, err = store.Find(ctx, ports.ByLease(ended.Digest()))
	if over, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || over.End != "" || over.Users != nil || over.Scope.Limited {
		t.Errorf("the lease that ended before the upgrade = %v, want that it is over and nothing more", err)
	}
	_, err = store.Update(ctx, ports.ByLease(lease.Digest()), func(now time.Time, users []*domain.User) error {
		if len(users) != 2 || users[0].ID() != one {
			t.Errorf("the lease has %d users", len(users))
		}
		return domain.Release(now, lease, users)
	})
	if err != nil {
		t.Errorf("release of the lease = %v", err)
	}
	_, _, err = store.Find(ctx, ports.ByLease(lease.Digest()))
	if over, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || over.End != domain.LeaseReleased || len(over.Users) != 2 {
		t.Errorf("the lease that was released after the upgrade = %v", err)
	}
	_, err = store.Update(ctx, ports.ByUser(quarantined), func(now time.Time, users []*domain.User) error {
		return users[0].Restore(now, "")
	})
	if err != nil {
		t.Errorf("restore = %v", err)
	}
	admin := domain.Selector{Labels: domain.Labels{"role": "admin"}}
	users, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyone, admin}, Decide: take})
	if err != nil || users[0].ID() != quarantined || users[1].Snapshot().Password.Reveal() != "pw" {
		t.Errorf("a claim of two users = %v, %v", users, err)
	}
}

// writeFirstSchema runs the first migration, and calls write to fill the tables.
func writeFirstSchema(ctx context.Context, t *testing.T, databaseURL string, write func(insert func(string, ...any))) {
	t.Helper()
	const name = "0001_users.tx.up.sql"
	first, err := fs.ReadFile(migrations, "migrations/"+name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	pool := stdlib.OpenDB(*config)
	defer func() { _ = pool.Close() }()
	if err := bunstore.Migrate(ctx, bun.NewDB(pool, pgdialect.New()), fstest.MapFS{name: {Data: first}}); err != nil {
		t.Fatal(err)
	}
	write(func(statement string, args ...any) {
		if _, err := pool.ExecContext(ctx, statement, args...); err != nil {
			t.Fatal(err)
		}
	})
}

func seal(t *testing.T, keys *sealing.KeyRing, user domain.UserID) []byte {
	t.Helper()
	sealed, _, err := keys.Seal(user, domain.NewSecret("pw"))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
