package bunstore

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const (
	// beat is how often a process says that those in line are still there.
	beat = time.Second

	// recheck is how long after a wake-up, or after somebody joined the line, users are looked for again: a release that was
	// about to commit then saw nobody to wake, and a rival may have kept a user only to let it go.
	recheck = 20 * time.Millisecond

	// lookAround is how often users are looked for though nothing says that any are free: a wake-up is a hint that may be
	// lost.
	lookAround = 5 * time.Second

	// brokenAfter is for how long a store may not have worked before it is blamed for what it did not answer.
	brokenAfter = 3 * time.Second

	// retryLine is how long after an error of the database the next pass is.
	retryLine = 100 * time.Millisecond

	// closePatience bounds how long a store that is being closed waits for the line to write down who has left it.
	closePatience = 2 * time.Second
)

// DeadAfter is how long after its last sign of life a process counts as dead, and those of the line that wait in it as gone.
const DeadAfter = 5 * time.Second

// line is the part of the line that waits in this process. While somebody is in it, a goroutine passes over the whole line
// whenever users may have become free, and serves whose turn it is; see [Store.serveLine].
type line struct {
	replica ReplicaID
	serve   func(*pass) (committing bool, err error)
	awake   chan struct{} // a pass is due
	expiry  int64         // of the next lock, as the latest pass saw it; the passes' own

	mu       sync.Mutex
	arriving []*stander         // not in the store yet
	waiting  map[int64]*stander // by place
	leaving  []int64            // places that nobody has anymore, and that are in the store still
	running  chan struct{}      // closed when the goroutine has ended; nil if there is none
	closed   bool
	repeated map[CallKey]bool // calls that others in line may have made, too
	worked   time.Time        // when the store was last seen to work
}

// stander is a claim that stands in line, or is about to.
type stander struct {
	*ticket
	claim    *claim
	assigned []*domain.User // in the pass that is under way
	wait     time.Duration
	place    int64 // 0 until the store has it
	offered  int64 // the place that the pass which is under way gives it
	until    int64
	refusal  error // what it is told in the end; nil if that is not known yet
}

func (l *line) init(serve func(*pass) (committing bool, err error)) {
	var random [8]byte
	_, _ = rand.Read(random[:])                                      // never fails, by its documentation
	l.replica = ReplicaID(binary.BigEndian.Uint64(random[:])>>1) | 1 //nolint:gosec // any bits but all zeros will do
	l.serve, l.awake, l.waiting = serve, make(chan struct{}, 1), map[int64]*stander{}
}

// arrive puts a claim behind all that came before it: those that were refused together do not get here in their order.
func (l *line) arrive(w *stander) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		w.enter()
		w.settle(errClosed)
		return
	}
	at, _ := slices.BinarySearchFunc(l.arriving, w, func(a, b *stander) int { return a.claim.came.Compare(b.claim.came) })
	l.arriving = slices.Insert(l.arriving, at, w)
	l.start()
	l.wake()
}

// leave takes a claim out that was withdrawn.
func (l *line) leave(w *stander) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.place == 0 {
		l.arriving = slices.DeleteFunc(l.arriving, func(other *stander) bool { return other == w })
		return
	}
	delete(l.waiting, w.place)
	l.leaving = append(l.leaving, w.place)
	l.start()
	l.wake()
}

// wake makes a pass due, if anybody is in line.
func (l *line) wake() {
	select {
	case l.awake <- struct{}{}:
	default:
	}
}

// start runs the goroutine. The caller has the mutex.
func (l *line) start() {
	if l.running == nil && !l.closed {
		l.running = make(chan struct{})
		go l.run(l.running)
	}
}

