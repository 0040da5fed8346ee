package bunstore

import (
	"context"
	"errors"
	"sync/atomic"
)

// caller waits for the answer to an operation, and may leave before the operation is applied. It alone decides which of the two
// happens: code that applies an operation must bind its caller first.
type caller struct {
	phase    atomic.Int32
	answered chan struct{} // closed when what follows is set
	err      error
	panicked any
}

// The phases of a caller.
const (
	waiting int32 = iota
	bound         // its operation is being applied, so it waits until it is answered
	gone
)

// errPanicked is the outcome of an operation that panicked. The panic goes on where the caller waits.
var errPanicked = errors.New("panicked")

func newCaller() *caller { return &caller{answered: make(chan struct{})} }

// leave reports whether the caller may go: its operation will not be applied.
func (c *caller) leave() bool { return c.phase.CompareAndSwap(waiting, gone) }

func (c *caller) hasLeft() bool { return c.phase.Load() == gone }

func (c *caller) isWaiting() bool { return c.phase.Load() == waiting }

// bind keeps the caller until it is answered, or freed. It reports false if the caller has left, or is bound already.
func (c *caller) bind() bool { return c.phase.CompareAndSwap(waiting, bound) }

// free lets a caller leave again: its operation was not applied after all.
func (c *caller) free() {
	c.err, c.panicked = nil, nil
	c.phase.CompareAndSwap(bound, waiting)
}

// apply calls an operation of the caller, unless the caller has left, and keeps the caller from leaving. A panic is the
// caller's alone.
func (c *caller) apply(operation func() error) (err error) {
	if c.bind(); c.hasLeft() {
		return context.Canceled
	}
	defer func() {
		if c.panicked = recover(); c.panicked != nil {
			err = errPanicked
		}
	}()
	return operation()
}

func (c *caller) answer(err error) {
	c.err = err
	close(c.answered)
}

// result returns the answer, once there is one.
func (c *caller) result() error {
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}
