package domain

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The errors of the rules. Test for them with [errors.Is]: adapters wrap them with the operation that failed.
var (
	// ErrUserNotFound says that no user has this id.
	ErrUserNotFound = errors.New("user not found")
	// ErrUserExists says that another user has the login in this project and environment. Package login tells which logins are
	// the same.
	ErrUserExists = errors.New("user exists")
	// ErrProjectNameTaken says that another project has this name. Package login tells which names are the same.
	ErrProjectNameTaken = errors.New("another project has this name")
	// ErrUserLocked says that the user is locked.
	ErrUserLocked = errors.New("user is locked")
	// ErrUserFree says that the user is not locked.
	ErrUserFree = errors.New("user is free")
	// ErrFenceMismatch says that the latest lock of the user has another fence, so it is not the lock that the caller means.
	ErrFenceMismatch = errors.New("user has another fence")
	// ErrUserQuarantined says that the user is out of circulation until it is restored.
	ErrUserQuarantined = errors.New("user is quarantined")
	// ErrHeldByLease says that a lease holds the user, so that releasing it needs the lease's id.
	ErrHeldByLease = errors.New("user is held by a lease")
	// ErrLeaseNotFound says that no lease had this id, or that it ended so long ago that it was forgotten.
	ErrLeaseNotFound = errors.New("lease not found")
	// ErrLeaseExpired says that the lease is over: expired, released or forced. An [EndedLeaseError] tells more.
	ErrLeaseExpired = errors.New("lease is over")
	// ErrNoMatch says that there are too few users that match the selectors, free or not.
	ErrNoMatch = errors.New("no user matches")
	// ErrPoolExhausted says that enough users match the selectors, but too few of them are free now.
	ErrPoolExhausted = errors.New("no matching user is free")
	// ErrIdempotencyMismatch says that the idempotency key was used for a different request.
	ErrIdempotencyMismatch = errors.New("idempotency key was used with another request")
	// ErrNoTOTP says that the user has no TOTP secret, so that there are no one-time codes.
	ErrNoTOTP = errors.New("user has no TOTP secret")
	// ErrCodeUsed says that the current one-time code was given out before.
	ErrCodeUsed = errors.New("one-time code was given out already")
	// ErrCodeExpiring says that the current one-time code is not valid for long enough to be used.
	ErrCodeExpiring = errors.New("one-time code expires too soon")
	// ErrSessionNotFound says that no session of the user is saved.
	ErrSessionNotFound = errors.New("no session is saved")
	// ErrKeyExists says that an API key with this token exists.
	ErrKeyExists = errors.New("API key exists")
	// ErrTooManyKeys says that no more API keys may be active; see [CheckRoomForKey].
	ErrTooManyKeys = errors.New("too many API keys")
	// ErrKeyNotFound says that no API key has this id.
	ErrKeyNotFound = errors.New("API key not found")
	// ErrImportNotFound says that no part of this import is known. A store forgets an import that does not go on.
	ErrImportNotFound = errors.New("import not found")
	// ErrImportIncomplete says that rows of the import are missing, or break rules.
	ErrImportIncomplete = errors.New("import is incomplete")
	// ErrUnauthorized says that the caller is not authenticated: it has no API key, or one that is unknown or not active.
	ErrUnauthorized = errors.New("no valid API key")
	// ErrForbidden says that the role or the scope of the API key does not allow this.
	ErrForbidden = errors.New("the API key may not do this")
	// ErrInvalid says that an input is invalid. Every [InvalidError] is one.
	ErrInvalid = errors.New("invalid input")
)

// ForbiddenError is an [ErrForbidden] about fields of an input.
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

// UnmatchedError is an [ErrNoMatch] or [ErrPoolExhausted] with the selectors that got no user.
type UnmatchedError struct {
	Reason    error // ErrNoMatch or ErrPoolExhausted
	Selectors []int // indexes of the selectors, ascending

	// Closest are the users that come closest to some of the selectors, if that is known. It is only for ErrNoMatch.
	Closest []NearMiss

	Occupancy *Occupancy // of an ErrPoolExhausted; nil if it is not known
}

// Error names the reason, the selectors and what comes closest to them.
func (e *UnmatchedError) Error() string {
	text := fmt.Sprintf("%v (%s)", e.Reason, selectorsText(e.Selectors))
	for _, miss := range e.Closest {
		text += fmt.Sprintf("; %s: %v", miss.Pointer(), miss)
	}
	return text
}

// selectorsText names selectors by their indexes.
func selectorsText(indexes []int) string {
	names := make([]string, len(indexes))
	for i, index := range indexes {
		names[i] = strconv.Itoa(index)
	}
	if len(names) == 1 {
		return "selector " + names[0]
	}
	return "selectors " + strings.Join(names, ", ")
}

// Unwrap returns the reason.
func (e *UnmatchedError) Unwrap() error { return e.Reason }

// SelectorError is an error about the user that one selector names by id.
type SelectorError struct {
	Reason    error      // ErrUserNotFound, ErrUserLocked or ErrUserQuarantined
	Selector  int        // index of the selector
	Occupancy *Occupancy // of an ErrUserLocked or ErrUserQuarantined; nil if it is not known
}

// Error names the reason and the selector.
func (e *SelectorError) Error() string {
	return fmt.Sprintf("%v (selector %d)", e.Reason, e.Selector)
}

// Unwrap returns the reason.
func (e *SelectorError) Unwrap() error { return e.Reason }
