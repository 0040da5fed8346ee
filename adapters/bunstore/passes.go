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

	// retryLine is how long after an error of the database the next pass is.
	retryLine = 100 * time.Millisecond
)

// run passes over the line until no claim is in it.
func (l *line) run(ended chan struct{}) {
	defer close(ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var beaten, expiry time.Time
	l.noteWorked(time.Now())
	for {
		now := time.Now()
		p := l.begin(now, now.Sub(beaten) >= beat)
		if p == nil {
			return
		}
		p.expiry = !expiry.After(now)
		if p.beat {
			beaten = now
		}
		committing, err := l.serve(p)
		if err == nil {
			l.noteWorked(time.Now())
		}
		pause := l.end(p, committing, err)
		if expiry = time.Now().Add(beat); err == nil && p.next > 0 {
			expiry = time.Now().Add(min(p.next, beat))
		}
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

// begin returns the next pass; nil if there is nothing left to do.
func (l *line) begin(now time.Time, beat bool) *pass {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.giveUp(errClosed)
	}
	if len(l.arriving)+len(l.waiting)+len(l.leaving) == 0 {
		l.running, l.lookout = nil, lookout{}
		return nil
	}
	l.behind = slices.DeleteFunc(l.behind, func(w *waitingClaim) bool { return l.waiting[w.place] != w })
	p := &pass{
		line: l, began: now, arriving: slices.Clone(l.arriving), behind: slices.Clone(l.behind), left: maps.Clone(l.leaving), beat: beat,
		sighting: l.lookout.take(now, l.selectors),
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
	now := time.Now()
	if err != nil {
		l.lookout.putBack(p.sighting)
		l.endFailed(p, committing, err)
		return retryLine
	}
	l.lookout.haveLooked(now, p.sighting, now.Sub(p.began))
	for _, f := range p.unsure {
		l.lookout.lookAgain(now, f)
	}
	l.lookout.users = append(l.lookout.users, maybeFree(now, p.unserved...)...)
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
		l.lookout.soon.add(now.Add(recheck), w.claim.Want)
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
	pause := min(beat, l.lookout.next(now))
	if p.next > 0 {
		pause = min(pause, p.next)
	}
	if p.again {
		pause = 0
	}
	return pause
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
