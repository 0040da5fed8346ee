package bench

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	refusalPause = 20 * time.Millisecond  // before the next acquire when the pool was exhausted
	failurePause = 100 * time.Millisecond // before the next acquire when a request failed

	// leaseMargin is how much longer than the hold a lease lasts, so that it does not expire before its release. If the answer to an
	// acquire is lost, its user is missing from the pool for that time.
	leaseMargin = time.Minute
)

// client acquires a user, holds it and releases it, over and over.
type client struct {
	*caller
	layout layout
	wants  []want // in turn
	next   int    // index in wants
	hold   time.Duration
	holds  *holds
	tally  *tally
}

// want is a target and the body of the acquire of one of its users.
type want struct {
	target int
	body   string
}

// work acquires and releases until ctx ends. Then it waits for the answer to its last request, and releases the user that it holds.
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

// pair does one acquire and one release. It counts as a pair unless ctx ended during the hold.
func (c *client) pair(ctx context.Context) error {
	var l lease
	wanted := c.wants[c.next]
	c.next = (c.next + 1) % len(c.wants)
	err := c.tally.time(&c.tally.acquires, func() (err error) {
		l, err = c.acquire(wanted.body)
		return err
	})
	if err != nil {
		return err
	}
	user, ours := c.holds.begin(l.user, l.fence)
	full := sleep(ctx, c.hold)
	if ours {
		c.holds.end(l.user)
	}
	if err := c.tally.time(&c.tally.releases, func() error { return c.release(l.id) }); err != nil {
		return err
	}
	if !ours || c.layout.targetOf(user) != wanted.target {
		return unexpected("it leases a user of another pool, or without the wanted label")
	}
	if full {
		c.tally.pairs.Add(1)
	}
	return nil
}

// jitter returns a random duration around d, so that clients that were refused together do not retry together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // it need not be unpredictable
}

// sleep waits for d, and returns false if ctx ended before that.
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
