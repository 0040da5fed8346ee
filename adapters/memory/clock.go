package memory

import "time"

// clock is the process clock, except that it never goes back and counts in whole microseconds.
type clock struct{ latest time.Time }

func (c *clock) now() time.Time {
	if now := time.Now().UTC().Truncate(time.Microsecond); now.After(c.latest) {
		c.latest = now
	}
	return c.latest
}
