package bunstore

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// This file has what the store does when a rival transaction holds what an operation needs:
//
//   - A group leaves out rows that rivals hold, so that it waits for none of them. An operation that lacks them goes back to
//     the front of the queue, at most maxReturns times.
//   - Then it goes solo: in a transaction of its own, which waits for the rows. Few wait at a time (soloSlots), so that they
//     leave connections for the groups, and for transactions that wait for no row (quickSlots).
//   - A claim that goes solo first looks at what is committed at one moment. If users are free by that, it chooses some, waits
//     for their rows, and begins anew if a rival took them. It gives up after claimPatience.

const (
	maxReturns = 2

	// claimPatience is how long a claim tries to get users that rivals hold. It is less than an operation's time: a caller that
	// asks again later does better than one that queues for a database that answers, but has no user to give.
	claimPatience = operationTimeout - time.Second
)

// isContended reports whether an answer says that a rival may hold what is needed.
func isContended(answer error) bool { return errors.Is(answer, ledger.ErrContended) }

// run has an operation carried out in a group, or solo if what it needs is not to be had in a group. size is how many users
// it may need.
func (s *Store) run(ctx context.Context, operation ledger.Operation, size int) error {
	began := time.Now()
	err := s.queue.do(ctx, operation, size)
	if !isContended(err) && !errors.Is(err, ledger.ErrNotLoaded) && !errors.Is(err, ledger.ErrShort) {
		return err
	}
	if claim, ok := operation.(*ledger.Claim); ok {
		return s.claimSolo(ctx, began.Add(claimPatience), claim)
	}
	return s.runSolo(ctx, operation)
}

// runSolo takes an operation through a transaction of its own, which waits for rows that rivals hold.
func (s *Store) runSolo(ctx context.Context, operation ledger.Operation) error {
	return inSlot(ctx, s.soloSlots, func() error { return s.runAlone(ctx, true, operation) })
}

// runQuick takes an operation through a transaction of its own, which waits for no rival. If a rival may hold what it needs, it
// goes solo.
func (s *Store) runQuick(ctx context.Context, operation ledger.Operation) error {
	err := s.quick(ctx, func() error { return s.runAlone(ctx, false, operation) })
	if isContended(err) || errors.Is(err, ledger.ErrNotLoaded) {
		return s.runSolo(ctx, operation)
	}
	return err
}

func (s *Store) runAlone(ctx context.Context, wait bool, operation ledger.Operation) error {
	t := &ticket{operation: operation, caller: newCaller(), span: trace.SpanFromContext(ctx)}
	err := s.retry(ctx, func() (committing bool, err error) {
		answers, committing, err := s.transact(ctx, wait, []*ticket{t})
		if err != nil {
			return committing, err
		}
		return false, answers[0]
	})
	if t.caller.panicked != nil {
		panic(t.caller.panicked)
	}
	return err
}

// claimSolo tries until the claim has users, the reason why it can't have any is known, or its time is up.
func (s *Store) claimSolo(ctx context.Context, until time.Time, claim *ledger.Claim) (err error) {
	patient, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	defer func() { claim.Chosen = nil }()
	for {
		if claim.Chosen, err = s.choose(ctx, claim); err != nil {
			return err
		}
		err = s.runSolo(patient, claim)
		taken := errors.Is(err, ledger.ErrTaken)
		switch outOfPatience := patient.Err() != nil && ctx.Err() == nil; {
		case outOfPatience && (taken || err != nil && !isRefusal(err)):
			return refuse(domain.Exhausted(claim.Want))
		case !taken:
			return err
		}
	}
}

// choose returns the ids of users, one for each selector, that are free by what is committed at one moment. It refuses with
// the errors of [domain.Refusal], and with that of the same call if it was carried out.
func (s *Store) choose(ctx context.Context, claim *ledger.Claim) (chosen []domain.UserID, err error) {
	err = s.quick(ctx, func() error {
		chosen, err = s.chooseNow(ctx, claim)
		return err
	})
	return chosen, err
}

// chooseNow is choose for a caller that has a slot.
func (s *Store) chooseNow(ctx context.Context, claim *ledger.Claim) (chosen []domain.UserID, err error) {
	err = s.retry(ctx, func() (bool, error) {
		tx, l, _, err := s.begin(ctx, Ask{OneMoment: true})
		if err != nil {
			return false, err
		}
		defer tx.Rollback()
		if err := loadCalls(ctx, tx, l, callsOf(claim), false); err != nil {
			return false, err
		}
		if err := l.Repeated(claim.Once); err != nil {
			return false, refuse(err)
		}
		matching, err := s.newLook(tx, l).matching(ctx, claim.Want)
		if err != nil {
			return false, err
		}
		chosen, err = l.Choose(claim.Want, matching)
		return false, refuse(err)
	})
	return chosen, err
}

// quick does work in a transaction that waits for no rival, when there is a slot for it.
func (s *Store) quick(ctx context.Context, work func() error) error {
	return inSlot(ctx, s.quickSlots, work)
}

func inSlot(ctx context.Context, slots chan struct{}, work func() error) error {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
		return work()
	case <-ctx.Done():
		return ctx.Err()
	}
}
