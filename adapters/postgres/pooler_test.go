package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/ports"
)

func TestAPoolerThatSplitsSessionsIsRefused(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	for _, mode := range []string{"transaction", "statement"} {
		t.Run(mode, func(t *testing.T) {
			through := postgrestest.StartPooler(t, server, databaseURL, mode)
			_, err := postgres.Open(context.Background(), through, newKeyRing(t), bunstore.Logins{})
			for operation, err := range map[string]error{"Open": err, "Migrate": postgres.Migrate(context.Background(), through)} {
				if err == nil || !strings.Contains(err.Error(), "session pooling") || !strings.Contains(err.Error(), "pool_mode") {
					t.Errorf("%s = %v, want that it asks for session pooling", operation, err)
				}
			}
		})
	}
	open(t, databaseURL, newKeyRing(t)) // a refusal leaves nothing behind
}

// The settings of the URL reach the server, too.
func TestBehindAPoolerAURLMayHaveSettings(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	server.Exec(t, databaseURL, "CREATE SCHEMA farm")
	through := postgrestest.StartPooler(t, server, databaseURL, "session")
	addUsers(t, open(t, through+"?search_path=farm,public&statement_timeout=4s&application_name=mine", newKeyRing(t)), 1)
	server.Exec(t, databaseURL, "SELECT 1/count(*) FROM farm.users")
}

func TestAReplicaServesAWaiterOfAnotherThroughAPooler(t *testing.T) {
	server := postgrestest.Shared(t)
	through := postgrestest.StartPooler(t, server, server.NewDatabase(t), "session") + "?pool_max_conns=5"
	one, other := open(t, through, newKeyRing(t)), open(t, through, newKeyRing(t))
	addUsers(t, one, 1)
	ctx := context.Background()
	lease, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	waiter := wait(t, other, 1)
	if err := release(ctx, one, lease); err != nil {
		t.Fatal(err)
	}
	answered(t, "the waiter of the other replica", waiter, nil)
}

func TestOperationsSucceedAfterAServerBehindAPoolerRestarted(t *testing.T) {
	server := postgrestest.Start(t)
	store := open(t, postgrestest.StartPooler(t, server.Access, server.NewDatabase(t), "session"), newKeyRing(t))
	addUsers(t, store, 1)
	useConnections(t, store)
	server.Restart(t)
	lease, err := claim(context.Background(), store)
	// If PgBouncer tried the server while that was down, it answers so for 15 seconds.
	for end := time.Now().Add(30 * time.Second); err != nil && strings.Contains(err.Error(), "server_login_retry") && time.Now().Before(end); {
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Fatalf("a claim that PgBouncer refuses: %v, want that the store is unavailable", err)
		}
		time.Sleep(100 * time.Millisecond)
		lease, err = claim(context.Background(), store)
	}
	if err != nil {
		t.Fatalf("the first claim after the restart: %v", err)
	}
	if err := release(context.Background(), store, lease); err != nil {
		t.Errorf("release: %v", err)
	}
}
