package bunstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// These bound how long a pass holds the turn of the line: a sweep finds what is left over.
const (
	gatherRounds = 4
	gatherAtOnce = 64 // searches of a round
)

// pass is one passage over the line.
type pass struct {
	line     *line
	began    time.Time
	arriving []*waitingClaim // not in the store when it began
	waiting  []*waitingClaim // of those in the store, the ones that may wait for nothing; all of them, with a beat
	left     leavingPlaces   // those of the line when it began
	behind   []*waitingClaim // see [line]
	beat     bool
	expiry   bool     // a lock may have expired
	sighting sighting // what it looks for

	leaving    leavingPlaces                   // that it sets aside
	places     map[*waitingClaim]ledger.Waiter // that are kept for claims, which take them over
	handedOver []Waiter                        // places of left, for claims of the same calls that wait in other processes
	settled    []settledClaim
	joined     []joinedClaim
	again      bool                           // there is more to do
	carriedOut map[ledger.CallKey]bool        // calls that the pass carried out
	next       time.Duration                  // until a lock expires; 0 if none will
	arrivals   map[ledger.Place]*waitingClaim // that are about to get a place, or another one
	unsure     []freedUser                    // that were not free
	unserved   []*domain.User                 // that were for claims which did not take them
}

// settledClaim is a claim that leaves the line with its answer.
type settledClaim struct {
	*waitingClaim
	answer error
	timeUp bool
}

// joinedClaim is a claim that gets a place.
type joinedClaim struct {
	*waitingClaim
	ledger.Waiter
	refusal error // why it was not served at once
	behind  bool  // another claim of the same call stands in line ahead of it
}

// undo forgets the outcome of the pass, and lets the callers that it was to answer leave again.
func (p *pass) undo() {
	for _, settled := range p.settled {
		settled.caller.free()
	}
	p.settled, p.joined, p.again, p.carriedOut = nil, nil, false, make(map[ledger.CallKey]bool)
	p.unsure, p.unserved, p.arrivals = nil, nil, make(map[ledger.Place]*waitingClaim)
	p.places, p.handedOver, p.leaving = make(map[*waitingClaim]ledger.Waiter), nil, maps.Clone(p.left)
}

// settle notes the answer to a claim, unless its caller has left or it has its answer.
func (p *pass) settle(w *waitingClaim, answer error) {
	if w.caller.bind() {
		p.settled = append(p.settled, settledClaim{waitingClaim: w, answer: answer})
	}
}

// settleTimeUp is settle for a claim that may ask again.
func (p *pass) settleTimeUp(w *waitingClaim) {
	if w.caller.bind() {
		p.settled = append(p.settled, settledClaim{waitingClaim: w, answer: w.refusal, timeUp: true})
	}
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
	ask := Ask{Turn: true, Places: p.calls(), Late: p.beat}
	if p.beat {
		ask.Beat = s.line.replica
	}
	if p.expiry {
		ask.FreeByTime = lookAtOnce
	}
	tx, l, found, err := s.begin(ctx, ask)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if err := giveUp(ctx, tx, l, found.Late); err != nil {
		return false, err
	}
	p.takeOver(found.Places)
	p.handOver(found.Places)
	now := instant(found.Now)
	if !p.expiry && !s.line.expiry.IsZero() && !s.line.expiry.After(now) {
		p.again = true // a lock has expired earlier than was thought
	}
	if err := s.serveTurns(ctx, p, tx, l, found); err != nil {
		return false, err
	}
	if err := p.dismiss(ctx, tx, l); err != nil {
		return false, err
	}
	if err := p.admit(ctx, s.newLook(tx, l), found); err != nil {
		return false, err
	}
	p.moveUp(l, now)
	for _, settled := range p.settled {
		if settled.timeUp {
			p.again = true // the next pass sets its place aside
			continue
		}
		if settled.place != 0 {
			l.Leave(settled.place)
		}
		if place, kept := p.places[settled.waitingClaim]; kept {
			l.Leave(place.Place)
		}
	}
	l.StepAside(slices.Collect(maps.Keys(p.leaving))...)
	s.line.expiry, p.next = instant(found.NextExpiry), l.NextExpiry()
	changes := l.Changes()
	p.again = p.again || len(p.leaving)+len(p.joined) > 0 && len(p.behind) > 0
	rows, err := s.rowsOf(changes)
	if err != nil {
		return false, err
	}
	if len(p.leaving) > 0 { // what claims of several users kept from others
		if _, elsewhere := s.mirror.wantedBy(s.line.replica, now, l.Free()); len(elsewhere) > 0 {
			rows.Tell = append(rows.Tell, tell(tellFreed, elsewhere))
		}
	}
	if len(p.handedOver) > 0 {
		rows.Waiters = append(rows.Waiters, p.handedOver...)
		rows.Tell = append(rows.Tell, tellWake)
	}
	_, committing, err = s.write(ctx, tx, rows, p.served(), p.beat)
	return committing, err
}

