package postgrestest

import (
	"sync"
	"testing"
)

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the server that the tests of a package have in common, and starts it for the first. It ends with [Main].
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		t.Fatalf("postgrestest: %v", shared.err)
	}
	return shared.server
}

// Main runs the tests of a package and then stops their [Shared] server, if any of them used it.
type Main struct{ M *testing.M }

// Run returns what [testing.M.Run] does.
func (m Main) Run() int {
	defer func() {
		if shared.server != nil {
			shared.server.end()
		}
	}()
	return m.M.Run()
}
