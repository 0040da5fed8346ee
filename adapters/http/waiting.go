package http

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// waiting lets requests wait: so many of each caller at one time, none while the server shuts down, and none of who may not
// enter the farm anymore.
type waiting struct {
	closing closing
	long    *longRequests
}

// run calls wanted, which may stand in line for as long as wait, with that much more time than other requests have. It
// returns errShuttingDown or [domain.ErrUnauthorized] if it may wait no longer, and errRateLimited if too many requests of
// the caller wait already.
func (w waiting) run(c *fiber.Ctx, wait time.Duration, wanted func(ctx context.Context) error) error {
	ctx := c.UserContext()
	if wait <= 0 {
		return wanted(ctx)
	}
	in, done, err := w.long.begin(admissionOf(c))
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), wait+requestTimeout)
	defer stop()
	ctx, cancel := endingWith(ctx, w.closing.begun, in)
	defer cancel()
	err = wanted(ctx)
	// A farm that is cut short calls that an absent store. Whatever else it found out is the answer.
	if err == nil || kindOf(err).Code != CodeStoreUnavailable {
		return err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, domain.ErrUnauthorized) && admissionOf(c).token.IsZero():
		return challenge(c, cause) // the farm has its first key since
	case errors.Is(cause, domain.ErrUnauthorized):
		return challenge(c, explain(cause, "The API key expired or was revoked while the request waited."))
	case errors.Is(cause, errShuttingDown):
		return errors.Join(errShuttingDown, err)
	default:
		return err
	}
}
