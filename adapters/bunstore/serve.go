package bunstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// pass is one passage over the line.
type pass struct {
	line     *line
	arriving []*stander // claims that were not in the store when it began
	waiting  []*stander // of those in the store, who may be waiting for nothing; all of them, with a beat
	left     []int64    // places to give up
	beat     bool
	look     bool // for free users, even if no lock has expired

	settled  []*stander
	joined   []*stander
	refusals map[*stander]error // why those who have joined were not served at once
	again    bool               // there is more to do
	carried  map[CallKey]bool   // calls that were carried out
	next     time.Duration      // until a lock expires; 0 if none will
}

// undo makes as if the pass had not been.
func (p *pass) undo() {
	for _, w := range p.settled {
		w.phase.Store(waiting)
		w.err, w.panicked = nil, nil
	}
	p.settled, p.joined, p.again, p.carried = nil, nil, false, make(map[CallKey]bool)
	p.refusals = make(map[*stander]error)
}

// settle notes the answer to a claim, unless the claim was withdrawn, or has its answer.
func (p *pass) settle(w *stander, answer error) {
	if w.phase.CompareAndSwap(waiting, deciding) {
		w.err = answer
		p.settled = append(p.settled, w)
	}
}

// inLine is somebody in line. Whoever waits in another process is respected, and served there.
type inLine struct {
	want []domain.Selector
	here *stander // nil if it waits in another process
}

// serveLine passes over the line: whoever's turn it is, and who waits in this process, is served; who has arrived joins the
// line, and so on. No two processes pass at the same time, so that the line has one order, and whoever waits elsewhere
// is not overtaken because its own process has not come to it yet.
func (s *Store) serveLine(p *pass) (committing bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	err = s.retry(ctx, func() (bool, error) {
		p.undo()
		committing, err = s.pass(ctx, p)
		return committing, err
	})
	return committing, err
}

func (s *Store) pass(ctx context.Context, p *pass) (committing bool, err error) {
	ask := Ask{Line: true}
	if p.beat {
		ask.Beat = s.line.replica
	}
	tx, found, err := s.engine.Begin(ctx, ask)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	r := s.newRound(tx, Ask{}, found)
	r.alive = p.beat
	line := p.lineUp(found.Line)
	expired := s.line.expiry != 0 && s.line.expiry <= micros(r.now)
	s.line.expiry = found.NextExpiry
	if p.look || expired {
		if err := r.find(ctx, line); err != nil {
			return false, err
		}
		if err := r.serve(ctx, p, line); err != nil {
			return false, err
		}
	}
	if err := r.dismiss(ctx, p); err != nil {
		return false, err
	}
	if err := r.admit(ctx, p, found.Line.Last); err != nil {
		return false, err
	}
	r.left = slices.Clone(p.left)
	for _, w := range p.settled {
		if w.place != 0 {
			r.left = append(r.left, w.place)
		}
	}
	r.idle = len(r.left) > 0 && slices.ContainsFunc(r.order, func(e *entry) bool { return e.isFree(r.now) })
	p.again = p.again || r.idle
	p.next = r.nextExpiry()
	changes, err := r.changes()
	if err != nil {
		return false, err
	}
	return r.commit(ctx, changes)
}

// lineUp returns the line with those who arrive at its end.
func (p *pass) lineUp(stored Line) []inLine {
	all := make([]inLine, 0, len(stored.Waiters)+len(p.arriving))
	for _, w := range stored.Waiters {
		switch here := p.line.at(w.Place); {
		case w.Replica != p.line.replica:
			all = append(all, inLine{want: w.Want})
		case here != nil:
			all = append(all, inLine{want: w.Want, here: here})
		case !slices.Contains(p.left, w.Place):
			p.left = append(p.left, w.Place) // nobody knows it: it came of a commit whose answer was lost
		}
	}
	for _, w := range p.arriving {
		all = append(all, inLine{want: w.claim.want, here: w})
	}
	return all
}

// find keeps free users for those in line.
func (r *round) find(ctx context.Context, line []inLine) error {
	var ask Ask
	for _, each := range line {
		for _, selector := range each.want {
			if findable(selector) {
				ask.Free = append(ask.Free, Search{Want: selector, Limit: 1})
			}
		}
	}
	if len(ask.Free) == 0 {
		return nil
	}
	ask.limit(r.store.unreadable.slack())
	for i := range ask.Free {
		ask.Free[i].Limit = min(ask.Free[i].Limit, maxGroup)
	}
	found, err := r.tx.Search(ctx, ask.Free)
	if err != nil {
		return err
	}
	r.shelve(ask.Free, found)
	return nil
}

