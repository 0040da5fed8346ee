package bunstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const (
	// beat is how often a process says that those in line are still there, and looks for users all the same: a wake-up is
	// a hint that may be lost.
	beat = time.Second

	// recheck is how long after somebody joined the line users are looked for again: a release that was about to commit then
	// saw nobody to wake.
	recheck = 20 * time.Millisecond

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
	serve   func(*pass) error
	awake   chan struct{} // a pass is due

	mu       sync.Mutex
	arriving []*stander         // not in the store yet
	waiting  map[int64]*stander // by place
	leaving  []int64            // places that nobody has anymore, and that are in the store still
	running  chan struct{}      // closed when the goroutine has ended; nil if there is none
	closed   bool
	hasty    bool // the next pass is one with a beat, whatever the time
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

func (l *line) init(serve func(*pass) error) {
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
func (l *line) run(ended chan struct{}) {
	defer close(ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var beaten, failing time.Time
	for {
		p := l.begin(time.Since(beaten) >= beat)
		if p == nil {
			return
		}
		if p.beat {
			beaten = time.Now()
		}
		err := l.serve(p)
		if err == nil {
			failing = time.Time{}
		} else if failing.IsZero() {
			failing = time.Now()
		}
		pause := l.end(p, err, !failing.IsZero() && time.Since(failing) > operationTimeout)
		timer.Reset(pause)
		select {
		case <-l.awake:
			if err != nil {
				<-timer.C // a store that fails is not asked more often for that
			}
		case <-timer.C:
		}
	}
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
	beat = beat || l.hasty
	l.hasty = false
	p := &pass{line: l, arriving: slices.Clone(l.arriving), left: slices.Clone(l.leaving), beat: beat}
	if beat {
		for _, w := range l.waiting {
			p.waiting = append(p.waiting, w)
		}
	}
	return p
}

// at returns the claim that has a place, if it is in this process and still there.
func (l *line) at(place int64) *stander {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[place]
}

// end keeps what came of a pass, tells those whom it settled, and returns when the next one is due. hopeless says that the
// store has failed for so long that waiting on makes no sense.
func (l *line) end(p *pass, err error, hopeless bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		p.undo()
		if hopeless {
			l.giveUp(err)
		}
		if l.closed {
			l.leaving = nil
		}
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
	l.hasty = p.carried
	switch {
	case p.again:
		return 0
	case len(p.joined) > 0:
		return recheck
	case p.next > 0:
		return min(p.next, beat)
	default:
		return beat
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
