package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A waiter pauses after a failure, and twice as long after each further one: a farm that is overloaded can't serve those who come back
// at once.
const (
	shortestRetry = 500 * time.Millisecond
	longestRetry  = 8 * time.Second
)

// waiter waits in line for a user, again and again.
type waiter struct {
	*caller
	line *line
	user int    // the user that it wants
	name string // different from that of every other waiter
}

// wait stands in line until ctx ends, and once more if it has an answer then. A waiter that is served comes to the end of the line: it
// wants the next lease on its user. A waiter whose wait is over repeats its call, and so keeps its place.
func (w *waiter) wait(ctx context.Context) {
	selector := w.line.layout.selector(w.line.project.id, lineEnv, w.user)
	pause := shortestRetry
	for call := 0; ctx.Err() == nil; {
		w.acquiring.Header.Set("Idempotency-Key", w.name+"/"+strconv.Itoa(call))
		held, err := w.acquire(fmt.Sprintf(`{"users":[%s],"owner":"bench/waiter","wait_seconds":%d}`, selector, w.line.patience()))
		switch {
		case err == nil:
			w.line.granted(held)
			call++
			pause = shortestRetry
		case kindOf(err) == codePoolExhausted || ctx.Err() != nil:
			pause = shortestRetry
		default:
			w.line.tally.fail(err)
			sleep(ctx, jitter(pause))
			pause = min(2*pause, longestRetry)
		}
	}
}
