package bunstore

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	// beat is how often a process reports that the claims which wait in it are still there.
	beat = time.Second

	// recheck is how long after a wake-up, or after a claim joined the line, users are looked for again: a release that was
	// about to commit then saw no claim to wake, and a rival may have held a user only to let it go.
	recheck = 20 * time.Millisecond

	// searchEvery is how often users are looked for though nothing says that any are free: a wake-up is a hint that may be
	// lost.
	searchEvery = 5 * time.Second

	// retryLine is how long after an error of the database the next pass is.
	retryLine = 100 * time.Millisecond
)

// run passes over the line until no claim is in it.
//
// A pass that was woken may find that others hold the users which came free: for a moment, to find out that it is not their
// turn. So it searches again soon, and less and less often until the next wake-up.
func (l *line) run(ended chan struct{}) {
	defer close(ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var beaten, searched time.Time
	l.noteWorked(time.Now())
	woken, calm := true, recheck
	for {
		p := l.begin(time.Since(beaten) >= beat)
		if p == nil {
			return
		}
		if p.beat {
			beaten = time.Now()
		}
		p.search = woken || len(p.arriving) > 0 || calm < beat || time.Since(searched) >= searchEvery
		if p.search {
			searched = time.Now()
		}
		committing, err := l.serve(p)
		if err == nil {
			l.noteWorked(time.Now())
		}
		pause := l.end(p, committing, err)
		if woken || p.again || len(p.joined) > 0 {
			calm = recheck
		}
		if pause > 0 && err == nil {
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

// begin returns the next pass; nil if there is nothing left to do.
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
	l.behind = slices.DeleteFunc(l.behind, func(w *waitingClaim) bool { return l.waiting[w.place] != w })
	p := &pass{
		line: l, arriving: slices.Clone(l.arriving), behind: slices.Clone(l.behind), left: maps.Clone(l.leaving), beat: beat,
	}
	if beat || len(l.repeated) > 0 {
		for _, w := range l.waiting {
			if beat || l.repeated[w.claim.Once.Key] {
				p.waiting = append(p.waiting, w)
			}
		}
	}
	l.repeated = nil
	return p
}

// end keeps the outcome of a pass, answers the claims that it settled, and returns when the next pass is due. committing says
// that an error came so late that the pass may have been committed.
func (l *line) end(p *pass, committing bool, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.endFailed(p, committing, err)
		return retryLine
	}
	for place := range p.leaving {
		delete(l.leaving, place)
	}
	for _, w := range p.handedOver {
		delete(l.leaving, ledger.Place(w.Place))
	}
	arrived := make(map[*waitingClaim]bool, len(p.settled)+len(p.joined))
	for _, settled := range p.settled {
		arrived[settled.waitingClaim] = true
		delete(l.waiting, settled.place)
		if settled.timeUp {
			l.leaving.add(settled.waitingClaim)
		}
		settled.caller.answer(settled.answer)
	}
	for _, joined := range p.joined {
		w := joined.waitingClaim
		arrived[w] = true
		if w.place != 0 {
			delete(l.waiting, w.place)
		}
		delete(l.leaving, joined.Place) // taken over
		w.place, w.since, w.until = joined.Place, joined.Since, joined.Until
		if joined.behind {
			l.behind = append(l.behind, w)
		}
		if w.caller.hasLeft() {
			l.leaving.add(w)
			p.again = true
		} else {
			l.waiting[w.place] = w
			w.refusal = cmp.Or(w.refusal, joined.refusal) // a caller that leaves from now on reads it after this
		}
	}
	l.arriving = slices.DeleteFunc(l.arriving, func(w *waitingClaim) bool { return arrived[w] })
	l.repeated = p.carriedOut
	switch {
	case p.again:
		return 0
	case p.next > 0:
		return min(p.next, beat)
	default:
		return beat
	}
}

// endFailed undoes a pass that failed. What may have been committed all the same can't be undone: the claims that it settled
// are answered with the error, so that none is granted users twice, and the places that it gave are given up.
func (l *line) endFailed(p *pass, committing bool, err error) {
	if committing {
		for _, settled := range p.settled {
			w := settled.waitingClaim
			if w.place != 0 {
				delete(l.waiting, w.place)
				l.leaving.add(w)
			}
			l.arriving = slices.DeleteFunc(l.arriving, func(other *waitingClaim) bool { return other == w })
			w.caller.answer(cmp.Or(settled.answer, err))
		}
		for _, joined := range p.joined {
			l.leaving[joined.Place] = ledger.CallOf(joined.claim)
			if w := joined.waitingClaim; w.place != 0 { // at which of its places it is, is not known: it arrives anew
				delete(l.waiting, w.place)
				l.leaving.add(w)
				w.place, w.since = 0, time.Time{}
				l.insertArriving(w)
			}
		}
		p.settled = nil
	}
	p.undo()
	if time.Since(l.worked) > operationTimeout {
		l.giveUp(err)
	}
	if l.closed {
		clear(l.leaving)
	}
}
