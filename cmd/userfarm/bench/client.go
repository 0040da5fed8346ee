package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	refusalPause = 20 * time.Millisecond  // before a pool that was exhausted is asked again
	failurePause = 100 * time.Millisecond // before a farm that failed is asked again

	// leaseMargin is how much longer than the hold a lease lasts, so that none ends before its release. A user whose lease
	// lost its answer is out of the pool for as long.
	leaseMargin = time.Minute
)

// client acquires a user, holds it and releases it, over and over.
type client struct {
	*caller
	hold  time.Duration
	holds *holds
	tally *tally
}

// acquireBody asks for any user of the pool, for a client with a number.
func acquireBody(project string, number int, hold time.Duration) string {
	ttl := (hold + leaseMargin + time.Second - 1) / time.Second
	return fmt.Sprintf(`{"users":[{"project_id":%q,"env":%q,"domain":%q}],"owner":"bench/%d","ttl_seconds":%d}`,
		project, poolEnv, poolDomain, number, ttl)
}

// work goes on until ctx ends. Then it waits for the answer that it awaits, and releases what it holds.
func (c *client) work(ctx context.Context) {
	for ctx.Err() == nil {
		switch err := c.pair(ctx); {
		case err == nil:
		case kindOf(err) == codePoolExhausted:
			c.tally.refusals.Add(1)
			sleep(ctx, jitter(refusalPause))
		default:
			c.tally.fail(err)
			sleep(ctx, jitter(failurePause))
		}
	}
}

// pair is one acquire and one release. It counts unless the end of ctx cut the hold short.
func (c *client) pair(ctx context.Context) error {
	var l lease
	err := c.tally.time(&c.tally.acquires, func() (err error) {
		l, err = c.acquire()
		return err
	})
	if err != nil {
		return err
	}
	wanted := c.holds.begin(l.user, l.fence)
	full := sleep(ctx, c.hold)
	if wanted {
		c.holds.end(l.user)
	}
	if err := c.tally.time(&c.tally.releases, func() error { return c.release(l.id) }); err != nil {
		return err
	}
	if !wanted {
		return unexpected("it leases a user of another pool")
	}
	if full {
		c.tally.pairs.Add(1)
	}
	return nil
}

// jitter keeps clients that were sent away together from coming back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // nobody gains by guessing it
}

// sleep returns false if ctx ended before d was over.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
