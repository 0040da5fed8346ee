package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// retryPause is how long a waiter pauses after a failure.
const retryPause = 500 * time.Millisecond

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
	for call := 0; ctx.Err() == nil; {
		w.acquiring.Header.Set("Idempotency-Key", w.name+"/"+strconv.Itoa(call))
		held, err := w.acquire(fmt.Sprintf(`{"users":[%s],"owner":"bench/waiter","wait_seconds":%d}`, selector, w.line.patience()))
		switch {
		case err == nil:
			w.line.granted(held)
			call++
		case kindOf(err) == codePoolExhausted || ctx.Err() != nil:
		default:
			w.line.tally.fail(err)
			sleep(ctx, jitter(retryPause))
		}
	}
}
