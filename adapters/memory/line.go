package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// line has the claims that wait.
type line struct {
	waiters *btree.BTreeG[*waiter] // by place
	wants   *ledger.Wants
	byKey   map[ledger.CallKey][]*waiter // those whose calls have a key, in any order
}

func newLine() line {
	before := func(a, b *waiter) bool { return a.Place < b.Place }
	return line{
		waiters: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true}),
		wants:   ledger.NewWants(),
		byKey:   make(map[ledger.CallKey][]*waiter),
	}
}

func (l line) put(w *waiter) {
	l.waiters.Set(w)
	l.wants.Put(w.Waiter)
	if key := w.claim.Once.Key; !w.claim.Once.IsZero() {
		l.byKey[key] = append(l.byKey[key], w)
	}
}

func (l line) drop(w *waiter) {
	l.waiters.Delete(w)
	l.wants.Drop(w.Place)
	key := w.claim.Once.Key
	if left := slices.DeleteFunc(l.byKey[key], func(other *waiter) bool { return other == w }); len(left) > 0 {
		l.byKey[key] = left
	} else {
		delete(l.byKey, key)
	}
}

// at returns the claim that has a place.
func (l line) at(place ledger.Place) *waiter {
	w, _ := l.waiters.Get(&waiter{Waiter: ledger.Waiter{Place: place}})
	return w
}

// anybody lets all claims count that are in line.
func anybody(ledger.Waiter) bool { return true }

// waiter is a claim that stands in line, if only until it is served or refused at once.
type waiter struct {
	ledger.Waiter
	claim *ledger.Claim
	left  func() error // why its caller has left; nil while it waits

	settled  chan struct{} // closed when it has left the line, with:
	err      error
	panicked any // a panic of its Decide, which goes on in the caller's goroutine
}

// serve gives users to the claim.
func (w *waiter) serve(l *ledger.Ledger, users []*domain.User) (err error) {
	defer func() {
		if w.panicked = recover(); w.panicked != nil {
			err = errPanicked
		}
	}()
	return l.Serve(w.claim, users, w.Since)
}

var errPanicked = errors.New("panicked")

func (w *waiter) isSettled() bool {
	select {
	case <-w.settled:
		return true
	default:
		return false
	}
}

// Claim implements [ports.Users].
func (s *Store) Claim(ctx context.Context, c ports.Claim) ([]*domain.User, error) {
	w, err := s.join(ctx, c)
	if err != nil {
		return nil, err
	}
	s.await(ctx, w, c.Wait)
	if w.panicked != nil {
		panic(w.panicked)
	}
	if w.err != nil {
		return nil, fmt.Errorf("memory: claim: %w", w.err)
	}
	return w.claim.Users, nil
}

// join grants a claim users that nobody in line wants. Otherwise, it puts the claim in line, where it stays unless it is served at
// once, is not ready to wait, or waiting could not help.
func (s *Store) join(ctx context.Context, c ports.Claim) (*waiter, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	w := &waiter{
		claim:   &ledger.Claim{Want: c.Want, Once: c.Once, Decide: c.Decide, Asker: c.Asker},
		left:    ctx.Err,
		settled: make(chan struct{}),
	}
	kept, again := ledger.PlaceOf(w.claim, s.keptPlaces(now, ledger.CallOf(w.claim)))
	loaded := s.load(now, ledger.NeedsOf(0, w.claim))
	loaded.Wanted = func(u *domain.User) bool {
		return again || s.line.wants.Wanted(u, anybody) // what it has waited so far counts
	}
	l := ledger.Open(loaded)
	switch err = l.Apply(w.claim); {
	case err == nil:
		s.write(l.Changes())
		close(w.settled)
	case errors.Is(err, ledger.ErrAwaited):
		s.lineUp(now, w, c.Wait)
		s.look(nil, w.Want)
	case errors.Is(err, ledger.ErrShort):
		if refusal := s.refusal(now, c.Want); c.Wait <= 0 || !domain.MayPass(refusal) {
			return nil, refusal
		}
		s.lineUp(now, w, c.Wait)
	default:
		return nil, err
	}
	s.serve(now)
	if !w.isSettled() && c.Wait <= 0 {
		s.settle(w, s.refusal(now, c.Want))
		if again { // it did not wait, so its place is kept for as long as before
			s.aside.keep(kept)
		}
		s.serve(now)
	}
	return w, nil
}

