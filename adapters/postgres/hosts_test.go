package postgres_test

import (
	"context"
	"net/url"
	"path"
	"testing"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/ports"
)

// withHosts returns the URL of a database with these hosts instead of its own.
func withHosts(t *testing.T, databaseURL, hosts string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = hosts
	return u.String()
}

func TestOpenSkipsAHostThatIsDown(t *testing.T) {
	server := postgrestest.Shared(t)
	hosts := unusedAddress(t) + "," + server.Address()
	addUsers(t, open(t, withHosts(t, server.NewDatabase(t), hosts), newKeyRing(t)), 1)
}

func TestOpenSkipsAHostThatAcceptsNoWrites(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	standby := newStandIn(t, databaseURL)
	refuseWrites(t, standby)

	hosts := standby.Address() + "," + server.Address()
	addUsers(t, open(t, withHosts(t, databaseURL, hosts), newKeyRing(t)), 1)
}

func TestAStoreFollowsAFailover(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	standby := open(t, databaseURL, newKeyRing(t))
	primary := newStandIn(t, databaseURL)
	store := open(t, withHosts(t, databaseURL, primary.Address()+","+server.Address()), newKeyRing(t))
	useConnections(t, store)

	refuseWrites(t, primary)

	// Existing sessions notice the change a moment later. Until then they write to the old primary.
	for followed := false; !followed; {
		id := addUsers(t, store, 1)[0]
		_, _, err := standby.Find(context.Background(), ports.ByUser(id))
		followed = err == nil
	}
}

// newStandIn starts a server that can replace another one for one of its databases.
func newStandIn(t *testing.T, databaseURL string) *postgrestest.Server {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	server := postgrestest.Start(t)
	server.CreateDatabase(t, path.Base(u.Path))
	return server
}

// refuseWrites makes a server reject writes, as a standby does.
func refuseWrites(t *testing.T, server *postgrestest.Server) {
	t.Helper()
	server.Set(t, "default_transaction_read_only", "on")
}
