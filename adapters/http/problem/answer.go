package problem

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	mediaType = "application/problem+json"
	typeBase  = "urn:userfarm:problem:"

	// maxFields keeps the answer to a body full of errors smaller than that body.
	maxFields = 100
)

// Answer writes the problem of err. It returns an error only if it can't write.
func Answer(c *fiber.Ctx, err error) error {
	kind := KindOf(err)
	if seconds := retryAfter(err, kind); seconds > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	detail := kind.Detail
	if explained, ok := errors.AsType[*explainedError](err); ok {
		detail = explained.detail
	}
	if unavailable, ok := errors.AsType[*ports.UnavailableError](err); ok && kind.Code == api.CodeStoreUnavailable {
		detail = "The database can't be used: " + unavailable.Reason + ". " + mayBeDone
	}
	return c.Status(kind.Status).JSON(api.Problem{
		Type:   typeBase + string(kind.Code),
		Title:  kind.Title,
		Status: kind.Status,
		Detail: detail,
		Code:   kind.Code,
		Errors: fields(err),
	}, mediaType)
}

// Explain returns an error of the kind that has its own detail for the client.
func Explain(kind error, format string, args ...any) error {
	return &explainedError{kind: kind, detail: fmt.Sprintf(format, args...)}
}

// explainedError is an error with a detail that replaces the one of its kind.
type explainedError struct {
	kind   error
	detail string
}

// Error returns the text for the log.
func (e *explainedError) Error() string { return e.kind.Error() + ": " + e.detail }

// Unwrap returns the error that determines the kind.
func (e *explainedError) Unwrap() error { return e.kind }

// Catch returns the error of run. A panic of run becomes an error too, which is answered as an internal error.
func Catch(run func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return run()
}

// fields points at the parts of the request that err is about.
func fields(err error) []api.FieldProblem {
	fields := []api.FieldProblem{}
	var named []domain.FieldError
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		named = invalid.Fields
	}
	if forbidden, ok := errors.AsType[*domain.ForbiddenError](err); ok {
		named = forbidden.Fields
	}
	for _, f := range named[:min(len(named), maxFields)] {
		fields = append(fields, api.FieldProblem{Pointer: f.Pointer, Detail: f.Detail})
	}
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
		for _, i := range unmatched.Selectors {
			fields = append(fields, api.FieldProblem{Pointer: fmt.Sprintf("/users/%d", i), Detail: unmatched.Reason.Error()})
		}
	}
	if named, ok := errors.AsType[*domain.SelectorError](err); ok {
		pointer := fmt.Sprintf("/users/%d/user_id", named.Selector)
		fields = append(fields, api.FieldProblem{Pointer: pointer, Detail: named.Reason.Error()})
	}
	return fields
}

// retryAfter returns the number of seconds until a retry makes sense; 0 if that is unknown.
func retryAfter(err error, kind Kind) int {
	if used, ok := errors.AsType[*domain.CodeUsedError](err); ok {
		roundedUp := (used.Wait + time.Second - 1) / time.Second
		return max(int(roundedUp), kind.RetryAfter)
	}
	return kind.RetryAfter
}

// fiberErrors maps the statuses of Fiber's errors to the errors of this package.
var fiberErrors = map[int]error{
	fiber.StatusBadRequest:                  ErrMalformed,
	fiber.StatusNotFound:                    ErrNotFound,
	fiber.StatusMethodNotAllowed:            ErrMethodNotAllowed,
	fiber.StatusRequestTimeout:              ErrRequestTimeout,
	fiber.StatusRequestEntityTooLarge:       errTooLarge,
	fiber.StatusRequestHeaderFieldsTooLarge: errHeaderTooLarge,
	fiber.StatusBadGateway:                  ErrMalformed, // of a connection that broke while Fiber read it
}

// withoutFiber returns err, or the error of this package for an error of Fiber.
func withoutFiber(err error) error {
	if foreign, ok := errors.AsType[*fiber.Error](err); ok {
		if own, known := fiberErrors[foreign.Code]; known {
			return own
		}
	}
	return err
}
