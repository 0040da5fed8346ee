package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// open opens a store, which is closed at the end of the test.
func open(t testing.TB, path string, sealer ports.Sealer, observers ...ports.Observer) *bunstore.Store {
	t.Helper()
	return openWith(t, path, sealer, login.Rule{}, observers...)
}

func openWith(
	t testing.TB, path string, sealer ports.Sealer, rule login.Rule, observers ...ports.Observer,
) *bunstore.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path, sealer, bunstore.Logins{Rule: rule}, observers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// keyRing returns a ring of keys, each of which is one byte many times.
func keyRing(t testing.TB, keys ...byte) *sealing.KeyRing {
	t.Helper()
	ring, err := newKeyRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newKeyRing(keys ...byte) (*sealing.KeyRing, error) {
	whole := make([][]byte, len(keys))
	for i, key := range keys {
		whole[i] = bytes.Repeat([]byte{key}, sealing.KeySize)
	}
	return sealing.NewKeyRing(whole...)
}

// newUser returns a free user.
func newUser() (*domain.User, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := domain.NewUserID(now)
	return domain.NewUser(id, now, domain.Spec{
		Login:    fmt.Sprintf("user-%v", id),
		Password: domain.NewSecret("correct horse"),
		Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"},
	})
}

// addUser adds a user and returns its id.
func addUser(t testing.TB, store ports.Store) domain.UserID {
	t.Helper()
	user, err := newUser()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Add(context.Background(), domain.Once{}, user); err != nil {
		t.Fatal(err)
	}
	return user.ID()
}
