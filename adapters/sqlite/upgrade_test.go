package sqlite

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A file of the first schema, with a leased user with labels, a user in quarantine, a user with the login of the
// first in capital letters, and a lease that ended.
func TestAFileOfTheFirstSchemaIsBroughtUpToDate(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "users.db")
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	leased, quarantined, duplicate := domain.NewUserID(time.Now()), domain.NewUserID(time.Now()), domain.NewUserID(time.Now())
	lease, ended := domain.NewLeaseID(), domain.NewLeaseID()
	writeFirstSchema(ctx, t, path, func(db *database) {
		now := time.Now().UnixMicro()
		const insert = `INSERT INTO users (user_id, created_at, project_id, env, domain, login, password, labels, fence,
			free_at, lock_position, lock_lease, lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at)
			VALUES (?, ?, '01000000-0000-0000-0000-000000000000', 'staging', 'shop', ?, ?, ?, 1, ?, 0, ?, ?, ?, ?, ?)`
		digest, past := lease.Digest(), ended.Digest()
		exec(t, db, insert, leased.String(), now, "ann", seal(t, keys, leased), `{"role":"admin"}`, now+time.Hour.Microseconds(),
			digest[:], now, now+time.Hour.Microseconds(), nil, nil)
		exec(t, db, insert, quarantined.String(), now, "bob", seal(t, keys, quarantined), `{}`, 0, nil, nil, nil, "dirty", now)
		exec(t, db, insert, duplicate.String(), now+1, "ANN", seal(t, keys, duplicate), `{"role":"admin"}`, 0, nil, nil, nil, nil, nil)
		exec(t, db, `INSERT INTO ended_leases VALUES (?, ?)`, past[:], now)
	})

	var reported []bunstore.Duplicate
	store, err := Open(ctx, path, keys, bunstore.Logins{Report: func(_ int, some []bunstore.Duplicate) { reported = some }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if want := []bunstore.Duplicate{{User: duplicate, Older: leased, Login: "ANN"}}; !slices.Equal(reported, want) {
		t.Errorf("the duplicates are %v, want %v", reported, want)
	}
	anyone := domain.Selector{Env: "staging"}
	take := func(now time.Time, users []*domain.User) error { return users[0].LockOpen(now, 0) }
	if _, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyone}, Decide: take}); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("a claim while one user is leased and one is in quarantine = %v", err)
	}
	_, _, err = store.Find(ctx, ports.ByLease(ended.Digest()))
	if over, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || over.End != "" || over.Users != nil || over.Scope.Limited {
		t.Errorf("the lease that ended before the upgrade = %v, want that it is over and nothing more", err)
	}
	_, err = store.Update(ctx, ports.ByLease(lease.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, lease, users)
	})
	if err != nil {
		t.Errorf("release of the lease = %v", err)
	}
	_, _, err = store.Find(ctx, ports.ByLease(lease.Digest()))
	if over, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || over.End != domain.LeaseReleased || len(over.Users) != 1 {
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
	if err != nil || users[0].ID() != quarantined || users[1].ID() != leased || users[0].Snapshot().Password.Reveal() != "pw" {
		t.Errorf("a claim of both users = %v, %v", users, err)
	}
}

func writeFirstSchema(ctx context.Context, t *testing.T, path string, write func(*database)) {
	t.Helper()
	first, err := fs.ReadFile(migrations, "migrations/0001_users.tx.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	writeSchema(ctx, t, path, fstest.MapFS{"0001_users.tx.up.sql": {Data: first}}, write)
}

// writeSchema makes a file with these migrations, and writes to it.
func writeSchema(ctx context.Context, t *testing.T, path string, migrations fs.FS, write func(*database)) {
	t.Helper()
	file, err := claim(path)
	if err != nil {
		t.Fatal(err)
	}
	db := &database{file: file}
	if db.writer, err = connectWriter(path); err != nil {
		t.Fatal(err)
	}
	if err := bunstore.Migrate(ctx, db.writer, migrations); err != nil {
		t.Fatal(err)
	}
	write(db)
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed may leave a migration that is applied, but not marked as applied by Bun.
func TestAProcessMayEndAfterAMigration(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*")
	if err != nil {
		t.Fatal(err)
	}
	before := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) { endAfter(t, before, string(text)) })
		before[filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
}

func endAfter(t *testing.T, before fs.FS, migration string) {
	path := filepath.Join(t.TempDir(), "users.db")
	writeSchema(t.Context(), t, path, before, func(db *database) { exec(t, db, "BEGIN; "+migration+"; COMMIT") })
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), path, keys, bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func exec(t *testing.T, db *database, statement string, args ...any) {
	t.Helper()
	if _, err := db.writer.DB.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

func seal(t *testing.T, keys *sealing.KeyRing, user domain.UserID) []byte {
	t.Helper()
	sealed, _, err := keys.Seal(user, domain.NewSecret("pw"))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
