package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

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

// join puts a claim at the end of the line. If it is not served at once, it leaves again unless it is ready to wait and
// waiting could help.
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
	kept, again := s.lineUp(now, w, c.Wait)
	s.serveLine(now)
	if !w.isSettled() {
		if refusal := s.refusal(now, c.Want); c.Wait <= 0 || !domain.MayPass(refusal) {
			s.settle(w, refusal)
			if again { // it did not wait, so its place is kept for as long as before
				s.aside[kept.Place] = kept
			}
		}
	}
	s.setAlarm(now)
	return w, nil
}

// lineUp puts w at the end of the line, or at the place that is kept for it. It returns that place as it was.
func (s *Store) lineUp(now time.Time, w *waiter, wait time.Duration) (kept ledger.Waiter, again bool) {
	l := ledger.Open(ledger.Loaded{Now: now})
	if kept, again = ledger.PlaceOf(w.claim, s.keptPlaces(now)); again {
		delete(s.aside, kept.Place)
		w.Waiter = l.Rejoin(kept, wait)
	} else {
		w.Waiter = l.Join(s.lastPlace, w.claim, wait)
		s.lastPlace = w.Place
	}
	s.insert(w)
	return kept, again
}

func (s *Store) insert(w *waiter) {
	at, _ := slices.BinarySearchFunc(s.line, w, func(a, b *waiter) int { return cmp.Compare(a.Place, b.Place) })
	s.line = slices.Insert(s.line, at, w)
}

// keptPlaces gives up the places that were kept for long enough, and returns the others.
func (s *Store) keptPlaces(now time.Time) []ledger.Waiter {
	s.giveUp(now)
	return slices.Collect(maps.Values(s.aside))
}

// giveUp ends the wait of claims that left the line and have not asked again in time.
func (s *Store) giveUp(now time.Time) {
	var late []ledger.Waiter
	var calls []ledger.CallKey
	for _, w := range s.aside {
		if w.Call.IsZero() || now.Sub(w.Until) >= domain.PlaceKept {
			late, calls = append(late, w), append(calls, w.Call.Key())
			delete(s.aside, w.Place)
		}
	}
	if len(late) == 0 {
		return
	}
	slices.SortFunc(late, func(a, b ledger.Waiter) int { return cmp.Compare(a.Place, b.Place) })
	l := ledger.Open(ledger.Loaded{Now: now, Calls: s.carriedOut(now, calls)})
	l.GiveUp(late...)
	s.write(l.Changes())
}

// await returns when w is settled, which it is at the latest when it has waited for long enough or its caller has left.
func (s *Store) await(ctx context.Context, w *waiter, wait time.Duration) {
	if w.isSettled() {
		return
	}
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
	if !w.isSettled() {
		s.stepAside(now, w, s.refusal(now, w.Want))
		s.serve(now)
	}
}

// stepAside settles a claim that may ask again, and keeps its place. If it has asked again already, that claim gets the place.
func (s *Store) stepAside(now time.Time, w *waiter, err error) {
	s.settle(w, err)
	w.Until = now
	s.aside[w.Place] = w.Waiter
	if w.Call.IsZero() {
		s.giveUp(now)
		return
	}
	for _, again := range s.line {
		if _, mine := ledger.PlaceOf(again.claim, []ledger.Waiter{w.Waiter}); mine && again.Place > w.Place {
			s.line = slices.DeleteFunc(s.line, func(other *waiter) bool { return other == again })
			s.lineUp(now, again, again.Until.Sub(now))
			return
		}
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
	s.serveLine(now)
	s.setAlarm(now)
}

func (s *Store) serveLine(now time.Time) {
	for len(s.line) > 0 && s.servePart(now) {
	}
}

// servePart settles those claims in line that can be, and reports whether that may have changed which others can be.
func (s *Store) servePart(now time.Time) (changed bool) {
	s.dismiss(now)
	line := slices.Clone(s.line)
	wants, waiters := make([][]domain.Selector, len(line)), make([]ledger.Waiter, len(line))
	var calls []ledger.CallKey
	for i, w := range line {
		wants[i], waiters[i] = w.Want, w.Waiter
		calls = append(calls, w.claim.Once.Key)
	}
	l := ledger.Open(ledger.Loaded{
		Now: now, Complete: true, Searches: s.searchFree(now, ledger.SearchesOf(0, wants)), Calls: s.carriedOut(now, calls),
	})
	for i, users := range l.Turns(waiters) {
		if users == nil {
			continue
		}
		changed = true
		err := line[i].serve(l, users)
		if errors.Is(err, ledger.ErrContended) {
			continue // a claim ahead of it made the same call: the next round tells it so
		}
		s.settle(line[i], err)
		if err != nil {
			break // its users may be for another claim
		}
	}
	s.write(l.Changes())
	return changed
}

// dismiss settles those claims in line that wait for nothing.
func (s *Store) dismiss(now time.Time) {
	for _, w := range slices.Clone(s.line) {
		if err := w.left(); err != nil {
			s.stepAside(now, w, err)
		} else if before := s.carriedOut(now, []ledger.CallKey{w.claim.Once.Key}); len(before) > 0 {
			s.settle(w, w.claim.Once.Repeats(before[0]))
		}
	}
}

// dismissHopeless settles those claims in line that no user could satisfy anymore, after users have gone.
func (s *Store) dismissHopeless(now time.Time, gone []*domain.User) {
	for _, w := range slices.Clone(s.line) {
		if !domain.AwaitsAny(w.Want, gone) {
			continue
		}
		if refusal := s.refusal(now, w.Want); !domain.MayPass(refusal) {
			s.stepAside(now, w, refusal)
		}
	}
}

// settle takes w out of the line with its outcome.
func (s *Store) settle(w *waiter, err error) {
	at := slices.Index(s.line, w)
	s.line = slices.Delete(s.line, at, at+1)
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
	if len(s.line) == 0 {
		return
	}
	if _, next := s.expired(now); !next.IsZero() {
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
	named := s.named(nil)
	for _, w := range s.line {
		seen, ok := domain.Waiter{Want: w.Want, Asker: w.Asker, Since: w.Since, Until: w.Until}.In(scope, named)
		if !ok {
			continue
		}
		if total++; total <= limit {
			line = append(line, seen)
		}
	}
	return line, total, nil
}

// CountWaiting implements [ports.LineReader].
func (s *Store) CountWaiting(ctx context.Context, want []domain.Selector) (count int, err error) {
	if _, err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	named := s.named(want)
	for _, w := range s.line {
		if domain.CompeteOn(w.Want, want, named) {
			count++
		}
	}
	return count, nil
}

// named returns the users that a claim and the claims in line name.
func (s *Store) named(want []domain.Selector) map[domain.UserID]*domain.User {
	named := make(map[domain.UserID]*domain.User)
	note := func(selectors []domain.Selector) {
		for _, selector := range selectors {
			if u, found := s.users.get(selector.UserID); found {
				named[selector.UserID] = u
			}
		}
	}
	note(want)
	for _, w := range s.line {
		note(w.Want)
	}
	return named
}
