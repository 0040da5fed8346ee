package sqlite_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestCaseSensitiveLogins(t *testing.T) {
	portstest.TestCaseSensitiveLogins(t, synctest.Test, func(t testing.TB) portstest.Subject {
		path := newFile(t)
		return portstest.Subject{Store: openWith(t, path, keyRing(t, 1), login.Rule{CaseSensitive: true}), Advance: time.Sleep}
	})
}

func TestStore(t *testing.T) {
	portstest.TestStore(t, synctest.Test, func(t testing.TB) portstest.Subject {
		path := newFile(t)
		keys := keyRing(t, 1)
		observed := portstest.NewObserved()
		store := open(t, path, keys, observed)
		return portstest.Subject{
			Store:    store,
			Advance:  time.Sleep,
			Observed: observed,
			Restart: func() ports.Store {
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				store = open(t, path, keys, observed)
				return store
			},
		}
	})
}
