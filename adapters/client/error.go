package client

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Error is the error of a call. It is the error of the domain or the port that the farm answered, or [ports.ErrUnavailable] if the
// farm did not answer: errors.Is and errors.As find it.
type Error struct {
	Operation string // such as "acquire"

	Code       string        // of the problem; empty if the farm did not answer with one. openapi.yaml has all codes
	Status     int           // of HTTP; 0 without an answer
	Detail     string        // what happened and what to do, for people; may be empty
	RetryAfter time.Duration // after which a retry makes sense; 0 if that is unknown
	RequestID  string        // by which the farm's log has the request; empty without an answer

	Reason error // never nil
}

// Error returns a text for people.
func (e *Error) Error() string {
	text := e.Reason.Error()
	if e.Detail != "" && !e.namesFields() {
		text = e.Detail
	}
	return "client: " + e.Operation + ": " + text
}

// namesFields reports whether the reason says more than the detail.
func (e *Error) namesFields() bool {
	if _, invalid := errors.AsType[*domain.InvalidError](e.Reason); invalid {
		return true
	}
	if _, refused := errors.AsType[*domain.ImportRefusedError](e.Reason); refused {
		return true
	}
	_, forbidden := errors.AsType[*domain.ForbiddenError](e.Reason)
	return forbidden
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// unreachableError says that a farm did not answer.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string { return "the farm does not answer: " + e.cause.Error() }

func (e *unreachableError) Unwrap() []error { return []error{ports.ErrUnavailable, e.cause} }

// endedError says that the context of a call ended before the farm gave an answer that counts.
type endedError struct {
	operation string
	ended     error // of the context
	last      error // of the last attempt
}

func (e *endedError) Error() string {
	text := "client: " + e.operation + ": " + e.ended.Error()
	if e.last != nil {
		text += "; before that: " + e.last.Error()
	}
	return text
}

func (e *endedError) Unwrap() []error {
	if e.last == nil {
		return []error{e.ended}
	}
	return []error{e.ended, e.last}
}
