package bunstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// pass is one passage over the line.
type pass struct {
	line     *line
	arriving []*waitingClaim // not in the store when it began
	waiting  []*waitingClaim // of those in the store, the ones that may wait for nothing; all of them, with a beat
	leaving  []ledger.Place  // to give up
	beat     bool
	search   bool // for free users, even if no lock has expired

	settled    []settledClaim
	joined     []joinedClaim
	again      bool                    // there is more to do
	carriedOut map[ledger.CallKey]bool // calls that the pass carried out
	next       time.Duration           // until a lock expires; 0 if none will
}

// settledClaim is a claim that leaves the line with its answer.
type settledClaim struct {
	*waitingClaim
	answer error
}

// joinedClaim is a claim that gets a place.
type joinedClaim struct {
	*waitingClaim
	ledger.Waiter
	refusal error // why it was not served at once
}

// undo makes as if the pass had not been.
func (p *pass) undo() {
	for _, settled := range p.settled {
		settled.caller.free()
	}
	p.settled, p.joined, p.again, p.carriedOut = nil, nil, false, make(map[ledger.CallKey]bool)
}

// settle notes the answer to a claim, unless its caller has left or it has its answer.
func (p *pass) settle(w *waitingClaim, answer error) {
	if w.caller.bind() {
		p.settled = append(p.settled, settledClaim{w, answer})
	}
}

// inLine is a claim in line. One that waits in another process is respected, and served there.
type inLine struct {
	want []domain.Selector
	here *waitingClaim // nil if it waits in another process
}

// servePass passes over the line: the claims whose turn it is, and that wait in this process, are served; claims that arrive
// join the line. No two processes pass at the same time, so the line has one order, and a claim that waits elsewhere is not
// overtaken because its own process has not come to it yet.
func (s *Store) servePass(p *pass) (committing bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	err = s.retry(ctx, func() (bool, error) {
		p.undo()
		committing, err = s.pass(ctx, p)
		committing = committing || err == nil // the store may be found to be lost after the commit
		return committing, err
	})
	return committing, err
}

func (s *Store) pass(ctx context.Context, p *pass) (committing bool, err error) {
	ask := Ask{Line: true}
	if p.beat {
		ask.Beat = s.line.replica
	}
	tx, l, found, err := s.begin(ctx, ask)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	line := p.lineUp(found.Line)
	now, expiry := instant(found.Now), s.line.expiry
	s.line.expiry = instant(found.NextExpiry)
	if p.search || !expiry.IsZero() && !expiry.After(now) {
		if err := s.serveTurns(ctx, p, tx, l, line); err != nil {
			return false, err
		}
	}
	if err := p.dismiss(ctx, tx, l); err != nil {
		return false, err
	}
	if err := p.admit(ctx, s.newLook(tx, l), ledger.Place(found.Line.Last)); err != nil {
		return false, err
	}
	leaving := slices.Clone(p.leaving)
	for _, settled := range p.settled {
		if settled.place != 0 {
			leaving = append(leaving, settled.place)
		}
	}
	l.Leave(leaving...)
	p.next = l.NextExpiry()
	changes := l.Changes()
	p.again = p.again || len(leaving) > 0 && changes.Frees
	_, committing, err = s.commit(ctx, tx, changes, p.beat)
	return committing, err
}

// lineUp returns the line with the claims that arrive at its end.
func (p *pass) lineUp(stored Line) []inLine {
	all := make([]inLine, 0, len(stored.Waiters)+len(p.arriving))
	for _, w := range stored.Waiters {
		place := ledger.Place(w.Place)
		switch here := p.line.at(place); {
		case w.Replica != p.line.replica:
			all = append(all, inLine{want: w.Want})
		case here != nil:
			all = append(all, inLine{want: w.Want, here: here})
		case !slices.Contains(p.leaving, place):
			p.leaving = append(p.leaving, place) // no claim has it: it came of a commit whose answer was lost
		}
	}
	for _, w := range p.arriving {
		all = append(all, inLine{want: w.claim.Want, here: w})
	}
	return all
}

