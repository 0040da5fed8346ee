package bunstore

import (
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
func (s *Store) waitInLine(ctx context.Context, w *waitingClaim) error {
	s.line.arrive(w)
	wait := max(w.wait-time.Since(w.came), 0)
	if w.wait <= 0 {
		wait = operationTimeout
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.caller.answered:
		return s.answerOf(ctx, w)
	case <-ctx.Done():
	case <-timer.C:
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
	if left != nil {
		return fmt.Errorf("%s: claim: %w", s.dialect.Name, left)
	}
	return s.timeUp(ctx, w)
}

// answerOf returns the answer to a claim that was settled.
func (s *Store) answerOf(ctx context.Context, w *waitingClaim) error {
	err := w.caller.result()
	if err == nil || errors.Is(err, w.refusal) {
		return err
	}
	return s.explain(ctx, ctx, "claim", err)
}

// timeUp returns the answer to a claim whose time is up: that of the same call, if it was carried out meanwhile.
func (s *Store) timeUp(ctx context.Context, w *waitingClaim) error {
	if w.wait <= 0 {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, operationTimeout)
	}
	if s.line.fails(brokenAfter) {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, brokenAfter)
	}
	refusal := w.refusal
	if refusal == nil {
		refusal = fmt.Errorf("%s: claim: %w", s.dialect.Name, domain.Exhausted(w.claim.Want))
	}
	if w.claim.Once.IsZero() {
		return refusal
	}
	err := s.bounded(ctx, "claim", func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			tx, l, _, err := s.begin(ctx, Ask{Needs: ledger.Needs{Calls: []ledger.CallKey{w.claim.Once.Key}}})
			if err != nil {
				return false, err
			}
			defer tx.Rollback()
			return false, refuse(l.Repeated(w.claim.Once))
		})
	})
	if err != nil {
		return err
	}
	return refusal
}
