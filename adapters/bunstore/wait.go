package bunstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// brokenAfter is for how long a store must have failed before a claim whose time is up is answered that the store is
// unavailable.
const brokenAfter = 3 * time.Second

// waitInLine lets a claim stand in line for as long as it is ready to wait. One that is not ready at all passes along the
// line once, to get what the claims in it leave over.
func (s *Store) waitInLine(ctx context.Context, w *waitingClaim) (err error) {
	w.span = traceWait(ctx)
	defer func() { endWait(w.span, err) }()
	s.line.arrive(w)
	wait := max(w.wait-time.Since(w.came), 0)
	if w.wait <= 0 {
		wait = operationTimeout
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var hopeless error
	for waiting := true; waiting && hopeless == nil; {
		select {
		case <-w.caller.answered:
			return s.answerOf(ctx, w)
		case <-w.doubts:
			hopeless = s.hopeless(ctx, w.claim)
		case <-ctx.Done():
			waiting = false
		case <-timer.C:
			waiting = false
		}
	}
	left := ctx.Err()
	for !w.caller.leave() { // it is being served; if that is undone, the caller may leave again
		select {
		case <-w.caller.answered:
			return s.answerOf(ctx, w)
		case <-time.After(recheck):
		}
	}
	s.line.leave(w)
	switch {
	case left != nil:
		return fmt.Errorf("%s: claim: %w", s.dialect.Name, left)
	case hopeless != nil:
		return hopeless
	default:
		return s.timeUp(ctx, w)
	}
}

// answerOf returns the answer to a claim that was settled.
func (s *Store) answerOf(ctx context.Context, w *waitingClaim) error {
	err := w.caller.result()
	if joined := w.place != 0; domain.MayPass(err) && (joined || !w.claim.Once.IsZero()) {
		return s.presentRefusal(ctx, w.claim)
	}
	return s.explain(ctx, ctx, "claim", err)
}

// timeUp returns the answer to a claim that left because its time was up.
func (s *Store) timeUp(ctx context.Context, w *waitingClaim) error {
	if w.wait <= 0 {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, operationTimeout)
	}
	if s.line.fails(brokenAfter) {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, brokenAfter)
	}
	return s.presentRefusal(ctx, w.claim)
}

// hopeless returns why a claim can not be served anymore: no user could satisfy it, or the same call was carried out. It returns nil if the
// claim is to wait on.
func (s *Store) hopeless(ctx context.Context, claim *ledger.Claim) error {
	err := s.lookTogether(ctx, claim.Want)
	if !waitsOn(err) && !claim.Once.IsZero() {
		err = s.presentRefusal(ctx, claim)
	}
	if waitsOn(err) {
		return nil
	}
	return err
}

// waitsOn reports whether a claim in line waits on after a look that had this result.
func waitsOn(err error) bool {
	return err == nil || domain.MayPass(err) || errors.Is(err, ports.ErrUnavailable)
}

// presentRefusal returns why a claim that stood in line gets no users, by what is committed at one moment: it may be another
// reason than at the beginning. If the same call was carried out meanwhile, that is the reason.
func (s *Store) presentRefusal(ctx context.Context, claim *ledger.Claim) (err error) {
	if claim.Once.IsZero() {
		err = s.lookTogether(ctx, claim.Want)
	} else {
		err = s.bounded(ctx, "claim", func(ctx context.Context) error {
			_, err := s.choose(ctx, claim)
			return err
		})
	}
	// Without an error users are free, but a claim ahead of it needs them.
	return cmp.Or(err, refuse(domain.Exhausted(claim.Want)))
}

// lookTogether returns why a claim without a key would get no users now, or nil. Claims that want the same and ask at the same time share
// a look: many may wait for a user that goes, have the same deadline or ask for what is exhausted, and what others do must not
// wait for a look of each.
func (s *Store) lookTogether(ctx context.Context, want []domain.Selector) error {
	key, _ := EncodeWant(want)
	look := s.looks.DoChan(key, func() (any, error) {
		return nil, s.bounded(context.WithoutCancel(ctx), "claim", func(ctx context.Context) error {
			return s.quick(ctx, func() error {
				s.looks.Forget(key) // a claim that asks from now on needs a look that begins later
				_, err := s.chooseNow(ctx, &ledger.Claim{Want: want})
				return err
			})
		})
	})
	select {
	case found := <-look:
		return found.Err
	case <-ctx.Done():
		return s.explain(ctx, ctx, "claim", ctx.Err())
	}
}
