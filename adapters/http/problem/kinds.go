// Package problem says what the API answers for each error. One ordered table maps errors to problems (RFC 9457). A client
// maps the codes of the same table back to errors: [Kinds] lets its tests compare both directions.
package problem

import (
	"context"
	"errors"
	"slices"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Errors of requests that the server rejects before the farm sees them.
var (
	ErrMalformed            = errors.New("malformed request")
	ErrNotFound             = errors.New("no such path")
	ErrMethodNotAllowed     = errors.New("method not allowed")
	ErrRequestTimeout       = errors.New("request timeout")
	ErrUnsupportedMediaType = errors.New("unsupported media type")
	ErrShuttingDown         = errors.New("shutting down")
	ErrRateLimited          = errors.New("too many requests")
	ErrTooManyConnections   = errors.New("too many connections")

	errTooLarge       = errors.New("body too large")
	errHeaderTooLarge = errors.New("header too large")
	errInternal       = errors.New("internal error")
)

// Code is the code of a problem, which programs look at.
type Code = api.Code

// Kind is what the API answers for one kind of error.
type Kind struct {
	Code       Code
	Status     int    // of HTTP
	Title      string // always the same for a code
	Detail     string // for an error that has no detail of its own
	RetryAfter int    // seconds until a retry makes sense, for an error that does not know better; 0 sets no header
	Err        error  // an error is of this kind if [errors.Is] finds Err in it
}

// kinds is in order: the first row that fits an error is its kind. The first row of a code has the error of that code.
var kinds = []Kind{
	{api.CodeInvalid, 422, "Invalid request",
		"The request breaks the rules that errors names.", 0, domain.ErrInvalid},
	{api.CodeIdempotencyMismatch, 422, "Idempotency key used before",
		"The Idempotency-Key was used with another request. Use a new key for every call, and the same one only to repeat it.",
		0, domain.ErrIdempotencyMismatch},
	{api.CodeUnauthorized, 401, "API key needed",
		"This needs an API key. Send its token in the header Authorization, as in Authorization: Bearer userfarm_….",
		0, domain.ErrUnauthorized},
	{api.CodeForbidden, 403, "Not allowed",
		"The API key may not do this.", 0, domain.ErrForbidden},
	{api.CodeUserNotFound, 404, "User not found",
		"No user has this id.", 0, domain.ErrUserNotFound},
	{api.CodeLeaseNotFound, 404, "Lease not found",
		"No lease has this id, or it ended too long ago to be remembered.", 0, domain.ErrLeaseNotFound},
	{api.CodeSessionNotFound, 404, "No session is saved",
		"No session of the user is saved, or it has expired or was dropped. Log in, and save the session for the next holder.",
		0, domain.ErrSessionNotFound},
	{api.CodeImportNotFound, 404, "Import not found",
		"The farm has no part of this import, or has forgotten it because it did not go on. Begin anew with another import_id.",
		0, domain.ErrImportNotFound},
	{api.CodeImportIncomplete, 409, "Import incomplete",
		"Rows of the import are missing, or break rules. Nothing was imported. Begin anew with another import_id.",
		0, domain.ErrImportIncomplete},
	{api.CodeTooManyKeys, 409, "Too many API keys",
		"The limit of active API keys is reached. Revoke keys that are not needed anymore.", 0, domain.ErrTooManyKeys},
	{api.CodeKeyNotFound, 404, "API key not found",
		"No API key has this id.", 0, domain.ErrKeyNotFound},
	{api.CodeNoMatch, 404, "No user matches",
		"No user in the farm could ever satisfy the selectors that errors points at. Create such users, or ask for less.",
		0, domain.ErrNoMatch},
	{api.CodePoolExhausted, 409, "No matching user is free",
		"Users match, but too few of them are free now. Try again later, or add users to the pool.",
		1, domain.ErrPoolExhausted},
	{api.CodeUserLocked, 409, "User is locked",
		"Somebody holds the user.", 0, domain.ErrUserLocked},
	{api.CodeFenceMismatch, 409, "Another fence",
		"The latest lock of the user has another fence than the one that you named. Nothing was changed. " +
			"Another test may hold the user now.", 0, domain.ErrFenceMismatch},
	{api.CodeUserQuarantined, 409, "User is quarantined",
		"The user is out of circulation until it is restored.", 0, domain.ErrUserQuarantined},
	{api.CodeUserExists, 409, "User exists",
		"Another user has this login in this project and environment, perhaps in another spelling.", 0, domain.ErrUserExists},
	{api.CodeProjectNameTaken, 409, "Name is taken",
		"Another project has this name, perhaps in another spelling. It may be a project that your API key does not see.",
		0, domain.ErrProjectNameTaken},
	{api.CodeNoTOTP, 409, "User has no second factor",
		"The user has no secret to make one-time codes from. An admin can set one: totp_secret.",
		0, domain.ErrNoTOTP},
	{api.CodeCodeUsed, 409, "One-time code was given out",
		"The current code of the user was given out already, and no code is given out twice. " +
			"Ask again for the next one, or wait for it with wait_seconds.",
		1, domain.ErrCodeUsed},
	{api.CodeCodeExpiring, 409, "One-time code expires too soon",
		"The current code of the user is not valid for min_remaining_seconds anymore. " +
			"Ask again for the next one, or wait for it with wait_seconds.",
		1, domain.ErrCodeExpiring},
	{api.CodeLeaseExpired, 410, "Lease is over",
		"The lease expired, was released, or was ended by force. Stop using its users: another test may hold them now.",
		0, domain.ErrLeaseExpired},

	{api.CodeMalformed, 400, "Malformed request",
		"The request is not HTTP that the farm understands.", 0, ErrMalformed},
	{api.CodeNotFound, 404, "No such path",
		"Nothing is served at this path. GET /docs describes what is.", 0, ErrNotFound},
	{api.CodeMethodNotAllowed, 405, "Method not allowed",
		"The path does not support this method. The Allow header lists the methods that it supports.", 0, ErrMethodNotAllowed},
	{api.CodeRequestTimeout, 408, "Request timeout",
		"The request did not arrive in time.", 0, ErrRequestTimeout},
	{api.CodeTooLarge, 413, "Body too large",
		"A body may have at most 1 MiB.", 0, errTooLarge},
	{api.CodeUnsupportedMediaType, 415, "Unsupported media type",
		"Send the body as JSON, with the header Content-Type: application/json.", 0, ErrUnsupportedMediaType},
	{api.CodeHeaderTooLarge, 431, "Header too large",
		"The request line and the headers may have at most 16 KiB together.", 0, errHeaderTooLarge},

	{api.CodeRateLimited, 429, "Too many requests",
		"You ask too often. Try again later, and less often.", 1, ErrRateLimited},
	{api.CodeTooManyConnections, 503, "Too many connections",
		"This server has reached its limit of connections. Try again later, and use fewer connections.",
		1, ErrTooManyConnections},
	{api.CodeShuttingDown, 503, "Shutting down",
		"This server is shutting down. Try again, and another one will answer.", 1, ErrShuttingDown},
	storeUnavailable(ports.ErrUnavailable),
	storeUnavailable(context.DeadlineExceeded),
	storeUnavailable(context.Canceled),
	internal,
}

// internal is the kind of every error that fits no other row.
var internal = Kind{api.CodeInternal, 500, "Internal error",
	"The farm failed because of a bug. Its log says more.", 0, errInternal}

const mayBeDone = "The farm may have carried out the request all the same."

func storeUnavailable(err error) Kind {
	return Kind{api.CodeStoreUnavailable, 503, "Store unavailable",
		"The database does not answer. Try again later. " + mayBeDone,
		1, err}
}

// Kinds returns the table in order. A server takes the first row whose error fits. A client takes the error of the first
// row that has the code.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindOf returns the kind of err, which may be one of Fiber's: the first row that fits, or the internal error if no row does.
func KindOf(err error) Kind {
	err = withoutFiber(err)
	for _, kind := range kinds {
		if errors.Is(err, kind.Err) {
			return kind
		}
	}
	return internal
}
