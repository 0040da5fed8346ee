package bunstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// maxGroup is how many users the operations of one transaction may need. What waits behind them waits for one commit more,
// and shares the next with whatever else has come by then.
const maxGroup = 256

// queue is group commit: operations wait in the order of their coming while a group of earlier ones is carried, and then
// all go together. There is no timer: one that comes alone goes at once, and the more that come during a commit, the more
// share the next.
type queue struct {
	// carry takes a group through a transaction, and settles each of its tickets or puts it back.
	carry func([]*ticket)

	mu      sync.Mutex
	waiting []*ticket
	running bool // a goroutine carries groups until nothing waits
}

// do has an operation carried and returns its error. It returns early when ctx ends, unless deciding has begun by then:
// that must have ended when the caller goes on, and what was decided may be committed any moment.
func (q *queue) do(ctx context.Context, op operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &ticket{operation: op, settled: make(chan struct{})}
	q.put(t)
	select {
	case <-t.settled:
	case <-ctx.Done():
		if t.withdraw() {
			return ctx.Err()
		}
		<-t.settled
	}
	if t.panicked != nil {
		panic(t.panicked)
	}
	return t.err
}

// put adds a ticket to the end of the queue.
func (q *queue) put(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
	if !q.running {
		q.running = true
		go q.run()
	}
}

// putBack returns tickets of the group that is being carried to the front of the queue.
func (q *queue) putBack(tickets []*ticket) {
	for _, t := range tickets {
		t.phase.Store(waiting)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Insert(q.waiting, 0, tickets...)
}

func (q *queue) run() {
	for {
		group := q.next()
		if group == nil {
			return
		}
		q.carry(group)
	}
}

// next takes the group that goes next. It returns nil when nothing waits, and then the next put begins to run.
func (q *queue) next() []*ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		return nil
	}
	n, users := 1, q.waiting[0].size()
	for n < len(q.waiting) && users+q.waiting[n].size() <= maxGroup {
		users += q.waiting[n].size()
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// ticket is an operation in the queue. Until it is settled, the queue's goroutine alone uses it, but for its phase.
type ticket struct {
	operation
	returns int // how often it was put back
	phase   atomic.Int32

	settled  chan struct{} // closed when what follows is set
	err      error
	panicked any
}

// The phases of a ticket.
const (
	waiting   int32 = iota
	deciding        // its caller must wait until it is settled
	withdrawn       // its caller has gone
)

// withdraw reports whether the operation won't be decided anymore.
func (t *ticket) withdraw() bool { return t.phase.CompareAndSwap(waiting, withdrawn) }

// gone reports whether the operation was withdrawn.
func (t *ticket) gone() bool { return t.phase.Load() == withdrawn }

// enter reports whether the operation is to be decided now: it is, unless it was withdrawn.
func (t *ticket) enter() bool {
	return t.phase.CompareAndSwap(waiting, deciding) || t.phase.Load() == deciding
}

func (t *ticket) settle(err error) {
	t.err = err
	close(t.settled)
}