// lineUp puts w at the end of the line, or at the place that is kept for it.
func (s *Store) lineUp(now time.Time, w *waiter, wait time.Duration) {
	if s.line.waiters.Len() == 0 {
		s.lookedAt = now
	}
	l := ledger.Open(ledger.Loaded{Now: now})
	if kept, again := ledger.PlaceOf(w.claim, s.keptPlaces(now, ledger.CallOf(w.claim))); again {
		s.aside.drop(kept)
		w.Waiter = l.Rejoin(kept, wait)
	} else {
		w.Waiter = l.Join(s.lastPlace, w.claim, wait)
		s.lastPlace = w.Place
	}
	s.line.put(w)
}

// await returns when w is settled, which it is at the latest when it has waited for long enough or its caller has left.
func (s *Store) await(ctx context.Context, w *waiter, wait time.Duration) {
	if w.isSettled() {
		return
	}
	span := traceWait(ctx)
	defer func() { endWait(span, w.err) }()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	select {
	case <-w.settled:
	case <-deadline.C:
		s.leave(w)
	case <-ctx.Done():
		s.leave(w)
	}
}

// leave takes w out of the line, which serves those behind it, unless it is served after all.
func (s *Store) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.now()
	s.serve(now)
	if w.isSettled() {
		return
	}
	err := w.left()
	if err == nil {
		err = s.refusal(now, w.Want)
	}
	s.stepAside(now, w, err)
	s.serve(now)
}

// stepAside settles a claim that may ask again, and keeps its place. If it has asked again already, that claim gets the place.
func (s *Store) stepAside(now time.Time, w *waiter, err error) {
	s.settle(w, err)
	w.Until = now
	if w.Call.IsZero() {
		s.giveUp(now, w.Waiter)
		return
	}
	s.aside.keep(w.Waiter)
	var again *waiter
	for _, other := range s.line.byKey[w.Call.Key()] {
		_, mine := ledger.PlaceOf(other.claim, []ledger.Waiter{w.Waiter})
		if mine && other.Place > w.Place && (again == nil || other.Place < again.Place) {
			again = other
		}
	}
	if again != nil {
		s.line.drop(again)
		s.lineUp(now, again, again.Until.Sub(now))
	}
}

// refusal returns why a claim was not served.
func (s *Store) refusal(now time.Time, want []domain.Selector) error {
	err := ledger.Open(ledger.Loaded{Now: now}).Refusal(want, s.committed(want))
	if err == nil { // there are enough users for it, but a claim ahead of it needs them
		err = domain.Exhausted(want)
	}
	return err
}

// serve serves the line after something has changed. Whoever changes something calls it in the same transaction, so that
// nothing can happen in between.
func (s *Store) serve(now time.Time) {
	for s.line.waiters.Len() > 0 && s.servePart(now) {
	}
	s.freed, s.sought = nil, nil
	s.setAlarm(now)
}

// look lets the line be served with users that may be free, and with free users of a claim.
func (s *Store) look(freed []*domain.User, want []domain.Selector) {
	s.freed = append(s.freed, freed...)
	if len(want) > 0 {
		s.sought = append(s.sought, want)
	}
}