// serve lets the domain decide about those whose turn it is.
func (r *round) serve(ctx context.Context, p *pass, line []inLine) error {
	wants := make([][]domain.Selector, len(line))
	for i, each := range line {
		wants[i] = each.want
	}
	var free []*domain.User
	for _, e := range r.order {
		if e.isFree(r.now) {
			free = append(free, e.current)
		}
	}
	if len(free) == 0 {
		return nil
	}
	served := domain.Serve(wants, free)
	if err := r.lookUpCalls(ctx, line, served); err != nil {
		return err
	}
	for i, each := range line {
		if each.here == nil || served[i] == nil {
			continue
		}
		w := each.here
		w.assigned = served[i]
		err := w.decide(r)
		if errors.Is(err, errContended) {
			w.phase.Store(waiting) // somebody is at the same call: the next pass knows what came of it
			continue
		}
		p.again = true // behind it may be more who want the same, or somebody else may have its users
		if w.gone() {
			continue
		}
		if !w.claim.once.IsZero() {
			p.carried[w.claim.once.Key] = true
		}
		w.err = err
		p.settled = append(p.settled, w)
	}
	return nil
}

// lookUpCalls finds out which of the calls that are to be served were carried out before.
func (r *round) lookUpCalls(ctx context.Context, line []inLine, served [][]*domain.User) error {
	var ask Ask
	for i, each := range line {
		if each.here != nil && served[i] != nil {
			each.here.claim.once.ask(&ask)
		}
	}
	if len(ask.Calls) == 0 {
		return nil
	}
	calls, busy, err := r.tx.Calls(ctx, ask.Calls, true)
	for _, call := range calls {
		r.calls[call.Key] = call
	}
	r.busy = busy
	return err
}

// dismiss settles those who wait for nothing: their time is up by the store's clock, or the same call was carried out
// while they were in line.
func (r *round) dismiss(ctx context.Context, p *pass) error {
	var ask Ask
	for _, w := range p.waiting {
		if w.until <= micros(r.now) {
			p.settle(w, w.refusal)
		} else {
			w.claim.once.ask(&ask)
		}
	}
	for _, w := range p.arriving {
		if w.refusal == nil { // it has not tried before
			w.claim.once.ask(&ask)
		}
	}
	if len(ask.Calls) == 0 {
		return nil
	}
	calls, _, err := r.tx.Calls(ctx, ask.Calls, false)
	if err != nil {
		return err
	}
	carriedOut := make(map[CallKey]domain.Once, len(calls))
	for _, call := range calls {
		carriedOut[call.Key] = call
	}
	for _, w := range slices.Concat(p.waiting, p.arriving) {
		if call, ok := carriedOut[w.claim.once.Key]; ok {
			p.settle(w, refuse(w.claim.once.Repeats(call)))
		}
	}
	return nil
}

// admit gives places to those who have arrived and were not served, and refuses those who do not wait. last is the highest
// place that anybody has.
func (r *round) admit(ctx context.Context, p *pass, last int64) error {
	last = max(last, micros(r.now))
	for _, w := range p.arriving {
		if w.phase.Load() != waiting {
			continue
		}
		if w.refusal == nil {
			_, err := r.choose(ctx, w.claim.want)
			if err != nil && !isRefusal(err) {
				return err
			}
			if err == nil {
				err = refuse(domain.Exhausted(w.claim.want))
			}
			if w.wait <= 0 || !domain.MayPass(err) {
				p.settle(w, err)
				continue
			}
			p.refusals[w] = err
		}
		last++
		w.offered, w.until = last, micros(r.now.Add(w.wait-time.Since(w.claim.came)))
		_, key := EncodeWant(w.claim.want)
		r.joined = append(r.joined, Waiter{
			Place: w.offered, Replica: r.store.line.replica, Want: w.claim.want, WantKey: key, Since: micros(r.now), Until: w.until,
		})
		p.joined = append(p.joined, w)
	}
	return nil
}
