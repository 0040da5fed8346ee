package bunstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// stand lets a claim stand in line, for as long as it is ready to wait. One that is not ready at all passes along the line
// once, to get what those in it leave over. refusal is why it was not served before.
func (s *Store) stand(ctx context.Context, claim *claim, wait time.Duration, refusal error) error {
	w := &stander{claim: claim, wait: wait, refusal: refusal}
	if errors.Is(refusal, errAwaited) {
		w.refusal = nil
	}
	claim.chosen = nil
	w.ticket = &ticket{operation: &turn{stander: w}, settled: make(chan struct{})}
	s.line.arrive(w)

	patience := max(wait-time.Since(claim.came), 0)
	if wait <= 0 {
		patience = operationTimeout
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var given error // the answer to one who gives up
	select {
	case <-w.settled:
		return s.told(ctx, w)
	case <-ctx.Done():
		given = fmt.Errorf("%s: claim: %w", s.dialect.Name, ctx.Err())
	case <-timer.C:
	}
	for !w.withdraw() { // it is being decided; should that be undone, it can be withdrawn again
		select {
		case <-w.settled:
			return s.told(ctx, w)
		case <-time.After(recheck):
		}
	}
	s.line.leave(w)
	if given != nil {
		return given
	}
	return s.late(ctx, w)
}

// told returns the answer to a claim that was settled.
func (s *Store) told(ctx context.Context, w *stander) error {
	if w.panicked != nil {
		panic(w.panicked)
	}
	if w.err == nil || errors.Is(w.err, w.refusal) {
		return w.err
	}
	return s.explain(ctx, ctx, "claim", w.err)
}

// late returns the answer to a claim whose time is up: that of the same call, if it was carried out meanwhile.
func (s *Store) late(ctx context.Context, w *stander) error {
	if w.wait <= 0 {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, operationTimeout)
	}
	if s.line.fails(brokenAfter) {
		return fmt.Errorf("%s: claim: %w: no answer within %v", s.dialect.Name, ports.ErrUnavailable, brokenAfter)
	}
	refusal := w.refusal
	if refusal == nil {
		refusal = fmt.Errorf("%s: claim: %w", s.dialect.Name, domain.Exhausted(w.claim.want))
	}
	if w.claim.once.IsZero() {
		return refusal
	}
	err := s.bounded(ctx, "claim", func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) { return false, s.lookUp(ctx, w.claim.once) })
	})
	if err != nil {
		return err
	}
	return refusal
}

// lookUp returns the error of a call that was carried out before, nil if it was not.
func (s *Store) lookUp(ctx context.Context, once once) error {
	tx, found, err := s.engine.Begin(ctx, Ask{Calls: []CallKey{once.Key}})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if len(found.Calls) == 0 {
		return nil
	}
	return refuse(once.Repeats(found.Calls[0]))
}

// turn is the operation of a claim whose turn it is: it has been given users.
type turn struct {
	forthright
	*stander
}

func (t *turn) ask(*Ask) {}

func (t *turn) decide(r *round) error {
	if err := t.claim.once.check(r); err != nil {
		return err
	}
	return t.claim.take(r, t.assigned)
}