// servePart serves those claims in line that users which came free are for, and reports whether there may be others.
func (s *Store) servePart(now time.Time) (more bool) {
	free, sought := append(s.freed, s.freeByTime(now)...), s.sought
	free = slices.DeleteFunc(free, func(u *domain.User) bool { return !s.line.wants.Wanted(u, anybody) })
	s.freed, s.sought = nil, nil
	if len(free)+len(sought) == 0 {
		return false
	}
	var gone []*waiter
	l := ledger.Open(ledger.Loaded{Now: now, Complete: true})
	line, _ := ledger.Gathering{
		First: func(users []*domain.User, limit int) []ledger.Waiter {
			return s.line.wants.First(users, limit, func(claim ledger.Waiter) bool {
				w := s.line.at(claim.Place)
				if w.left() != nil {
					gone = append(gone, w)
					return false
				}
				return true
			})
		},
		Look: func(searches []ledger.Search) error {
			l.Load(ledger.Loaded{Searches: s.searchFree(now, searches)})
			return nil
		},
	}.Gather(l, free, sought)
	if len(gone) > 0 { // one that has asked again gets the place before anybody is served
		for _, w := range gone {
			if !w.isSettled() {
				s.stepAside(now, w, w.left())
			}
		}
		s.freed, s.sought = append(s.freed, free...), append(s.sought, sought...)
		return true
	}
	for i, users := range l.Turns(line) {
		if users == nil {
			continue
		}
		w := s.line.at(line[i].Place)
		err := w.serve(l, users)
		more = more || err != nil // the users may be for another claim
		if errors.Is(err, ledger.ErrContended) {
			continue // a claim ahead of it made the same call, which settles it
		}
		s.settle(w, err)
		if err != nil {
			break
		}
	}
	s.write(l.Changes())
	if more {
		s.freed, s.sought = append(s.freed, free...), append(s.sought, sought...)
	}
	return len(s.freed)+len(s.sought) > 0
}

// freeByTime returns users that have come free because their locks expired since it was last called.
func (s *Store) freeByTime(now time.Time) []*domain.User {
	expired, _ := s.users.expiries.between(s.lookedAt, now)
	s.lookedAt = now
	return slices.DeleteFunc(expired, func(u *domain.User) bool { return u.CheckFree(now) != nil })
}

// dismissRepeated settles those claims in line whose call was carried out.
func (s *Store) dismissRepeated(carriedOut domain.Once) {
	for _, w := range slices.Clone(s.line.byKey[carriedOut.Key]) {
		s.settle(w, w.claim.Once.Repeats(carriedOut))
	}
}

// dismissHopeless settles those claims in line that no user could satisfy anymore, after users have gone.
func (s *Store) dismissHopeless(now time.Time, gone []*domain.User) {
	var doubted []*waiter
	for _, claim := range s.line.wants.First(gone, s.line.waiters.Len(), anybody) {
		doubted = append(doubted, s.line.at(claim.Place))
	}
	for _, w := range doubted { // one that steps aside may give its place to another one
		if refusal := s.refusal(now, w.Want); !domain.MayPass(refusal) {
			s.stepAside(now, w, refusal)
		}
	}
}

// settle takes w out of the line with its outcome. What an unserved claim of several users kept from others is free for them.
func (s *Store) settle(w *waiter, err error) {
	s.line.drop(w)
	if err != nil && len(w.Want) > 1 {
		s.look(nil, w.Want)
	}
	w.err = err
	close(w.settled)
}

// setAlarm lets the line be served when the next lock expires: nobody calls the store then. Without a line the alarm is off,
// so that an unused store does nothing.
func (s *Store) setAlarm(now time.Time) {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
	if s.line.waiters.Len() == 0 {
		return
	}
	if _, next := s.users.expiries.between(now, now); !next.IsZero() {
		s.alarm = time.AfterFunc(next.Sub(now), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serve(s.clock.now())
		})
	}
}

// Line implements [ports.LineReader].
func (s *Store) Line(ctx context.Context, scope domain.Scope, limit int) (line []domain.Waiter, total int, err error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer s.mu.Unlock()
	s.line.waiters.Scan(func(w *waiter) bool {
		seen, ok := domain.Waiter{Want: w.Want, Asker: w.Asker, Since: w.Since, Until: w.Until}.In(scope, s.named(w.Want))
		if ok {
			if total++; total <= limit {
				line = append(line, seen)
			}
		}
		return scope.Limited || total < limit
	})
	if !scope.Limited {
		total = s.line.waiters.Len()
	}
	return line, total, nil
}

// CountWaiting implements [ports.LineReader].
func (s *Store) CountWaiting(ctx context.Context, want []domain.Selector) (count int, err error) {
	if _, err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return s.line.wants.Competing(want, s.users.get), nil
}

// named returns the users that selectors name.
func (s *Store) named(want []domain.Selector) map[domain.UserID]*domain.User {
	named := make(map[domain.UserID]*domain.User)
	for _, selector := range want {
		if u, found := s.users.get(selector.UserID); found {
			named[selector.UserID] = u
		}
	}
	return named
}
