package bunstore

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/domain/ledger"
)

// maxGroup is how many users the operations of one transaction may need. What waits behind them waits for one commit more,
// and shares the next with everything that has arrived by then.
const maxGroup = 256

// queue is group commit: operations wait in the order of their arrival while a group of earlier ones commits, and then all
// go together. There is no timer: an operation that arrives alone goes at once, and the more arrive during a commit, the
// more share the next one.
type queue struct {
	// run takes a group through a transaction, and answers each caller or puts its ticket back.
	run func([]*ticket)

	mu      sync.Mutex
	waiting []*ticket
	running bool // a goroutine runs groups until nothing waits
}

// ticket is an operation in the queue.
type ticket struct {
	operation ledger.Operation
	caller    *caller
	span      trace.Span // of the request
	size      int        // how many users the operation may need
	returns   int        // how often it was put back
}

// do has an operation carried out and returns its outcome. It returns early when ctx ends, unless the operation is being
// applied: what was decided may be committed any moment.
func (q *queue) do(ctx context.Context, operation ledger.Operation, size int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &ticket{operation: operation, caller: newCaller(), span: trace.SpanFromContext(ctx), size: size}
	q.mu.Lock()
	q.waiting = append(q.waiting, t)
	if !q.running {
		q.running = true
		go q.runAll()
	}
	q.mu.Unlock()
	select {
	case <-t.caller.answered:
	case <-ctx.Done():
		if t.caller.leave() {
			q.drop(t)
			return ctx.Err()
		}
		<-t.caller.answered
	}
	return t.caller.result()
}

// drop takes a ticket whose caller has left out of the queue.
func (q *queue) drop(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(other *ticket) bool { return other == t })
}

// runAll runs groups until nothing waits.
func (q *queue) runAll() {
	for group := q.next(); group != nil; group = q.next() {
		q.run(group)
	}
}

// putBack returns tickets of the group that is being run to the front of the queue.
func (q *queue) putBack(tickets []*ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tickets {
		t.caller.free() // a caller that leaves from now on drops its ticket once this is done
	}
	q.waiting = slices.Insert(q.waiting, 0, tickets...)
}

// next takes the next group. It returns nil when nothing waits, and then the next operation begins to run groups again.
func (q *queue) next() []*ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		return nil
	}
	n, users := 1, q.waiting[0].size
	for n < len(q.waiting) && users+q.waiting[n].size <= maxGroup {
		users += q.waiting[n].size
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}
