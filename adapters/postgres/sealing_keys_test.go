package postgres_test

import (
	"context"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/ports"
)

func TestSealingKeys(t *testing.T) {
	bunstoretest.TestSealingKeys(t, func(t *testing.T) bunstoretest.Open {
		databaseURL := postgrestest.Shared(t).NewDatabase(t)
		return func(sealer ports.Sealer) (*bunstore.Store, error) {
			store, err := postgres.Open(context.Background(), databaseURL, sealer, bunstore.Logins{})
			if err == nil {
				t.Cleanup(func() { _ = store.Close() })
			}
			return store, err
		}
	})
}
