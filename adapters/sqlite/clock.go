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
	wall := reading.UTC().Round(0) // strips the monotonic clock's reading
	told := wall
	if ticked := c.told.Add(reading.Sub(c.reading)); !c.told.IsZero() && ticked.After(wall) {
		told = ticked
	}
	c.reading, c.told = reading, told
	return told.Truncate(time.Microsecond)
}
