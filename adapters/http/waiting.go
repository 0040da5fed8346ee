package http

import (
	"context"
	"errors"
	"time"
)

// waiting calls run, which may stand in line for as long as wait, with that much more time than other requests have. It
// returns errShuttingDown if the server shuts down meanwhile, which should not take as long as the line.
func (c closing) waiting(ctx context.Context, wait time.Duration, run func(ctx context.Context) error) error {
	if wait <= 0 {
		return run(ctx)
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), wait+requestTimeout)
	defer stop()
	ctx, cancel := c.cut(ctx)
	defer cancel()
	err := run(ctx)
	// A farm that is cut short calls that an absent store. Whatever else it found out is the answer.
	if err != nil && errors.Is(context.Cause(ctx), errShuttingDown) && kindOf(err).Code == CodeStoreUnavailable {
		return errors.Join(errShuttingDown, err)
	}
	return err
}
