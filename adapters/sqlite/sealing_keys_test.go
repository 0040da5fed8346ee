package sqlite_test

import (
	"context"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/ports"
)

func TestSealingKeys(t *testing.T) {
	bunstoretest.TestSealingKeys(t, func(t *testing.T) bunstoretest.Open {
		path := newFile(t)
		return func(sealer ports.Sealer) (*bunstore.Store, error) {
			store, err := sqlite.Open(context.Background(), path, sealer, bunstore.Logins{})
			if err == nil {
				t.Cleanup(func() { _ = store.Close() })
			}
			return store, err
		}
	})
}
