package postgrestest

import (
	"context"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is what all tests of a package use.
var shared struct {
	once   sync.Once
	server *Server   // nil if the setting names a server
	turn   *pgx.Conn // nil unless the setting names a server
	err    error
}

// Shared returns the server that all tests of a package use, so a test must not change it. It is the one that [Variable] names, or
// else a server that starts with the first test and ends with [Main].
func Shared(t testing.TB) *Access {
	t.Helper()
	s := readSetting(t)
	if s.server != nil {
		shared.once.Do(func() { shared.turn, shared.err = takeTurn(s.server) })
		failIf(t, shared.err)
		return &Access{home: s.server, drop: true}
	}
	programs := needPrograms(t, s)
	shared.once.Do(func() { shared.server, shared.err = start(programs) })
	failIf(t, shared.err)
	return shared.server.Access
}

// takeTurn waits until no other package uses the server, and keeps it from others until the connection ends. Go test runs
// packages in parallel, but a transaction in one database delays when another database may show its events: PostgreSQL numbers the
// transactions of all databases together.
func takeTurn(server *url.URL) (*pgx.Conn, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.String())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext('userfarm postgrestest'))"); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func failIf(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
}

// Main runs the tests of a package, stops their [Shared] server and reports how many tests were skipped.
type Main struct{ M *testing.M }

// Run returns what [testing.M.Run] does.
func (m Main) Run() int {
	defer reportSkipped()
	defer func() {
		if shared.server != nil {
			shared.server.end()
		}
		if shared.turn != nil {
			_ = shared.turn.Close(context.Background())
		}
	}()
	return m.M.Run()
}