// serveTurns serves the claims whose turn it is.
func (s *Store) serveTurns(ctx context.Context, p *pass, tx Transaction, l *ledger.Ledger, line []inLine) error {
	wants := make([][]domain.Selector, len(line))
	for i, each := range line {
		wants[i] = each.want
	}
	if err := s.search(ctx, tx, l, wants); err != nil {
		return err
	}
	turns := l.Turns(wants)
	var calls []ledger.CallKey
	for i, each := range line {
		if turns[i] != nil && each.here != nil && !each.here.claim.Once.IsZero() {
			calls = append(calls, each.here.claim.Once.Key)
		}
	}
	if err := loadCalls(ctx, tx, l, calls, true); err != nil {
		return err
	}
	for i, each := range line {
		if turns[i] == nil || each.here == nil {
			continue
		}
		w := each.here
		err := w.caller.apply(func() error { return l.Serve(w.claim, turns[i]) })
		if errors.Is(err, ledger.ErrContended) {
			w.caller.free() // the same call is being carried out: the next pass knows its outcome
			continue
		}
		p.again = true // behind it may be more claims that want the same, or another one may have its users
		if w.caller.hasLeft() {
			continue
		}
		if !w.claim.Once.IsZero() {
			p.carriedOut[w.claim.Once.Key] = true
		}
		p.settled = append(p.settled, settledClaim{w, refuse(err)})
	}
	return nil
}

// loadCalls finds out which calls were carried out. With hold, it keeps others from carrying out the rest.
func loadCalls(ctx context.Context, tx Transaction, l *ledger.Ledger, keys []ledger.CallKey, hold bool) error {
	if len(keys) == 0 {
		return nil
	}
	calls, busy, err := tx.Calls(ctx, keys, hold)
	l.Load(ledger.Loaded{Calls: calls, Busy: busy})
	return err
}

// dismiss settles the claims that wait for nothing: their time is up, or the same call was carried out while they were in
// line.
func (p *pass) dismiss(ctx context.Context, tx Transaction, l *ledger.Ledger) error {
	var calls []ledger.CallKey
	for _, w := range slices.Concat(p.waiting, p.arriving) {
		if !w.claim.Once.IsZero() {
			calls = append(calls, w.claim.Once.Key)
		}
	}
	if err := loadCalls(ctx, tx, l, calls, false); err != nil {
		return err
	}
	for _, w := range p.waiting {
		switch err := l.Dismiss(w.until, w.claim.Once); {
		case errors.Is(err, ledger.ErrTimeUp):
			p.settle(w, w.refusal)
		case err != nil:
			p.settle(w, refuse(err))
		}
	}
	for _, w := range p.arriving {
		if err := l.Repeated(w.claim.Once); err != nil {
			p.settle(w, refuse(err))
		}
	}
	return nil
}

// admit gives places to the claims that arrived and were not served, and refuses those that do not wait. last is the highest
// place that any claim has.
func (p *pass) admit(ctx context.Context, look *look, last ledger.Place) error {
	for _, w := range p.arriving {
		if !w.caller.isWaiting() {
			continue
		}
		refusal := w.refusal
		if refusal == nil { // it has not tried before
			matching, err := look.matching(ctx, w.claim.Want)
			if err != nil {
				return err
			}
			refusal = look.l.Refusal(w.claim.Want, matching)
			if refusal == nil {
				refusal = domain.Exhausted(w.claim.Want)
			}
			if refusal = refuse(refusal); w.wait <= 0 || !domain.MayPass(refusal) {
				p.settle(w, refusal)
				continue
			}
		}
		p.joined = append(p.joined, joinedClaim{
			waitingClaim: w, Waiter: look.l.Join(last, w.claim.Want, w.wait-time.Since(w.came)), refusal: refusal,
		})
	}
	return nil
}
