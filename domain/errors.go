package domain

import (
	"errors"
	"fmt"
	"strings"
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
	// ErrNoTOTP says that the user has no second factor that makes codes.
	ErrNoTOTP = errors.New("user has no TOTP secret")
	// ErrCodeUsed says that the current code was given out already.
	ErrCodeUsed = errors.New("one-time code was given out already")
	// ErrKeyExists says that there is an API key with this token already.
	ErrKeyExists = errors.New("API key exists")
	// ErrTooManyKeys says that as many API keys are active as may be.
	ErrTooManyKeys = errors.New("too many API keys")
	// ErrKeyNotFound says that no API key has this id.
	ErrKeyNotFound = errors.New("API key not found")
	// ErrUnauthorized says that the farm can't tell who asks: there is no API key, or none that is known and lives.
	ErrUnauthorized = errors.New("no valid API key")
	// ErrForbidden says that the API key may not do this.
	ErrForbidden = errors.New("the API key may not do this")
	// ErrInvalid is what every [InvalidError] is.
	ErrInvalid = errors.New("invalid input")
)

// EndedLeaseError is an [ErrLeaseExpired] that says of which projects the users of the lease were.
type EndedLeaseError struct{ Scope Scope }

// Error says that the lease is over.
func (*EndedLeaseError) Error() string { return ErrLeaseExpired.Error() }

// Unwrap returns [ErrLeaseExpired].
func (*EndedLeaseError) Unwrap() error { return ErrLeaseExpired }

// ForbiddenError is an [ErrForbidden] that names what of an input the API key may not name.
type ForbiddenError struct {
	Fields []FieldError // at least one
}

// Error lists the fields and their rules.
func (e *ForbiddenError) Error() string {
	rules := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		rules[i] = f.Pointer + " " + f.Detail
	}
	return ErrForbidden.Error() + ": " + strings.Join(rules, "; ")
}

// Unwrap returns [ErrForbidden].
func (*ForbiddenError) Unwrap() error { return ErrForbidden }

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
