package domain

import (
	"errors"
	"fmt"
)

// What the rules refuse. Callers test for these with [errors.Is]; adapters wrap them with the operation that failed.
var (
	// ErrUserNotFound says that no user has this id.
	ErrUserNotFound = errors.New("user not found")
	// ErrUserExists says that the login is taken in this project and environment.
	ErrUserExists = errors.New("user exists")
	// ErrUserLocked says that somebody holds the user.
	ErrUserLocked = errors.New("user is locked")
	// ErrUserFree says that nobody holds the user.
	ErrUserFree = errors.New("user is free")
	// ErrUserQuarantined says that the user is out of circulation until it is restored.
	ErrUserQuarantined = errors.New("user is quarantined")
	// ErrHeldByLease says that the lock belongs to a lease, so only the lease's id can release it.
	ErrHeldByLease = errors.New("user is held by a lease")
	// ErrLeaseNotFound says that no lease had this id, or that it ended too long ago to be remembered.
	ErrLeaseNotFound = errors.New("lease not found")
	// ErrLeaseExpired says that the lease is over: expired, released or forced.
	ErrLeaseExpired = errors.New("lease is over")
	// ErrNoMatch says that no user, free or not, could ever satisfy a selector.
	ErrNoMatch = errors.New("no user matches")
	// ErrPoolExhausted says that users match, but too few of them are free now.
	ErrPoolExhausted = errors.New("no matching user is free")
	// ErrIdempotencyMismatch says that the idempotency key was used with another request.
	ErrIdempotencyMismatch = errors.New("idempotency key was used with another request")
	// ErrInvalid is what every [InvalidError] is.
	ErrInvalid = errors.New("invalid input")
)

// UnmatchedError is an [ErrNoMatch] or [ErrPoolExhausted] that names the selectors which got no user.
type UnmatchedError struct {
	Reason    error // ErrNoMatch or ErrPoolExhausted
	Selectors []int // indexes into the selectors that were asked for, ascending
}

// Error names the reason and the selectors.
func (e *UnmatchedError) Error() string {
	return fmt.Sprintf("%v (selectors %v)", e.Reason, e.Selectors)
}

// Unwrap returns the reason.
func (e *UnmatchedError) Unwrap() error { return e.Reason }

// SelectorError is an error about the user that one selector names by id.
type SelectorError struct {
	Reason   error // ErrUserNotFound, ErrUserLocked or ErrUserQuarantined
	Selector int   // index into the selectors that were asked for
}

// Error names the reason and the selector.
func (e *SelectorError) Error() string {
	return fmt.Sprintf("%v (selector %d)", e.Reason, e.Selector)
}

// Unwrap returns the reason.
func (e *SelectorError) Unwrap() error { return e.Reason }
