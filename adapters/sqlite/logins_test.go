package sqlite_test

import (
	"context"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/ports"
)

func TestLogins(t *testing.T) {
	bunstoretest.TestLogins(t, func(t *testing.T) bunstoretest.OpenWith {
		path := newFile(t)
		return func(sealer ports.Sealer, logins bunstore.Logins) (*bunstore.Store, error) {
			store, err := sqlite.Open(context.Background(), path, sealer, logins)
			if err == nil {
				t.Cleanup(func() { _ = store.Close() })
			}
			return store, err
		}
	})
}