// run passes over the line until nobody is in it.
//
// A pass that was woken may find that others keep the users which came free: for a moment, to find out that it is not their
// turn. So it looks again soon, and less and less often until the next wake-up.
func (l *line) run(ended chan struct{}) {
	defer close(ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var beaten, looked time.Time
	l.passed(time.Now())
	woken, calm := true, recheck
	for {
		p := l.begin(time.Since(beaten) >= beat)
		if p == nil {
			return
		}
		if p.beat {
			beaten = time.Now()
		}
		p.look = woken || len(p.arriving) > 0 || calm < beat || time.Since(looked) >= lookAround
		if p.look {
			looked = time.Now()
		}
		committing, err := l.serve(p)
		if err == nil {
			l.passed(time.Now())
		}
		pause := l.end(p, committing, err)
		if woken || p.again || len(p.joined) > 0 {
			calm = recheck
		}
		if pause > 0 {
			pause = min(pause, calm)
		}
		timer.Reset(pause)
		woken = p.again
		select {
		case <-l.awake:
			woken = true
			if err != nil {
				<-timer.C // a store that fails is not asked more often for that
			}
		case <-timer.C:
			calm = min(2*calm, beat)
		}
	}
}

// passed keeps when the store was last seen to work.
func (l *line) passed(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked = at
}

// fails reports whether the store has not worked for so long.
func (l *line) fails(since time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running != nil && time.Since(l.worked) > since
}

// begin returns the next pass; nil, if there is nothing to do anymore.
func (l *line) begin(beat bool) *pass {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.giveUp(errClosed)
	}
	if len(l.arriving)+len(l.waiting)+len(l.leaving) == 0 {
		l.running = nil
		return nil
	}
	p := &pass{line: l, arriving: slices.Clone(l.arriving), left: slices.Clone(l.leaving), beat: beat}
	if beat || len(l.repeated) > 0 {
		for _, w := range l.waiting {
			if beat || l.repeated[w.claim.once.Key] {
				p.waiting = append(p.waiting, w)
			}
		}
	}
	l.repeated = nil
	return p
}

// at returns the claim that has a place, if it is in this process and still there.
func (l *line) at(place int64) *stander {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[place]
}

// end keeps what came of a pass, tells those whom it settled, and returns when the next one is due. committing says that an
// error came so late that what the pass did may have been done.
func (l *line) end(p *pass, committing bool, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.endFailed(p, committing, err)
		return retryLine
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(place int64) bool { return slices.Contains(p.left, place) })
	arrived := make(map[*stander]bool, len(p.settled)+len(p.joined))
	for _, w := range p.settled {
		arrived[w] = true
		delete(l.waiting, w.place)
		w.settle(w.err)
	}
	for _, w := range p.joined {
		arrived[w] = true
		w.place = w.offered
		if w.gone() {
			l.leaving = append(l.leaving, w.place)
			p.again = true
		} else {
			l.waiting[w.place] = w
			if refusal := p.refusals[w]; refusal != nil {
				w.refusal = refusal // who withdraws from now on reads it after this
			}
		}
	}
	l.arriving = slices.DeleteFunc(l.arriving, func(w *stander) bool { return arrived[w] })
	l.repeated = p.carried
	switch {
	case p.again:
		return 0
	case p.next > 0:
		return min(p.next, beat)
	default:
		return beat
	}
}

// endFailed undoes a pass that failed. What may have been committed all the same can't be undone: whom it settled is told
// the error, lest somebody be granted users twice, and places that it gave are given up.
func (l *line) endFailed(p *pass, committing bool, err error) {
	if committing {
		for _, w := range p.settled {
			if w.place != 0 {
				delete(l.waiting, w.place)
				l.leaving = append(l.leaving, w.place)
			}
			l.arriving = slices.DeleteFunc(l.arriving, func(other *stander) bool { return other == w })
			w.settle(cmp.Or(w.err, err))
		}
		for _, w := range p.joined {
			l.leaving = append(l.leaving, w.offered)
		}
		p.settled = nil
	}
	p.undo()
	if time.Since(l.worked) > operationTimeout {
		l.giveUp(err)
	}
	if l.closed {
		l.leaving = nil
	}
}

// giveUp tells all who wait here that the store fails.
func (l *line) giveUp(err error) {
	for place, w := range l.waiting {
		if w.enter() {
			delete(l.waiting, place)
			l.leaving = append(l.leaving, place)
			w.settle(err)
		}
	}
	for _, w := range l.arriving {
		if w.enter() {
			w.settle(err)
		}
	}
	l.arriving = nil
}

// errClosed is what those are told who still wait when the store is closed.
var errClosed = errors.New("the store is closed")

// close ends the line. It leaves nobody in it.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	running := l.running
	l.mu.Unlock()
	if running == nil {
		return
	}
	l.wake()
	select {
	case <-running:
	case <-time.After(closePatience):
	}
}
