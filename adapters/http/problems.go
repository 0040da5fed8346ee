package http

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	problemMediaType = "application/problem+json"
	problemTypeBase  = "urn:userfarm:problem:"

	// maxFieldProblems keeps the answer to a body that is all wrong from outgrowing it.
	maxFieldProblems = 100
)

// What the wire refuses before the farm sees it.
var (
	errMalformed            = errors.New("malformed request")
	errNotFound             = errors.New("no such path")
	errMethodNotAllowed     = errors.New("method not allowed")
	errRequestTimeout       = errors.New("request timeout")
	errTooLarge             = errors.New("body too large")
	errUnsupportedMediaType = errors.New("unsupported media type")
	errHeaderTooLarge       = errors.New("header too large")
	errInternal             = errors.New("internal error")
	errShuttingDown         = errors.New("shutting down")
	errRateLimited          = errors.New("too many requests")
	errTooManyConnections   = errors.New("too many connections")
)

// ProblemKind is what the wire says about one kind of error.
type ProblemKind struct {
	Code       Code
	Status     int
	Title      string
	Detail     string // unless the error explains itself
	RetryAfter int    // seconds after which it makes sense to ask again, unless the error knows better; 0 says nothing
	Err        error  // what [errors.Is] finds in the errors of this kind
}

// problemKinds is in order: an error is of the first kind that fits. A code stands for the error of its first row.
var problemKinds = []ProblemKind{
	{CodeInvalid, 422, "Invalid request",
		"The request breaks the rules that errors names.", 0, domain.ErrInvalid},
	{CodeIdempotencyMismatch, 422, "Idempotency key used before",
		"The Idempotency-Key was used with another request. Use a new key for every call, and the same one only to repeat it.",
		0, domain.ErrIdempotencyMismatch},
	{CodeUnauthorized, 401, "API key needed",
		"This needs an API key. Send its token in the header Authorization, as in Authorization: Bearer userfarm_….",
		0, domain.ErrUnauthorized},
	{CodeForbidden, 403, "Not allowed",
		"The API key may not do this.", 0, domain.ErrForbidden},
	{CodeUserNotFound, 404, "User not found",
		"No user has this id.", 0, domain.ErrUserNotFound},
	{CodeLeaseNotFound, 404, "Lease not found",
		"No lease has this id, or it ended too long ago to be remembered.", 0, domain.ErrLeaseNotFound},
	{CodeTooManyKeys, 409, "Too many API keys",
		"As many API keys are active as may be. Revoke those that nobody needs.", 0, domain.ErrTooManyKeys},
	{CodeKeyNotFound, 404, "API key not found",
		"No API key has this id.", 0, domain.ErrKeyNotFound},
	{CodeNoMatch, 404, "No user matches",
		"No user in the farm could ever satisfy the selectors that errors points at. Create such users, or ask for less.",
		0, domain.ErrNoMatch},
	{CodePoolExhausted, 409, "No matching user is free",
		"Users match, but too few of them are free now. Try again later, or add users to the pool.",
		1, domain.ErrPoolExhausted},
	{CodeUserLocked, 409, "User is locked",
		"Somebody holds the user.", 0, domain.ErrUserLocked},
	{CodeUserQuarantined, 409, "User is quarantined",
		"The user is out of circulation until it is restored.", 0, domain.ErrUserQuarantined},
	{CodeUserExists, 409, "User exists",
		"The login is taken in this project and environment.", 0, domain.ErrUserExists},
	{CodeNoTOTP, 409, "User has no second factor",
		"There is no secret from which to make one-time codes for the user. An admin can give it one: totp_secret.",
		0, domain.ErrNoTOTP},
	{CodeCodeUsed, 409, "One-time code was given out",
		"The current code of the user was given out already, and no code is given out twice. " +
			"Ask for the next one, or be ready to wait for it: wait_seconds.",
		1, domain.ErrCodeUsed},
	{CodeLeaseExpired, 410, "Lease is over",
		"The lease expired, was released, or was ended by force. Stop using its users: they may be somebody else's now.",
		0, domain.ErrLeaseExpired},

	{CodeMalformed, 400, "Malformed request",
		"The request is not HTTP that the farm understands.", 0, errMalformed},
	{CodeNotFound, 404, "No such path",
		"Nothing is served at this path. GET /docs describes what is.", 0, errNotFound},
	{CodeMethodNotAllowed, 405, "Method not allowed",
		"The path does not know this method. The Allow header names those that it knows.", 0, errMethodNotAllowed},
	{CodeRequestTimeout, 408, "Request timeout",
		"The request did not arrive in time.", 0, errRequestTimeout},
	{CodeTooLarge, 413, "Body too large",
		"A body may have at most 1 MiB.", 0, errTooLarge},
	{CodeUnsupportedMediaType, 415, "Unsupported media type",
		"Send the body as JSON, with the header Content-Type: application/json.", 0, errUnsupportedMediaType},
	{CodeHeaderTooLarge, 431, "Header too large",
		"The request line and the headers may have at most 16 KiB together.", 0, errHeaderTooLarge},

	{CodeRateLimited, 429, "Too many requests",
		"You ask too often. Try again later, and less often.", 1, errRateLimited},
	{CodeTooManyConnections, 503, "Too many connections",
		"This server has as many connections as it may. Try again later, and use fewer connections.", 1, errTooManyConnections},
	{CodeShuttingDown, 503, "Shutting down",
		"This server is shutting down. Try again, and another one will answer.", 1, errShuttingDown},
	storeUnavailable(ports.ErrUnavailable),
	storeUnavailable(context.DeadlineExceeded),
	storeUnavailable(context.Canceled),
	internalProblem,
}

