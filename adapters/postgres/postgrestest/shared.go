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

// Shared returns the server that all tests of a package use, so a test must not change it. It is the one that [Variable] names, or
// else a server that starts with the first test and ends with [Main].
func Shared(t testing.TB) *Access {
	t.Helper()
	s := readSetting(t)
	if s.server != nil {
		return &Access{home: s.server, drop: true}
	}
	programs := needPrograms(t, s)
	shared.once.Do(func() { shared.server, shared.err = start(programs) })
	if shared.err != nil {
		t.Fatalf("postgrestest: %v", shared.err)
	}
	return shared.server.Access
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
	}()
	return m.M.Run()
}
