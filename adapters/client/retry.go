package client

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second // far below the time for which the farm keeps a place in line
)

// do sends a request until it is answered, its failure can't pass, or the client has tried for long enough.
func (c *Client) do(ctx context.Context, of call, send request) (answer, error) {
	if of.missing != nil {
		return answer{}, &Error{Operation: of.operation, Reason: of.missing}
	}
	doubtful := false
	var giveUp time.Time
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		got, failed := c.attempt(ctx, of, send)
		got.doubtful = doubtful
		if failed == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return got, ended(ctx, of, failed)
		}
		doubtful = doubtful || failed.doubt
		if !failed.retry || of.once && failed.doubt {
			return got, failed.err
		}
		if giveUp.IsZero() {
			giveUp = time.Now().Add(c.retryFor)
		}
		wait := max(jitter(pause), failed.after)
		if time.Now().Add(wait).After(giveUp) {
			return got, failed.err
		}
		if !sleep(ctx, wait) {
			return got, &endedError{operation: of.operation, ended: ctx.Err(), last: failed.err}
		}
	}
}

// ended returns the error of an attempt that failed when its context had ended. That the connection was closed because of that
// is no news.
func ended(ctx context.Context, of call, failed *failure) error {
	err := &endedError{operation: of.operation, ended: ctx.Err()}
	if _, unreachable := failed.err.(*Error).Reason.(*unreachableError); !unreachable { //nolint:errcheck,errorlint // a failure has an Error
		err.last = failed.err
	}
	return err
}

// jitter returns a random duration around d, so that clients that failed together do not retry together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // it need not be unpredictable
}

// sleep waits for d, and returns false if ctx ended before that.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