// served returns the claims that the pass settles or brings into line.
func (p *pass) served() (of served) {
	for _, settled := range p.settled {
		of.add(settled.span)
	}
	for _, joined := range p.joined {
		of.add(joined.span)
	}
	return of
}

// calls returns the calls for which places may be kept.
func (p *pass) calls() []ledger.CallID {
	var calls []ledger.CallID
	for _, w := range slices.Concat(p.arriving, p.behind) {
		if call := ledger.CallOf(w.claim); !call.IsZero() {
			calls = append(calls, call)
		}
	}
	for _, call := range p.left {
		if !call.IsZero() {
			calls = append(calls, call)
		}
	}
	return calls
}

// takeOver finds the places that are kept for claims which arrive, or which stand behind another one of the same call.
func (p *pass) takeOver(places []Waiter) {
	var kept []ledger.Waiter
	for _, w := range places {
		place, away := ledger.Place(w.Place), w.Away
		if w.Replica == p.line.replica {
			away = p.line.at(place) == nil
		}
		if away {
			kept = append(kept, w.inLedger())
		}
	}
	for _, w := range slices.Concat(p.arriving, p.behind) {
		place, ok := ledger.PlaceOf(w.claim, kept)
		if !ok || w.place != 0 && place.Place > w.place {
			continue
		}
		p.places[w] = place
		kept = slices.DeleteFunc(kept, func(other ledger.Waiter) bool { return other.Place == place.Place })
		delete(p.leaving, place.Place)
	}
}

// handOver hands each leaving place to a claim of the same call that waits further back in another process. That process moves the claim
// up when it finds the place among its own. Until then, the place stands in line for it: nobody overtakes a caller that gave up on one
// process and asked another one.
func (p *pass) handOver(places []Waiter) {
	for _, place := range places {
		if !p.leaving.has(ledger.Place(place.Place)) || place.Replica != p.line.replica {
			continue
		}
		for i, w := range places {
			if w.Away || w.Replica == p.line.replica || w.Call != place.Call || w.Place < place.Place ||
				!slices.EqualFunc(w.Want, place.Want, domain.Selector.Equal) {
				continue
			}
			place.Replica, place.Until = w.Replica, w.Until
			p.handedOver = append(p.handedOver, place)
			delete(p.leaving, ledger.Place(place.Place))
			places = slices.Delete(slices.Clone(places), i, i+1) // it gets no other place
			break
		}
	}
}

// serveTurns serves the claims whose turn it is.
func (s *Store) serveTurns(ctx context.Context, p *pass, tx Transaction, l *ledger.Ledger, found Found) error {
	line, err := s.gather(ctx, p, tx, l, found)
	if err != nil {
		return err
	}
	turns := l.Turns(line)
	var calls []ledger.CallKey
	for i, each := range line {
		if w := p.claimAt(each.Place); turns[i] != nil && w != nil {
			calls = append(calls, callsOf(w.claim)...)
		}
	}
	if err := loadCalls(ctx, tx, l, calls, true); err != nil {
		return err
	}
	for i, each := range line {
		w := p.claimAt(each.Place)
		if turns[i] == nil || w == nil {
			continue
		}
		since := w.since
		if place, kept := p.places[w]; kept {
			since = place.Since
		}
		err := w.caller.apply(func() error { return l.Serve(w.claim, turns[i], since) })
		if errors.Is(err, ledger.ErrContended) {
			w.caller.free() // the same call is being carried out: a later pass knows its outcome
			p.unsure = append(p.unsure, maybeFree(time.Now(), turns[i]...)...)
			continue
		}
		if err != nil || w.caller.hasLeft() {
			p.unserved = append(p.unserved, turns[i]...) // they are for the claims behind it
		}
		if w.caller.hasLeft() {
			continue
		}
		if !w.claim.Once.IsZero() {
			p.carriedOut[w.claim.Once.Key] = true
		}
		p.settled = append(p.settled, settledClaim{waitingClaim: w, answer: refuse(err)})
	}
	return nil
}

// gather returns the claims that users which may be free are for: those in line, and those that arrive, at the places that they
// are about to get.
func (s *Store) gather(ctx context.Context, p *pass, tx Transaction, l *ledger.Ledger, found Found) ([]ledger.Waiter, error) {
	want := p.lineUp(ledger.Place(max(found.Last, found.Now)))
	for place := range p.leaving { // what a claim of several users kept from others is free now
		if w, known := s.mirror.at(place); known && len(w.Want) > 1 {
			want = append(want, w.Want)
		}
	}
	for _, due := range p.sighting.selectors {
		want = append(want, []domain.Selector{due.selector})
	}
	var free []*domain.User
	for _, row := range found.FreeByTime {
		if u, err := row.restoreBare(); err == nil {
			free = append(free, u)
		}
	}
	for _, f := range p.sighting.users {
		free = append(free, f.user)
	}
	g := ledger.Gathering{
		First: func(users []*domain.User, limit int) []ledger.Waiter {
			return s.mirror.first(instant(found.Now), users, limit, p.stands)
		},
		Look:  func(searches []ledger.Search) error { return s.search(ctx, tx, l, searches) },
		Slack: s.unreadable.slack(), Rounds: gatherRounds, AtOnce: gatherAtOnce,
	}
	for place, w := range p.arrivals {
		g.Arriving = append(g.Arriving, ledger.Waiter{Place: place, Want: w.claim.Want})
	}
	for _, w := range p.handedOver {
		g.Arriving = append(g.Arriving, w.inLedger())
	}
	line, err := g.Gather(l, free, want)
	for _, f := range p.sighting.users {
		if !l.Has(f.user.ID()) && len(g.First([]*domain.User{f.user}, 1)) > 0 {
			p.unsure = append(p.unsure, f)
		}
	}
	return line, err
}

