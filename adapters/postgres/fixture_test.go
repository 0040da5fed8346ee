package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// pool is where the users of these tests are.
var pool = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"}

// password is that of every user.
const password = "correct horse"

var anyUser = domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}

// open opens a store, which is closed at the end of the test.
func open(t testing.TB, databaseURL string, sealer ports.Sealer, observers ...ports.Observer) *bunstore.Store {
	t.Helper()
	return openWith(t, databaseURL, sealer, login.Rule{}, observers...)
}

func openWith(
	t testing.TB, databaseURL string, sealer ports.Sealer, rule login.Rule, observers ...ports.Observer,
) *bunstore.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), databaseURL, sealer, bunstore.Logins{Rule: rule}, observers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func newKeyRing(t testing.TB) *sealing.KeyRing { return keyRing(t, 1) }

// keyRing returns a ring of keys, each of which is one byte many times.
func keyRing(t testing.TB, keys ...byte) *sealing.KeyRing {
	t.Helper()
	whole := make([][]byte, len(keys))
	for i, key := range keys {
		whole[i] = bytes.Repeat([]byte{key}, sealing.KeySize)
	}
	ring, err := sealing.NewKeyRing(whole...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// addUsers adds n users to the pool.
func addUsers(t testing.TB, store ports.Store, n int) []domain.UserID {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	ids := make([]domain.UserID, n)
	users := make([]*domain.User, n)
	for i := range users {
		ids[i] = domain.NewUserID(now)
		user, err := domain.NewUser(ids[i], now, domain.Spec{
			Login: fmt.Sprintf("user-%v", ids[i]), Password: domain.NewSecret(password), Pool: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		users[i] = user
	}
	if err := store.Add(context.Background(), domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	return ids
}

// grantTo returns a decide that grants the users to a lease.
func grantTo(lease domain.LeaseID) ports.Decide {
	return func(now time.Time, users []*domain.User) error {
		_, err := domain.Grant(now, lease, domain.Terms{Owner: "test", TTL: time.Hour}, users)
		return err
	}
}

// claim takes any user of the pool under a new lease.
func claim(ctx context.Context, store ports.Store) (domain.LeaseID, error) {
	lease := domain.NewLeaseID()
	_, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyUser}, Decide: grantTo(lease)})
	return lease, err
}

// release ends a lease.
func release(ctx context.Context, store ports.Store, lease domain.LeaseID) error {
	_, err := store.Update(ctx, ports.ByLease(lease.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, lease, users)
	})
	return err
}
