package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

func TestLogins(t *testing.T) {
	bunstoretest.TestLogins(t, func(t *testing.T) bunstoretest.OpenWith {
		databaseURL := postgrestest.Shared(t).NewDatabase(t)
		return func(sealer ports.Sealer, logins bunstore.Logins) (*bunstore.Store, error) {
			store, err := postgres.Open(context.Background(), databaseURL, sealer, logins)
			if err == nil {
				t.Cleanup(func() { _ = store.Close() })
			}
			return store, err
		}
	})
}

// A replica that compares logins otherwise than the others could add a second user of an account.
func TestAReplicaWithAnotherRuleForLoginsAddsNobody(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	before := open(t, databaseURL, newKeyRing(t))
	ids := addUsers(t, before, 3)
	openWith(t, databaseURL, newKeyRing(t), login.Rule{CaseSensitive: true})

	user := newUsers(t, 1, 1)[0]
	err := before.Add(context.Background(), domain.Once{}, user)
	if !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, bunstore.ErrOtherRule) {
		t.Errorf("add = %v", err)
	}
	if _, _, err := before.Find(context.Background(), ports.ByUser(user.ID())); !errors.Is(err, domain.ErrUserNotFound) {
		t.Errorf("the user that was not added: %v", err)
	}
	if _, err := claim(context.Background(), before); err != nil {
		t.Errorf("claim = %v", err)
	}
	if _, _, err := before.Find(context.Background(), ports.ByUser(ids[0])); err != nil {
		t.Errorf("find = %v", err)
	}
}

// A program that manages keys does not know the rule of the farm.
func TestAProgramThatManagesKeysLeavesLoginsAlone(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	farm := openWith(t, databaseURL, newKeyRing(t), login.Rule{CaseSensitive: true})
	shared, err := postgres.OpenShared(context.Background(), databaseURL, newKeyRing(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	addUsers(t, farm, 1)
}