// lineUp gives places to the claims that arrive, the old ones where these are kept, or else behind last. It returns what those
// want that have not looked for users before.
func (p *pass) lineUp(last ledger.Place) (want [][]domain.Selector) {
	for w, place := range p.places {
		p.arrivals[place.Place] = w
	}
	for _, w := range p.arriving {
		if _, kept := p.places[w]; !kept {
			last++
			p.arrivals[last] = w
		}
		if w.refusal == nil {
			want = append(want, w.claim.Want)
		}
	}
	return want
}

// stands reports whether the claim at a place in the store is in line there, according to this process.
func (p *pass) stands(place ledger.Place, replica ReplicaID) bool {
	if p.leaving.has(place) {
		return false
	}
	if _, arrives := p.arrivals[place]; arrives || slices.ContainsFunc(p.handedOver, func(w Waiter) bool { return w.Place == int64(place) }) {
		return false // it is not as the store has it
	}
	if replica != p.line.replica {
		return true
	}
	w := p.line.at(place)
	_, moves := p.places[w]
	switch {
	case w != nil:
		return !moves
	case p.left.has(place):
		return false
	case p.line.isLeaving(place): // since the pass began: the next one, which is due, knows who else may get the place
		return true
	default: // no claim has it: it came of a commit whose answer was lost, or the claim that it was handed to has left
		p.leaving[place] = ledger.CallID{}
		return false
	}
}

// claimAt returns the claim that has a place, or arrives there, if it is in this process.
func (p *pass) claimAt(place ledger.Place) *waitingClaim {
	if w, arrives := p.arrivals[place]; arrives {
		return w
	}
	return p.line.at(place)
}

// callsOf returns the call of a claim, if it has a key.
func callsOf(claim *ledger.Claim) []ledger.CallKey {
	if claim.Once.IsZero() {
		return nil
	}
	return []ledger.CallKey{claim.Once.Key}
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

// callsAtOnce is for how many claims a pass finds out whether the same call was carried out elsewhere.
const callsAtOnce = 256

// dismiss settles the claims that wait for nothing: their time is up, or the same call was carried out while they were in
// line.
func (p *pass) dismiss(ctx context.Context, tx Transaction, l *ledger.Ledger) error {
	var calls []ledger.CallKey
	for _, w := range slices.Concat(p.arriving, p.waiting) {
		if calls = append(calls, callsOf(w.claim)...); len(calls) == callsAtOnce {
			break // of those that wait, others are first at the next beat: a map has them in no order
		}
	}
	if err := loadCalls(ctx, tx, l, calls, false); err != nil {
		return err
	}
	for _, w := range p.waiting {
		switch err := l.Dismiss(w.until, w.claim.Once); {
		case errors.Is(err, ledger.ErrTimeUp):
			p.settleTimeUp(w)
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

// admit gives places to the claims that arrived and were not served, and refuses those that do not wait.
func (p *pass) admit(ctx context.Context, look *look, found Found) error {
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
				// Since the pass has asked, the same call may have got the users elsewhere.
				if err := loadCalls(ctx, look.tx, look.l, callsOf(w.claim), false); err != nil {
					return err
				}
				if repeated := look.l.Repeated(w.claim.Once); repeated != nil {
					refusal = refuse(repeated)
				}
				delete(p.places, w) // its place stays as it is
				p.settle(w, refusal)
				continue
			}
		}
		joined := joinedClaim{waitingClaim: w, refusal: refusal}
		wait := w.wait - time.Since(w.came)
		if place, kept := p.places[w]; kept {
			joined.Waiter = look.l.Rejoin(place, wait)
		} else {
			joined.Waiter = look.l.Join(ledger.Place(found.Last), w.claim, wait)
			joined.behind = slices.ContainsFunc(found.Places, func(ahead Waiter) bool { return ahead.Call == joined.Call })
		}
		p.joined = append(p.joined, joined)
	}
	return nil
}

// moveUp gives the places that are kept for claims in line to those that were not served.
func (p *pass) moveUp(l *ledger.Ledger, now time.Time) {
	for _, w := range p.behind {
		if place, kept := p.places[w]; kept && w.caller.isWaiting() {
			l.Leave(w.place)
			p.joined = append(p.joined, joinedClaim{waitingClaim: w, Waiter: l.Rejoin(place, w.until.Sub(now)), refusal: w.refusal})
		}
	}
}
