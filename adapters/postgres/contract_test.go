package postgres_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestCaseSensitiveLogins(t *testing.T) {
	clock := newFakeClock(t, postgrestest.Shared(t).NewDatabase(t))
	portstest.TestCaseSensitiveLogins(t, portstest.Plain, func(t testing.TB) portstest.Subject {
		store := openWith(t, clock.url, newKeyRing(t), login.Rule{CaseSensitive: true})
		clock.exec(t, "DELETE FROM users")
		return portstest.Subject{Store: store, Advance: func(d time.Duration) { clock.advance(t, d) }}
	})
}

func TestStore(t *testing.T) {
	testStore(t, newFakeClock(t, postgrestest.Shared(t).NewDatabase(t)))
}

// A database may have settings of its own, and a pooler accepts few settings of a session that connects.
func TestStoreBehindAPoolerInADatabaseWithHostileSettings(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	clock := newFakeClock(t, databaseURL)
	postgres.MakeHostile(t, server, databaseURL)
	clock.url = postgrestest.StartPooler(t, server, clock.url, "session")
	testStore(t, clock)
}

// testStore runs the contract suite on one database for all subtests, which is emptied for each: creating one takes longer than
// most of the subtests.
func testStore(t *testing.T, clock *fakeClock) {
	t.Helper()
	portstest.TestStore(t, portstest.Plain, func(t testing.TB) portstest.Subject {
		keys := newKeyRing(t)
		observed := portstest.NewObserved()
		store := open(t, clock.url, keys, observed)
		clock.exec(t, "DELETE FROM users")
		for _, table := range []string{"label_sets", "pools", "ended_leases", "events", "calls", "waiters", "replicas", "api_keys", "projects", "sessions", "imports"} {
			clock.exec(t, "DELETE FROM "+table)
		}
		return portstest.Subject{
			Store:    store,
			Observed: observed,
			Advance:  func(d time.Duration) { clock.advance(t, d) },
			Restart: func() ports.Store {
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				store = open(t, clock.url, keys, observed)
				return store
			},
		}
	})
}

// fakeClock is a clock in a database that only advance moves.
type fakeClock struct {
	url  string // of the database; its search path puts this clock in front of PostgreSQL's
	conn *pgx.Conn
}

func newFakeClock(t testing.TB, databaseURL string) *fakeClock {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	settings := u.Query()
	settings.Set("search_path", "public,pg_catalog")
	u.RawQuery = settings.Encode()
	clock := &fakeClock{url: u.String(), conn: conn}
	clock.exec(t, `CREATE TABLE public.fake_clock AS SELECT date_trunc('second', pg_catalog.clock_timestamp()) AS now`)
	clock.exec(t, `CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
		AS 'SELECT now FROM public.fake_clock'`)
	return clock
}

func (c *fakeClock) advance(t testing.TB, d time.Duration) {
	t.Helper()
	c.exec(t, "UPDATE public.fake_clock SET now = now + $1::bigint * interval '1 microsecond'", d.Microseconds())
}

func (c *fakeClock) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := c.conn.Exec(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// As if the clock of the database's machine was set.
func TestAClockThatJumpsGrantsNoUserTwice(t *testing.T) {
	portstest.TestJumpingClock(t, func(t testing.TB) portstest.Subject {
		clock := newFakeClock(t, postgrestest.Shared(t).NewDatabase(t))
		return portstest.Subject{
			Store:   open(t, clock.url, newKeyRing(t)),
			Advance: func(d time.Duration) { clock.advance(t, d) },
		}
	})
}
