package problem

import (
	"cmp"
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

	// namedHolders is how many holders the text of a problem names.
	namedHolders = 3

	// retryQuarantined is in how many seconds a retry makes sense if too many users that match a selector are in quarantine: a person must
	// act.
	retryQuarantined = 60
)

// Answer writes the problem of err. It returns an error only if it can't write.
func Answer(c *fiber.Ctx, err error) error {
	kind := KindOf(err)
	if seconds := retryAfter(err, kind); seconds > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	detail := Detail(err)
	near, nearDetail := closest(err)
	occupancy := occupancyOf(err)
	ended, over := errors.AsType[*domain.EndedLeaseError](err)
	if over {
		detail = endedDetail(ended, detail)
	}
	answer := api.Problem{
		Type:    typeBase + string(kind.Code),
		Title:   kind.Title,
		Status:  kind.Status,
		Detail:  detail + nearDetail + occupancyDetail(occupancy),
		Code:    kind.Code,
		Errors:  Fields(err),
		Closest: near,
	}
	if refused, ok := errors.AsType[*domain.ImportRefusedError](err); ok {
		answer.Import = new(ImportReport(refused.Report))
	}
	if occupancy != nil {
		answer.Waiting, answer.HeldBy = &occupancy.Waiting, holders(occupancy)
		for _, i := range occupancy.Quarantined {
			answer.AllQuarantined = append(answer.AllQuarantined, fmt.Sprintf("/users/%d", i))
		}
	}
	if over {
		tellEnd(ended, &answer)
	}
	return c.Status(kind.Status).JSON(answer, mediaType)
}

// Detail says for people what err means, without what only an acquire needs to know.
func Detail(err error) string {
	kind := KindOf(err)
	if unavailable, ok := errors.AsType[*ports.UnavailableError](err); ok && kind.Code == api.CodeStoreUnavailable {
		return "The database can't be used: " + unavailable.Reason + ". " + mayBeDone
	}
	if explained, ok := errors.AsType[*explainedError](err); ok {
		return explained.detail
	}
	return kind.Detail
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

// Fields points at the parts of the request that err is about.
func Fields(err error) []api.FieldProblem {
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

// closest returns what comes closest to what the request wants, and the same for people.
func closest(err error) (closest []api.NearMiss, detail string) {
	unmatched, ok := errors.AsType[*domain.UnmatchedError](err)
	if !ok {
		return nil, ""
	}
	for _, miss := range unmatched.Closest {
		closest = append(closest, api.NearMiss{
			Pointer:  miss.Pointer(),
			Wanted:   miss.Wanted(),
			Users:    miss.Users,
			Values:   append([]string{}, miss.Values...), // never null
			Others:   miss.Others,
			Matching: miss.Matching,
		})
		detail += fmt.Sprintf(" For /users/%d: %v.", miss.Selector, miss)
	}
	return closest, detail
}

// occupancyOf returns why the users are not free that the request wants; nil if that is not known.
func occupancyOf(err error) *domain.Occupancy {
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
		return unmatched.Occupancy
	}
	if named, ok := errors.AsType[*domain.SelectorError](err); ok {
		return named.Occupancy
	}
	return nil
}

func holders(occupancy *domain.Occupancy) []api.Holder {
	holders := make([]api.Holder, len(occupancy.HeldBy))
	for i, h := range occupancy.HeldBy {
		holders[i] = api.Holder{Login: h.Login, Owner: h.Owner, Note: h.Note}
		if !h.ExpiresAt.IsZero() {
			holders[i].ExpiresAt = new(h.ExpiresAt.UTC())
		}
	}
	return holders
}

// occupancyDetail says for people what an occupancy says.
func occupancyDetail(occupancy *domain.Occupancy) (detail string) {
	if occupancy == nil {
		return ""
	}
	for _, i := range occupancy.Quarantined {
		detail += fmt.Sprintf(" Too many users that match /users/%d are in quarantine: restore one, or add users.", i)
	}
	for i, h := range occupancy.HeldBy[:min(len(occupancy.HeldBy), namedHolders)] {
		detail += [...]string{" Held by ", ", by "}[min(i, 1)]
		detail += cmp.Or(h.Owner, "a caller without a name")
		if !h.ExpiresAt.IsZero() {
			detail += " until " + h.ExpiresAt.UTC().Format(time.RFC3339)
		}
	}
	if len(occupancy.HeldBy) > namedHolders {
		detail += " and by others"
	}
	if len(occupancy.HeldBy) > 0 {
		detail += "."
	}
	switch occupancy.Waiting {
	case 0:
	case 1:
		detail += " 1 other acquire waits for such users."
	default:
		detail += fmt.Sprintf(" %d other acquires wait for such users.", occupancy.Waiting)
	}
	return detail
}

// retryAfter returns the number of seconds until a retry makes sense; 0 if that is unknown.
func retryAfter(err error, kind Kind) int {
	if next, ok := errors.AsType[*domain.NextCodeError](err); ok {
		roundedUp := (next.Wait + time.Second - 1) / time.Second
		return max(int(roundedUp), kind.RetryAfter)
	}
	if occupancy := occupancyOf(err); occupancy != nil && len(occupancy.Quarantined) > 0 {
		return retryQuarantined
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
