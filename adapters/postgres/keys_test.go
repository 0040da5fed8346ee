package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestOpenRequiresTheKeyThatSealedTheDatabase(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	first := keyRing(t, 1)
	open(t, databaseURL, first)

	_, err := postgres.Open(context.Background(), databaseURL, keyRing(t, 2), bunstore.Logins{})

	if !errors.Is(err, bunstore.ErrMissingKey) {
		t.Fatalf("got %v, want %v", err, bunstore.ErrMissingKey)
	}
	if id := first.KeyIDs()[0]; !strings.Contains(err.Error(), id) {
		t.Errorf("%q does not name the key %s", err, id)
	}
}

func TestKeysCanBeRotated(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	before := open(t, databaseURL, keyRing(t, 1))
	id := addUsers(t, before, 1)[0]

	after := open(t, databaseURL, keyRing(t, 2, 1))

	users, _, err := after.Find(context.Background(), ports.ByUser(id))
	if err != nil {
		t.Fatal(err)
	}
	if users[0].Snapshot().Password.Reveal() != password {
		t.Error("the password that the first key sealed has changed")
	}
}

func TestReplicasWithDifferentKeysDoNotBothStart(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	start := make(chan struct{})
	errs := make([]error, 2)
	var starting sync.WaitGroup
	for i := range errs {
		starting.Go(func() {
			<-start
			var store *bunstore.Store
			if store, errs[i] = postgres.Open(context.Background(), databaseURL, keyRing(t, byte(i+1)), bunstore.Logins{}); errs[i] == nil {
				_ = store.Close()
			}
		})
	}
	close(start)
	starting.Wait()

	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("want one to start and one to be rejected, got %v and %v", errs[0], errs[1])
	}
	if err := errors.Join(errs...); !errors.Is(err, bunstore.ErrMissingKey) {
		t.Errorf("got %v, want %v", err, bunstore.ErrMissingKey)
	}
}

func TestAPasswordThatCanNotBeOpenedIsUnsealable(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	store := open(t, databaseURL, newKeyRing(t))
	id := addUsers(t, store, 1)[0]
	server.Exec(t, databaseURL, `UPDATE users SET password = set_byte(password, 20, get_byte(password, 20) # 1)`)

	_, err := store.Update(context.Background(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		return users[0].LockOpen(now, 0)
	})

	if !errors.Is(err, ports.ErrUnsealable) || errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ports.ErrUnsealable)
	}
}
