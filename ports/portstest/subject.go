package portstest

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/ports"
)

// Subject is a store under test. Only Advance moves its clock.
type Subject struct {
	Store ports.Store

	// Advance moves the store's clock forward by d, which is a whole number of microseconds.
	Advance func(d time.Duration)

	// Observed is an observer of the store, and of the one after a restart. [TestStore] needs it.
	Observed *Observed

	// Restart closes the store and returns it as after a restart: with everything that it has answered, and nothing else. It is
	// nil for a store that does not survive its process.
	Restart func() ports.Store
}

// Factory returns an empty store, which is closed at the end of the test.
type Factory func(t testing.TB) Subject

// Env runs test in the environment that a [Factory] needs to stop the clock. It may be a [testing/synctest] bubble, so
// test does not call t.Run, t.Parallel or t.Deadline.
type Env func(t *testing.T, test func(t *testing.T))

// Plain is the [Env] of a store whose clock is not the process's.
func Plain(t *testing.T, test func(t *testing.T)) { test(t) }
