package ports

import (
	"context"
	"errors"

	"github.com/userfarm/userfarm/domain"
)

// Outcome says what became of a claim that stood in line, and that [Users.Claim] answered with err, for those who measure or trace it.
func Outcome(err error) string {
	_, repeated := errors.AsType[*domain.RepeatedError](err)
	switch {
	case err == nil:
		return "granted"
	case repeated: // the same call was carried out, and its caller gets what it got
		return "repeated"
	case domain.MayPass(err): // the users were not free in time
		return "time_up"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "left"
	case errors.Is(err, domain.ErrNoMatch), errors.Is(err, domain.ErrUserNotFound), errors.Is(err, domain.ErrIdempotencyMismatch):
		return "refused"
	default:
		return "failed"
	}
}
