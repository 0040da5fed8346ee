package postgres_test

import (
	"testing"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

// Every commit waits for the disk, as in production. The servers of the tests do not wait.
func BenchmarkStore(b *testing.B) {
	server := postgrestest.Start(b)
	server.Set(b, "fsync", "on")
	server.Set(b, "full_page_writes", "on")
	portstest.BenchmarkStore(b, func(t testing.TB) ports.Store { return open(t, server.NewDatabase(t), newKeyRing(t)) })
}
