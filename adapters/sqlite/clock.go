package sqlite

import (
	"sync"
	"time"
)

// clock is the process's time, which is the store's: no other process hands users out. It never goes back and never stands
// still: it follows the wall clock forward (over the night of a suspended laptop, say), and ticks on from where it is when
// the wall clock is set back, so that no lock lasts longer for that.
type clock struct {
	mu      sync.Mutex
	reading time.Time // of the process's clocks, wall and monotonic, at the latest call
	told    time.Time // by that call
}

// now returns the time in UTC and in whole microseconds.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()

	reading := time.Now()
	elapsed := reading.Sub(c.reading)
	c.reading = reading
	return c.tell(reading.UTC().Round(0), elapsed) // Round strips the monotonic clock's reading
}

// tell returns the time when the wall clock shows this time, and so much has elapsed since the latest call.
func (c *clock) tell(wall time.Time, elapsed time.Duration) time.Time {
	told := wall
	if ticked := c.told.Add(elapsed); !c.told.IsZero() && ticked.After(wall) {
		told = ticked
	}
	c.told = told
	return told.Truncate(time.Microsecond)
}