// internalProblem is the kind of every error that no other row knows.
var internalProblem = ProblemKind{CodeInternal, 500, "Internal error",
	"The farm made a mistake. Its log says more.", 0, errInternal}

func storeUnavailable(err error) ProblemKind {
	return ProblemKind{CodeStoreUnavailable, 503, "Store unavailable",
		"The database does not answer. Try again later, and be aware that the request may have been carried out all the same.",
		1, err}
}

// ProblemKinds returns what the wire says about each kind of error, in the order in which they are tried. A client reads
// the same rows backwards: the error of the first row that has its code.
func ProblemKinds() []ProblemKind { return slices.Clone(problemKinds) }

// kindOf returns the kind of err.
func kindOf(err error) ProblemKind {
	for _, kind := range problemKinds {
		if errors.Is(err, kind.Err) {
			return kind
		}
	}
	return internalProblem
}

// explainedError says more about an error of this package than its kind does.
type explainedError struct {
	kind   error
	detail string
}

func explain(kind error, format string, args ...any) error {
	return &explainedError{kind: kind, detail: fmt.Sprintf(format, args...)}
}

// Error is for the log.
func (e *explainedError) Error() string { return e.kind.Error() + ": " + e.detail }

// Unwrap returns the error that finds the kind.
func (e *explainedError) Unwrap() error { return e.kind }

// describe returns the problem that tells a client of err.
func describe(err error) (Problem, ProblemKind) {
	kind := kindOf(err)
	detail := kind.Detail
	if explained, ok := errors.AsType[*explainedError](err); ok {
		detail = explained.detail
	}
	return Problem{
		Type:   problemTypeBase + string(kind.Code),
		Title:  kind.Title,
		Status: kind.Status,
		Detail: detail,
		Code:   kind.Code,
		Errors: fieldProblems(err),
	}, kind
}

// fieldProblems points at the parts of the request that err is about.
func fieldProblems(err error) []FieldProblem {
	fields := []FieldProblem{}
	var named []domain.FieldError
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		named = invalid.Fields
	}
	if forbidden, ok := errors.AsType[*domain.ForbiddenError](err); ok {
		named = forbidden.Fields
	}
	for _, f := range named[:min(len(named), maxFieldProblems)] {
		fields = append(fields, FieldProblem{Pointer: f.Pointer, Detail: f.Detail})
	}
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
		for _, i := range unmatched.Selectors {
			fields = append(fields, FieldProblem{Pointer: fmt.Sprintf("/users/%d", i), Detail: unmatched.Reason.Error()})
		}
	}
	if named, ok := errors.AsType[*domain.SelectorError](err); ok {
		pointer := fmt.Sprintf("/users/%d/user_id", named.Selector)
		fields = append(fields, FieldProblem{Pointer: pointer, Detail: named.Reason.Error()})
	}
	return fields
}

// answerProblem answers err, and returns only what keeps it from doing so.
func answerProblem(c *fiber.Ctx, err error) error {
	problem, kind := describe(ownError(err))
	if seconds := retryAfter(err, kind); seconds > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	return c.Status(kind.Status).JSON(problem, problemMediaType)
}

// retryAfter returns after how many seconds it makes sense to ask again; 0 if nobody knows.
func retryAfter(err error, kind ProblemKind) int {
	if used, ok := errors.AsType[*domain.CodeUsedError](err); ok {
		roundedUp := (used.Wait + time.Second - 1) / time.Second
		return max(int(roundedUp), kind.RetryAfter)
	}
	return kind.RetryAfter
}

// ownErrors are the errors of this package for those of Fiber, by their status.
var ownErrors = map[int]error{
	fiber.StatusBadRequest:                  errMalformed,
	fiber.StatusNotFound:                    errNotFound,
	fiber.StatusMethodNotAllowed:            errMethodNotAllowed,
	fiber.StatusRequestTimeout:              errRequestTimeout,
	fiber.StatusRequestEntityTooLarge:       errTooLarge,
	fiber.StatusRequestHeaderFieldsTooLarge: errHeaderTooLarge,
	fiber.StatusBadGateway:                  errMalformed, // Fiber's word for a connection that broke while it was read
}

// ownError returns err, or the error of this package if it is one of Fiber's.
func ownError(err error) error {
	if foreign, ok := errors.AsType[*fiber.Error](err); ok {
		if own, known := ownErrors[foreign.Code]; known {
			return own
		}
	}
	return err
}
